// @ts-check
/** Colours of charts: tokens of the style sheet, read once a theme; and the dashes that go with them. */

/** @type {Map<string, string>} */
const colours = new Map();
/** Called when the theme has changed. @type {Set<() => void>} */
export const onTheme = new Set();
/** @param {string} token a custom property of the style sheet */
export function colour(token) {
  let value = colours.get(token);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(token).trim();
    colours.set(token, value);
  }
  return value;
}
function themeChanged() {
  colours.clear();
  for (const draw of onTheme) draw();
}
new MutationObserver(themeChanged).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themeChanged);

/** As many as a method has losses at most. */
export const COLOURS = 7;
/** Curves differ by dashes too, for eyes and prints without colour. */
export const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [14, 4], [4, 2, 2, 2, 2, 2], [12, 3, 3, 3]];
