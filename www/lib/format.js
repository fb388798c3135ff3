// @ts-check
/** Numbers, names and reasons as a person reads them. */

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Four significant digits. @param {number} value */
export function short(value) {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(3) : value.toPrecision(4);
}

/** @param {number} bytes */
export function bytesWords(bytes) {
  if (bytes >= GIB) return `${(bytes / GIB).toFixed(1)} GB`;
  if (bytes >= MIB) return `${(bytes / MIB).toFixed(bytes < 10 * MIB ? 1 : 0)} MB`;
  return bytes >= KIB ? `${Math.round(bytes / KIB)} kB` : plural(bytes, "byte");
}

/** @param {number} ms */
export function timeWords(ms) {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 90) return plural(seconds, "second");
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? plural(minutes, "minute") : `${(seconds / 3600).toFixed(1)} hours`;
}

/** @param {number} count @param {string} one @param {string} [many] */
export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** A run's name as the beginning of a file's. @param {string} name */
export const fileName = (name) => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "model";

/** @param {unknown} error */
export const reasonOf = (error) => (error instanceof Error ? error.message : String(error));

/** A reason, ready to have a sentence after it. @param {unknown} error */
export function asSentence(error) {
  const reason = reasonOf(error).trim();
  return /[.!?]$/.test(reason) ? reason : `${reason}.`;
}
