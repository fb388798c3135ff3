// @ts-check
/**
 * The scores of held-out pictures, before and after the model is calibrated.
 *
 * @typedef {import("../../lib/training/histogram.js").Scores} Scores
 * @typedef {import("./render-queue.js").RenderQueue} RenderQueue
 */
import { short } from "../../lib/format.js";
import { BINS, histogram } from "../../lib/training/histogram.js";
import { element, svg } from "../dom.js";
import { DataTable } from "./data-table.js";

/** The scores of held-out pictures, with the labelled ones' over it. */
export class ScoreHistogram {
  root = element("figure", { className: "chart" });
  #svg = svg("svg", { viewBox: "0 0 480 170", class: "histogram", role: "img", "aria-label": "Scores of held-out images" }); // more once it is drawn
  #low = element("span");
  #high = element("span");
  #legend = element("ul", { className: "legend" });
  #said = element("p", { className: "hint" });
  #dataTable = new DataTable("Scores");
  #renderQueue;

  /** @param {RenderQueue} renderQueue */
  constructor(renderQueue) {
    this.#renderQueue = renderQueue;
    this.root.append(
      element("figcaption", {}, "Scores of held-out images"),
      this.#svg, element("p", { className: "ends", "aria-hidden": "true" }, this.#low, this.#high),
      this.#legend, this.#said, this.#dataTable.root,
    );
  }

  /** @param {Scores} scores @param {number | null} auroc of the labelled ones */
  set(scores, auroc) {
    this.#renderQueue.ask(this, () => this.#draw(scores, auroc));
  }

  /** @param {Scores} scores @param {number | null} auroc */
  #draw(scores, auroc) {
    const bins = histogram(scores);
    const labelled = scores.normal.length + scores.abnormal.length > 0;
    const groups = [
      { name: "held out", className: "bar-held", counts: bins.held_out, all: scores.held_out.length },
      ...(labelled ? [
        { name: "labelled normal", className: "bar-normal", counts: bins.normal, all: scores.normal.length },
        { name: "labelled abnormal", className: "bar-abnormal", counts: bins.abnormal, all: scores.abnormal.length },
      ] : []),
    ];
    // Shares, so that groups of different sizes can be compared.
    const top = Math.max(...groups.flatMap(({ counts, all }) => counts.map((count) => count / Math.max(all, 1))), 1e-9);
    const width = 480 / BINS;
    const base = 168;
    const shapes = groups.map(({ className, counts, all }) => {
      let d = `M0 ${base}`;
      counts.forEach((count, i) => {
        const y = base - (150 * count) / Math.max(all, 1) / top;
        d += `L${i * width} ${y.toFixed(1)}H${(i + 1) * width}`;
      });
      return svg("path", { d: `${d}L480 ${base}Z`, class: className });
    });
    /** @type {SVGElement[]} */
    const marks = [];
    this.#low.textContent = short(bins.low);
    this.#high.textContent = short(bins.high);
    if (scores.threshold !== null) {
      const x = (480 * (scores.threshold - bins.low)) / (bins.high - bins.low);
      marks.push(svg("path", { d: `M${x} 6V${base}`, class: "threshold-line" }));
    }
    this.#svg.replaceChildren(...shapes, ...marks);
    const sizes = groups.map(({ name, all }) => `${all} ${name}`).join(", ");
    this.#svg.setAttribute("aria-label", `Histogram of the scores of ${sizes}, from ${short(bins.low)} to ${short(bins.high)}. The table below has the counts.`);
    this.#legend.replaceChildren(...[...groups.map(({ name, className, all }) => ({ className, words: `${name} (${all})` })),
      ...(scores.threshold === null ? [] : [{ className: "threshold-line", words: `threshold ${short(scores.threshold)}` }])]
      .map(({ className, words }) => {
        const d = className === "threshold-line" ? "M9 0V12" : "M1 1H17V11H1Z";
        const sample = svg("svg", { viewBox: "0 0 18 12", width: "18", height: "12", "aria-hidden": "true" }, svg("path", { d, class: className }));
        return element("li", {}, element("span", { className: "key" }, sample, words));
      }));
    this.#said.textContent = "Bar heights are shares of each group." +
      (labelled ? ` AUROC of the labelled images: ${auroc === null ? "not defined" : auroc.toFixed(3)}. For information only; no choice is based on it.` : "");
    this.#dataTable.set(() => ({
      head: ["From", "To", ...groups.map(({ name }) => name)],
      rows: Array.from({ length: BINS }, (_, i) => {
        const edge = (/** @type {number} */ n) => short(bins.low + ((bins.high - bins.low) * n) / BINS);
        return [edge(i), edge(i + 1), ...groups.map(({ counts }) => counts[i])];
      }),
    }));
  }
}
