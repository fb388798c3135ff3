// @ts-check
/**
 * What a score means against a threshold.
 *
 * @typedef {"normal" | "anomalous" | "uncalibrated" | "error"} Verdict
 */

export const VERDICT_WORDS = { normal: "Normal", anomalous: "Anomalous", uncalibrated: "Not calibrated", error: "Unreadable" };

/** @param {number} score @param {number | null} threshold @returns {Verdict} */
export function verdictOf(score, threshold) {
  if (threshold === null) return "uncalibrated";
  return score > threshold ? "anomalous" : "normal";
}
