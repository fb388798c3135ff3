// @ts-check
/** @typedef {{ held_out: number[], normal: number[], abnormal: number[], threshold: number | null }} Scores */

export const BINS = 24;

/** Counts in equal bins over all groups. @param {Scores} scores */
export function histogram({ held_out, normal, abnormal, threshold }) {
  let low = Infinity;
  let high = -Infinity;
  for (const group of [held_out, normal, abnormal, threshold === null ? [] : [threshold]]) {
    for (const score of group) {
      if (score < low) low = score;
      if (score > high) high = score;
    }
  }
  if (!(high > low)) high = low + (Math.abs(low) || 1) * 0.01;
  /** @param {number[]} group */
  const count = (group) => {
    const bins = new Array(BINS).fill(0);
    for (const score of group) bins[Math.min(BINS - 1, Math.floor(((score - low) / (high - low)) * BINS))]++;
    return bins;
  };
  return { low, high, held_out: count(held_out), normal: count(normal), abnormal: count(abnormal) };
}
