// @ts-check
/**
 * What rows hold by their columns, and that as CSV and JSON.
 *
 * @typedef {Record<string, string | number | null>} Line  a picture's values by their columns
 * @typedef {{
 *   picture: import("./protocol.js").Picture | null, threshold: number | null, verdict: string, display: number | null,
 *   error: string | null,
 * }} Result  what one method says of a picture
 */

export const COLUMNS = ["name", "score", "residual", "latent", "marks", "threshold", "verdict", "display", "error"];

/** @param {Result & { item: { path: string } }} row */
export const lineOf = ({ item, picture, threshold, verdict, display, error }) => ({
  name: item.path,
  score: picture?.score ?? null,
  residual: picture?.residual ?? null,
  latent: picture?.latent ?? null,
  marks: picture?.marks ?? null,
  threshold,
  verdict,
  display: picture ? display : null,
  error,
});

/**
 * The columns that a second method adds to a row's.
 * @param {string} name the method's @param {(Result & { state: string }) | undefined} second what it says of the row @returns {Line}
 */
export function secondOf(name, second) {
  const { picture = null, threshold = null, display = null, error = null } = second ?? {};
  return {
    second_method: name,
    second_score: picture?.score ?? null,
    second_residual: picture?.residual ?? null,
    second_latent: picture?.latent ?? null,
    second_marks: picture?.marks ?? null,
    second_threshold: threshold,
    second_verdict: second?.state === "done" ? second.verdict : null,
    second_display: display,
    second_error: error ?? (second?.state === "done" ? null : "not scored"),
  };
}

/** @param {string} value */
function safeText(value) {
  // A spreadsheet would run a cell that begins like this as a formula.
  return /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
}

/** @param {string | number | null | undefined} value */
export function csvCell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const safe = safeText(value);
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** RFC 4180: commas, CRLF, quotes doubled. @param {Line[]} lines @param {string[]} columns */
export function toCsv(lines, columns = COLUMNS) {
  const rows = lines.map((line) => columns.map((column) => csvCell(line[column])).join(","));
  return [columns.join(","), ...rows, ""].join("\r\n");
}

/** @param {Line[]} lines @param {Record<string, unknown>} about @param {string[]} columns */
export function toJson(lines, about, columns = COLUMNS) {
  const pictures = lines.map((line) => Object.fromEntries(columns.map((column) => [column, line[column] ?? null])));
  return `${JSON.stringify({ ...about, pictures }, null, 2)}\n`;
}
