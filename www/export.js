// @ts-check
/**
 * What a person exports: CSV, JSON, and a ZIP with the images.
 *
 * @typedef {Record<string, string | number | null>} Line  a picture's values by their columns
 */
import { crc32 } from "./png.js";

export const COLUMNS = ["name", "score", "residual", "latent", "threshold", "verdict", "display", "error"];

/** @param {string} value */
function safeText(value) {
  // A spreadsheet would run a cell that begins like this as a formula.
  return /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
}

/** @param {string | number | null | undefined} value */
export function csvCell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const safe = safeText(value);
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** RFC 4180: commas, CRLF, quotes doubled. @param {Line[]} lines @param {string[]} columns */
export function toCsv(lines, columns = COLUMNS) {
  const rows = lines.map((line) => columns.map((column) => csvCell(line[column])).join(","));
  return [columns.join(","), ...rows, ""].join("\r\n");
}

/** @param {Line[]} lines @param {Record<string, unknown>} about @param {string[]} columns */
export function toJson(lines, about, columns = COLUMNS) {
  const pictures = lines.map((line) => Object.fromEntries(columns.map((column) => [column, line[column] ?? null])));
  return `${JSON.stringify({ ...about, pictures }, null, 2)}\n`;
}

/** @param {string} name @param {Blob} blob */
export function download(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const MAX_ENTRIES = 0xffff;
const MAX_BYTES = 0xffffffff;

/** A ZIP without compression: PNG files are compressed already. */
export class ZipWriter {
  /** @type {BlobPart[]} */ #parts = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */ #directory = [];
  #offset = 0;
  #names = new Set();
  #date = dosDate(new Date());

  /** @param {string} path @param {Uint8Array<ArrayBuffer>} bytes */
  add(path, bytes) {
    if (this.#directory.length >= MAX_ENTRIES || this.#offset + bytes.length > MAX_BYTES - 2 ** 24) {
      throw new Error(`A ZIP file holds at most ${MAX_ENTRIES} entries and 4 GB: export fewer images at a time.`);
    }
    const name = new TextEncoder().encode(this.#unique(path));
    const crc = crc32(bytes);
    const common = (/** @type {DataView} */ view, /** @type {number} */ at) => {
      view.setUint16(at, 20, true); // version needed
      view.setUint16(at + 2, 0x0800, true); // names are UTF-8
      view.setUint32(at + 6, this.#date, true);
      view.setUint32(at + 10, crc, true);
      view.setUint32(at + 14, bytes.length, true);
      view.setUint32(at + 18, bytes.length, true);
      view.setUint16(at + 22, name.length, true);
    };
    const local = new Uint8Array(30 + name.length);
    const localView = new DataView(local.buffer);
    localView.setUint32(0, 0x04034b50, true);
    common(localView, 4);
    local.set(name, 30);

    const central = new Uint8Array(46 + name.length);
    const centralView = new DataView(central.buffer);
    centralView.setUint32(0, 0x02014b50, true);
    centralView.setUint16(4, 20, true);
    common(centralView, 6);
    centralView.setUint32(42, this.#offset, true);
    central.set(name, 46);

    this.#directory.push(central);
    this.#parts.push(local, bytes);
    this.#offset += local.length + bytes.length;
  }

  /** @param {string} path */
  #unique(path) {
    // No absolute path, no way up, no characters that some systems refuse.
    const clean = path.split(/[\\/]/).map((part) => part.replace(/[<>:"|?*\u0000-\u001f]/g, "_")).filter((part) => part && part !== "." && part !== "..").join("/");
    let name = clean;
    for (let n = 2; this.#names.has(name); n++) name = clean.replace(/(\.[^./]*)?$/, (end) => `-${n}${end}`);
    this.#names.add(name);
    return name;
  }

  finish() {
    const size = this.#directory.reduce((sum, entry) => sum + entry.length, 0);
    const end = new DataView(new ArrayBuffer(22));
    end.setUint32(0, 0x06054b50, true);
    end.setUint16(8, this.#directory.length, true);
    end.setUint16(10, this.#directory.length, true);
    end.setUint32(12, size, true);
    end.setUint32(16, this.#offset, true);
    return new Blob([...this.#parts, ...this.#directory, end.buffer], { type: "application/zip" });
  }
}

/** @param {Date} date time in the low half, date in the high half */
function dosDate(date) {
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  return ((day << 16) | time) >>> 0;
}
