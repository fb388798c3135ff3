// @ts-check
/**
 * A model's file, and what it is called.
 *
 * @typedef {{ id: string, set: string | null, title: string, words: string, url: string | null, bytes: number, blob: Blob | null }} Method
 *   `set`: the pictures that it was made for; `blob`: the file, once it is here
 */

import { reasonOf } from "./format.js";
import { shortName } from "./names.js";

/** The name without the year; of a visitor's file, the file's. @param {Method} method */
export const wholeNameOf = ({ title }) => title.replace(/ \(\d{4}\)$/, "");

/** The same for cells, headings and sentences, shortened where it is long. @param {Method} method */
export const nameOf = (method) => shortName(wholeNameOf(method).replace(/\.safetensors$/i, ""), 28);

/** @param {number} bytes */
export const sizeWords = (bytes) => (bytes < 95_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** @param {Method} method */
export const fetchingWords = (method) => `Fetching ${nameOf(method)}, ${sizeWords(method.bytes)}…`;

/**
 * The model's file, which is fetched once. Rejects with an `AbortError` when cancelled.
 * @param {Method} method @param {{ signal?: AbortSignal, tell?: (words: string) => void }} [options]
 * @returns {Promise<Blob>}
 */
export async function fetchModel(method, { signal, tell = () => {} } = {}) {
  if (method.blob) return method.blob;
  const name = nameOf(method);
  try {
    tell(fetchingWords(method));
    const response = await fetch(/** @type {string} */ (method.url), { signal });
    if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`);
    const reader = response.body.getReader();
    /** @type {Uint8Array<ArrayBuffer>[]} */
    const parts = [];
    let bytes = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      bytes += value.length;
      tell(`Fetching ${name}: ${sizeWords(bytes)} of ${sizeWords(method.bytes)}.`);
    }
    method.blob = new Blob(parts, { type: "application/octet-stream" });
    return method.blob;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error(`${name} could not be fetched (${reasonOf(error)}). Check the connection.`);
  }
}
