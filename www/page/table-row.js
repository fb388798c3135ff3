// @ts-check
/**
 * One row of the results table: its cells, and its pictures while they are near the viewport.
 *
 * @typedef {import("../lib/protocol.js").Source} Source
 * @typedef {import("../lib/protocol.js").Picture} Picture
 * @typedef {import("../lib/scorer.js").Answer} Answer
 * @typedef {import("../lib/verdict.js").Verdict} Verdict
 * @typedef {{ name: string, path: string, label?: string, source: Source, part?: import("../lib/sets.js").Part }} Item
 * @typedef {{
 *   order: number, item: Item, answer: Answer, picture: Picture | null, error: string | null,
 *   verdict: Verdict, threshold: number | null, display: number | null, displayFor: number | null,
 *   stale: boolean, tr: HTMLTableRowElement, parts: Parts | null, drawn: boolean,
 * }} Row
 * @typedef {ReturnType<typeof partsOf>} Parts  the cells that change
 */
import { short } from "../lib/format.js";
import { shortName } from "../lib/names.js";
import { dataUrl } from "../lib/png.js";
import { RENDERED } from "../lib/sets.js";
import { VERDICT_WORDS } from "../lib/verdict.js";
import { byId, find, showName } from "./dom.js";

/** A copy of a template's row. @param {string} id */
const copyOf = (id) => /** @type {HTMLTableRowElement} */ (find(byId(id, HTMLTemplateElement).content, "tr", HTMLTableRowElement).cloneNode(true));

/** @param {HTMLElement} tr */
const partsOf = (tr) => ({
  meter: find(tr, ".meter"), display: find(tr, ".display"), threshold: find(tr, ".threshold"),
  verdict: find(tr, ".verdict-word"), icon: find(tr, "use", SVGUseElement), stale: find(tr, ".stale"),
  input: find(tr, ".input", HTMLImageElement), reconstruction: find(tr, ".reconstruction", HTMLImageElement),
  heat: find(tr, ".heat", HTMLImageElement), stack: find(tr, ".stack"),
});

/** Makes the row's element. @param {Row} row */
export function buildRow(row) {
  const { picture, item, error } = row;
  const tr = copyOf(picture ? "row-template" : "error-row-template");
  row.tr = tr;
  tr.dataset.name = item.name;
  if (item.path !== item.name) tr.dataset.path = item.path;
  tr.dataset.verdict = row.verdict;
  const name = find(tr, ".name");
  showName(name, item.name);
  if (name.title) name.setAttribute("aria-label", item.name);
  const folder = item.path.slice(0, Math.max(0, item.path.lastIndexOf("/")));
  const facts = find(tr, ".facts");
  if (folder !== shortName(folder)) facts.title = folder;
  facts.textContent = ["part" in item.source ? RENDERED : shortName(folder), picture ? `${picture.width} × ${picture.height}` : "", item.label ? `labelled ${item.label}` : ""].filter(Boolean).join(" · ");
  if (!picture) {
    find(tr, ".reason").textContent = error;
    row.parts = null;
    return;
  }
  tr.dataset.score = String(picture.score);
  tr.dataset.residual = String(picture.residual);
  if (picture.latent !== null) tr.dataset.latent = String(picture.latent);
  if (picture.marks !== null) tr.dataset.marks = String(picture.marks);
  showParts(tr, tr, picture);
  const parts = (row.parts = partsOf(tr));
  for (const image of [parts.input, parts.reconstruction, parts.heat]) image.width = image.height = picture.size;
  parts.input.alt = `Input: ${item.name}`;
  parts.reconstruction.alt = picture.reconstruction ? `Reconstruction of ${item.name}` : "This method makes no reconstruction";
  parts.heat.alt = `Heat map over ${item.name}`;
  showRow(row);
}

/** A score and its parts. @param {Element} scoreCell @param {Element} partsCell @param {Picture} picture */
export function showParts(scoreCell, partsCell, { score, residual, latent, marks }) {
  const whole = find(scoreCell, ".score");
  whole.textContent = short(score);
  whole.title = String(score);
  find(partsCell, ".residual").textContent = short(residual);
  find(partsCell, ".latent").textContent = latent === null ? "none" : short(latent);
  const place = find(partsCell, ".marks");
  place.textContent = marks === null ? "" : short(marks);
  place.hidden = marks === null;
}

/** Brings the cells that change with the threshold up to date. @param {Row} row */
export function showRow({ parts, tr, verdict, threshold, display, stale }) {
  if (!parts) return;
  tr.dataset.verdict = verdict;
  tr.toggleAttribute("data-stale", stale);
  showVerdict(parts, { verdict, threshold, display });
  parts.stale.hidden = !stale;
}

/**
 * A verdict, and what it was made with.
 * @param {Pick<Parts, "verdict" | "icon" | "threshold" | "display" | "meter">} parts
 * @param {{ verdict: Verdict, threshold: number | null, display: number | null }} judgement
 */
export function showVerdict(parts, { verdict, threshold, display }) {
  parts.verdict.textContent = VERDICT_WORDS[verdict];
  parts.icon.setAttribute("href", `#icon-${verdict}`);
  parts.threshold.textContent = threshold === null ? "none" : short(threshold);
  parts.display.textContent = display === null ? "" : display.toFixed(2);
  parts.meter.hidden = display === null;
  if (display !== null) parts.meter.style.setProperty("--value", display.toFixed(4));
}

/** Shows the row's pictures. @param {Row} row */
export function drawRow(row) {
  const { parts, picture } = row;
  if (row.drawn || !parts || !picture) return;
  row.drawn = true;
  const input = dataUrl(picture.input);
  parts.input.src = input;
  if (picture.reconstruction) parts.reconstruction.src = dataUrl(picture.reconstruction);
  // The input lies under the heat map as a background, so that one style property of the table
  // changes the opacity of all heat maps.
  parts.stack.style.backgroundImage = `url(${input})`;
  parts.heat.src = dataUrl(picture.heat);
}

/** Lets go of the row's pictures. @param {Row} row */
export function releaseRow(row) {
  const { parts } = row;
  if (!row.drawn || !parts) return;
  row.drawn = false;
  for (const image of [parts.input, parts.reconstruction, parts.heat]) image.removeAttribute("src");
  parts.stack.style.backgroundImage = "";
}
