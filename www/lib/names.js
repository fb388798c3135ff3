// @ts-check
/** Long names, shortened. */

/** Longest file name that is shown whole: about two lines of a row. */
export const NAME_LENGTH = 40;

/** A long name without its middle, so that its beginning and end (numbers, the kind of file) can be seen. @param {string} name */
export function shortName(name, most = NAME_LENGTH) {
  const letters = [...name];
  if (letters.length <= most) return name;
  const head = Math.ceil((most - 1) / 2);
  return `${letters.slice(0, head).join("")}…${letters.slice(head + 1 - most).join("")}`;
}
