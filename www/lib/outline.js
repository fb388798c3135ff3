// @ts-check
/** The outline of what a mask marks, as the path of a drawing. */

/** How far, in pixels, the outline keeps from what is marked; single pixels close by join. */
const MARGIN = 2;
/** Where the smoothed mask has this value, the outline runs. */
const LEVEL = 0.5;

/** Widens what is marked by `by` pixels, along one axis. @param {Uint8Array} mask @param {number} size @param {number} step 1 for rows, `size` for columns */
function widen(mask, size, step, by = MARGIN) {
  const out = new Uint8Array(mask.length);
  const other = step === 1 ? size : 1;
  for (let line = 0; line < size; line++) {
    for (let at = 0; at < size; at++) {
      if (!mask[line * other + at * step]) continue;
      for (let near = Math.max(0, at - by); near <= Math.min(size - 1, at + by); near++) out[line * other + near * step] = 1;
    }
  }
  return out;
}

/** The mean of 3 by 3 pixels; beyond the edge nothing is marked. @param {ArrayLike<number>} values @param {number} size */
function smooth(values, size) {
  const out = new Float32Array(values.length);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let sum = 0;
      for (let v = Math.max(0, y - 1); v <= Math.min(size - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(size - 1, x + 1); u++) sum += values[v * size + u];
      }
      out[y * size + x] = sum / 9;
    }
  }
  return out;
}

/**
 * A path around what is marked, by marching squares; empty where nothing is.
 * @param {Uint8Array} mask 1 or 0 a pixel @param {number} size pixels a side @returns {string}
 */
export function outlineOf(mask, size) {
  if (!mask.includes(1)) return "";
  const wide = smooth(smooth(widen(widen(mask, size, 1), size, size), size), size);
  const value = (/** @type {number} */ x, /** @type {number} */ y) => (x < 0 || y < 0 || x >= size || y >= size ? 0 : wide[y * size + x]);
  /** @type {string[]} */
  const path = [];
  for (let y = -1; y < size; y++) {
    for (let x = -1; x < size; x++) {
      const corners = [value(x, y), value(x + 1, y), value(x + 1, y + 1), value(x, y + 1)];
      const inside = corners.map((corner) => corner >= LEVEL);
      if (inside.every((one) => one === inside[0])) continue;
      // A pixel's value holds at its middle.
      const places = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1]];
      /** @type {string[]} */
      const crossings = [];
      for (let side = 0; side < 4; side++) {
        const next = (side + 1) % 4;
        if (inside[side] === inside[next]) continue;
        const part = (LEVEL - corners[side]) / (corners[next] - corners[side]);
        const along = (/** @type {0 | 1} */ axis) => (places[side][axis] + part * (places[next][axis] - places[side][axis]) + 0.5).toFixed(1);
        crossings.push(`${along(0)} ${along(1)}`);
      }
      for (let i = 0; i + 1 < crossings.length; i += 2) path.push(`M${crossings[i]}L${crossings[i + 1]}`);
    }
  }
  return path.join("");
}
