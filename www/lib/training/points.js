// @ts-check
/**
 * As many points of a curve as can be seen.
 *
 * @typedef {{ count: number, x: (i: number) => number, y: (line: number, i: number) => number | null }} Points
 *   read in place: a long run has more steps than should be copied several times a second
 */

/** At most `most` of the numbers below `count`, evenly, with the first and the last. @param {number} count @param {number} most */
export const some = (count, most) =>
  Array.from({ length: Math.min(count, most) }, (_, i) => (count <= most ? i : Math.round((i * (count - 1)) / (most - 1))));

/** More points than a screen has columns show nothing more: neighbours are averaged. */
const MAX_POINTS = 1500;

/**
 * What uPlot draws: x, then one array a line.
 * @param {Points} points @param {number} lines @param {boolean} log leaves out what has no logarithm
 * @returns {[number[], ...(number | null)[][]]}
 */
export function thinned({ count, x, y }, lines, log) {
  const by = Math.ceil(count / MAX_POINTS) || 1;
  /** @param {(i: number) => number | null} value @param {boolean} positive */
  const means = (value, positive) => {
    /** @type {(number | null)[]} */
    const out = [];
    for (let i = 0; i < count; i += by) {
      let sum = 0;
      let found = 0;
      for (let k = i; k < Math.min(i + by, count); k++) {
        const one = value(k);
        if (one === null || (positive && one <= 0)) continue;
        sum += one;
        found++;
      }
      out.push(found > 0 ? sum / found : null);
    }
    return out;
  };
  return [/** @type {number[]} */ (means(x, false)), ...Array.from({ length: lines }, (_, line) => means((i) => y(line, i), log))];
}
