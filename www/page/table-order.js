// @ts-check
/**
 * The orders that rows can stand in.
 *
 * @typedef {import("./table-row.js").Row} Row
 * @typedef {(a: Row, b: Row) => number} Order
 */

const COLLATOR = new Intl.Collator("en", { numeric: true });

/**
 * By a score, unreadable rows last, equal ones as they came.
 * @param {(row: Row) => number | null | undefined} score @returns {{ high: Order, low: Order }}
 */
export const byScore = (score) => ({
  high: (a, b) => (score(b) ?? -Infinity) - (score(a) ?? -Infinity) || a.order - b.order,
  low: (a, b) => (score(a) ?? Infinity) - (score(b) ?? Infinity) || a.order - b.order,
});

/** @type {Record<string, Order>} */
export const ORDERS = {
  order: (a, b) => a.order - b.order,
  name: (a, b) => COLLATOR.compare(a.item.path, b.item.path) || a.order - b.order,
  ...byScore((row) => row.picture?.score),
};

/** Where a row belongs in an ordered list. @param {Row} row @param {Row[]} rows @param {Order} order */
export function placeOf(row, rows, order) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order(rows[middle], row) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
