// @ts-check
/**
 * Notices above the page's parts, each with a button that takes it away. A later notice about the
 * same thing stands in place of the earlier one, which may be false by then.
 *
 * @typedef {(words: string, options?: { bad?: boolean, about?: string }) => void} Notice
 *   `about`: what it is about, where a later one may replace it
 */
import { element } from "./dom.js";

const MOST = 4;

/**
 * @param {HTMLElement} root @param {(words: string) => void} announce for screen readers, unless it is an alert
 * @returns {{ notice: Notice, dismiss: (about: string) => void }}
 */
export function makeNotices(root, announce) {
  /** The last notice about each thing, which may have been dismissed since. @type {Map<string, HTMLElement>} */
  const last = new Map();

  /** @type {Notice} */
  const notice = (words, { bad = false, about } = {}) => {
    const close = element("button", { type: "button", className: "quiet" }, "Dismiss");
    const box = element("div", { className: bad ? "notice bad" : "notice", ...(bad ? { role: "alert" } : {}) }, element("p", {}, words), close);
    close.addEventListener("click", () => box.remove());
    const before = about === undefined ? undefined : last.get(about);
    if (about !== undefined) last.set(about, box);
    if (before?.isConnected) {
      const focused = before.contains(document.activeElement);
      before.replaceWith(box);
      if (focused) close.focus();
    } else {
      root.append(box);
    }
    while (root.children.length > MOST) root.firstElementChild?.remove();
    if (!bad) announce(words);
  };
  return { notice, dismiss: (about) => last.get(about)?.remove() };
}
