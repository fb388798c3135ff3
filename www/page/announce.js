// @ts-check
/**
 * Words for screen readers, in turns: the last of each kind of message.
 *
 * @typedef {(words: string, kind?: string) => void} Announce
 */
import { asSentence } from "../lib/format.js";

const EVERY_MS = 1500;

/** @param {HTMLElement} region a live region @returns {Announce} */
export function makeAnnounce(region) {
  let timer = 0;
  /** @type {Map<string, string>} */
  const waiting = new Map();
  return (words, kind = "news") => {
    waiting.delete(kind);
    waiting.set(kind, words);
    if (timer) return;
    timer = setTimeout(() => {
      timer = 0;
      region.textContent = [...waiting.values()].map(asSentence).join(" ");
      waiting.clear();
    }, EVERY_MS);
  };
}
