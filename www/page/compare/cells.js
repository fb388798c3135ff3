// @ts-check
/**
 * The second method's cells in the rows of the table, and the column headings that they need.
 *
 * @typedef {import("../table-row.js").Row} Row
 * @typedef {import("../../lib/verdict.js").Verdict} Verdict
 * @typedef {import("../../lib/protocol.js").Picture} Picture
 * @typedef {import("../../lib/model-files.js").Method} Method
 * @typedef {{
 *   state: "waiting" | "stopped" | "done", picture: Picture | null, error: string | null,
 *   threshold: number | null, verdict: Verdict, display: number | null,
 * }} Second  what the second method says of a row
 */
import { short } from "../../lib/format.js";
import { nameOf, wholeNameOf } from "../../lib/model-files.js";
import { VERDICT_WORDS } from "../../lib/verdict.js";
import { byId, element, find } from "../dom.js";
import { showVerdict, showParts } from "../table-row.js";

const CELLS = [".cell-score", ".cell-parts", ".cell-threshold", ".cell-verdict"];
const MORE_HEADS = ["Second method", "Second score", "Second parts of the score", "Second threshold", "Second verdict"];

/** Whether both verdicts are there and the same; null where one is missing. @param {Row} row @param {Second | undefined} second */
export function agrees(row, second) {
  if (!second?.picture || !row.picture || row.stale) return null;
  const verdicts = [row.verdict, second.verdict];
  return verdicts.includes("uncalibrated") ? null : verdicts[0] === verdicts[1];
}

/** Adds the headings. @param {HTMLTableElement} table @returns {HTMLElement[]} those that were added */
export function addHeads(table) {
  const head = find(table, "thead tr");
  const make = (/** @type {string} */ words, className = "") => element("th", { role: "columnheader", scope: "col", className }, words);
  const by = make("Method");
  head.children[4].before(by);
  const others = MORE_HEADS.map((words) => make(words, "visually-hidden"));
  head.append(...others);
  return [by, ...others];
}

/** Takes the second method out of a row. @param {Row} row */
export function clearCells({ tr }) {
  for (const cell of tr.querySelectorAll(".second, .cell-by")) cell.remove();
  for (const name of ["secondScore", "secondVerdict", "secondState", "agrees"]) delete tr.dataset[name];
}

/** @param {Row} row @param {Second} second @param {{ first: Method | null, method: Method }} methods */
export function showCells(row, second, { first, method }) {
  const { tr } = row;
  if (!tr.querySelector(".second")) addCells(row);
  const { picture, verdict, state } = second;
  const words = second.error ?? (state === "stopped" ? "not scored" : "waiting to be scored");
  const values = [...tr.querySelectorAll(".second.value")].map((cell) => /** @type {HTMLElement} */ (cell));
  if (row.picture) {
    for (const [selector, by] of /** @type {[string, Method | null][]} */ ([[".cell-by:not(.second)", first], [".cell-by.second", method]])) {
      const cell = find(tr, selector);
      cell.textContent = by ? nameOf(by) : "";
      cell.title = by && nameOf(by) !== wholeNameOf(by) ? wholeNameOf(by) : "";
    }
    const note = find(tr, ".cell-note");
    note.hidden = picture !== null;
    note.textContent = words;
    for (const cell of values) cell.hidden = picture === null;
  } else {
    // The reason is the first's; a second that is the same is not worth a line.
    const reason = find(tr, ".second");
    reason.textContent = `${nameOf(method)}: ${picture ? `${short(picture.score)}, ${VERDICT_WORDS[verdict].toLowerCase()}` : words}`;
    reason.hidden = second.error !== null && second.error === row.error;
  }
  const same = agrees(row, second);
  for (const [name, value] of [
    ["secondState", state], ["secondScore", picture && String(picture.score)], ["secondVerdict", picture && verdict],
    ["agrees", same === null ? null : same ? "yes" : "no"],
  ]) {
    if (value === null) delete tr.dataset[String(name)];
    else tr.dataset[String(name)] = value;
  }
  if (!picture || !row.picture) return;
  const [score, scoreParts, threshold, verdictCell] = values;
  showParts(score, scoreParts, picture);
  showVerdict({
    meter: find(score, ".meter"), display: find(score, ".display"), threshold: find(threshold, ".threshold"),
    verdict: find(verdictCell, ".verdict-word"), icon: find(verdictCell, "use", SVGUseElement),
  }, second);
  for (const cell of values) cell.dataset.verdict = verdict;
}

/** @param {Row} row */
function addCells({ tr, picture }) {
  if (!picture) {
    tr.append(element("td", { role: "cell", className: "second cell-reason" }));
    return;
  }
  find(tr, ".cell-score").before(element("td", { role: "cell", className: "cell-by" }));
  const template = byId("row-template", HTMLTemplateElement).content;
  const cells = CELLS.map((selector) => /** @type {HTMLElement} */ (find(template, selector).cloneNode(true)));
  for (const cell of cells) cell.classList.add("second", "value");
  tr.append(element("td", { role: "cell", className: "cell-by second" }), element("td", { role: "cell", className: "cell-note second" }), ...cells);
}
