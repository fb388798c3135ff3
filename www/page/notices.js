// @ts-check
/**
 * Notices above the page's parts, each with a button that takes it away. A later notice about the
 * same thing stands in place of the earlier one, which may be false by then.
 *
 * @typedef {(words: string, options?: { bad?: boolean, about?: string }) => void} Notice
 *   `about`: what it is about, where a later one may replace it
 */

const MOST = 4;

/**
 * @param {HTMLElement} root @param {(words: string) => void} announce for screen readers, unless it is an alert
 * @returns {{ notice: Notice, dismiss: (about: string) => void }}
 */
export function makeNotices(root, announce) {
  const find = (/** @type {string | undefined} */ about) =>
    about === undefined ? null : [...root.children].find((box) => /** @type {HTMLElement} */ (box).dataset.about === about) ?? null;

  /** @type {Notice} */
  const notice = (words, { bad = false, about } = {}) => {
    const box = document.createElement("div");
    box.className = bad ? "notice bad" : "notice";
    if (bad) box.setAttribute("role", "alert");
    if (about !== undefined) box.dataset.about = about;
    const text = document.createElement("p");
    text.textContent = words;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "quiet";
    close.textContent = "Dismiss";
    close.addEventListener("click", () => box.remove());
    box.append(text, close);
    const before = find(about);
    if (before) {
      const focused = before.contains(document.activeElement);
      before.replaceWith(box);
      if (focused) close.focus();
    } else {
      root.append(box);
    }
    while (root.children.length > MOST) root.firstElementChild?.remove();
    if (!bad) announce(words);
  };
  return { notice, dismiss: (about) => find(about)?.remove() };
}
