// @ts-check
/** ZIP files, for the pictures that a person takes home. */
import { crc32 } from "./png.js";

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
