// @ts-check
/**
 * How small a fault a finished run's model finds: measured when a person asks, in one sentence and as a chart.
 *
 * @typedef {import("../../lib/found.js").FoundFaults} FoundFaults
 */
import { foundWords, detectionShape, measuredWords } from "../../lib/found.js";
import { element, svg } from "../dom.js";
import { DASHES } from "./chart-colours.js";
import { DataTable } from "./data-table.js";

const [WIDTH, HEIGHT] = [480, 170];
/** Sizes that the axis names, where they are in its range. */
const NAMED = [2, 3, 5, 10, 20, 40, 80];

/** Events: `measure`, `leave`. */
export class SmallFaults extends EventTarget {
  #root;
  #measure = element("button", { type: "button", className: "button", id: "faults-measure" }, "Measure");
  #leave = element("button", { type: "button", className: "button", id: "faults-leave", hidden: true }, "Cancel");
  #said = element("p", { id: "faults-said" });
  #chart = element("figure", { className: "chart", id: "faults-chart", hidden: true });

  /** @param {HTMLElement} root */
  constructor(root) {
    super();
    this.#root = root;
    this.#measure.addEventListener("click", () => this.dispatchEvent(new Event("measure")));
    this.#leave.addEventListener("click", () => this.dispatchEvent(new Event("leave")));
    root.append(
      element("h3", {}, "How small a fault it finds"),
      element("p", { className: "hint" }, "Draws scratches and spots of known sizes on the held-out images, and counts which of them the model finds. This takes seconds to a few minutes."),
      element("div", { className: "actions" }, this.#measure, this.#leave),
      this.#said,
      this.#chart,
    );
    root.hidden = true;
  }

  /** @param {boolean} possible whether there is a model that can be measured */
  show(possible) {
    this.#root.hidden = !possible;
  }

  /** Of another run: nothing is known yet. */
  forget() {
    this.#said.textContent = "";
    this.#chart.hidden = true;
  }

  /** @param {boolean} measuring */
  busy(measuring) {
    this.#measure.disabled = measuring;
    this.#leave.hidden = !measuring;
    if (measuring) this.forget();
  }

  /** @param {FoundFaults} found */
  tell(found) {
    this.#said.textContent = foundWords(found);
    const { least, most, place, lines } = detectionShape(found);
    const x = (/** @type {number} */ at) => (at * WIDTH).toFixed(1);
    const y = (/** @type {number} */ at) => (4 + (1 - at) * (HEIGHT - 24)).toFixed(1);
    const rows = lines.flatMap(({ kind, curve, dots }, i) => [
      svg("path", { d: curve.map((point, k) => `${k === 0 ? "M" : "L"}${x(point.x)} ${y(point.y)}`).join(""), class: `curve-${i} detection`, "stroke-dasharray": DASHES[i].join(" "), "data-kind": kind }),
      ...dots.map((dot) => svg("circle", { cx: x(dot.x), cy: y(dot.y), r: "3", class: `curve-${i} detection` })),
    ]);
    const axis = NAMED.filter((size) => size >= least && size <= most).map((size) => {
      const label = svg("text", { x: x(place(size)), y: String(HEIGHT - 2), class: "axis", "text-anchor": "middle" });
      label.textContent = String(size);
      return label;
    });
    const table = new DataTable("Shares found");
    table.set(() => ({
      head: ["Fault", "From, pixels", "To, pixels", "Found", "Tried"],
      rows: found.series.flatMap(({ kind, groups }) => groups.map(({ from, to, hits, trials }) => [kind, from.toFixed(1), to.toFixed(1), hits, trials])),
    }));
    this.#chart.replaceChildren(
      element("figcaption", {}, "Share of faults found, by their size in pixels"),
      svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "histogram", role: "img", "aria-label": foundWords(found) },
        svg("path", { d: `M0 ${y(0.9)}H${WIDTH}`, class: "ninety" }), ...rows, ...axis),
      element("ul", { className: "legend" }, ...lines.map(({ kind }, i) => {
        const key = svg("svg", { viewBox: "0 0 24 8", width: "24", height: "8", "aria-hidden": "true" }, svg("path", { d: "M0 4H24", class: `curve-${i}`, "stroke-dasharray": DASHES[i].join(" ") }));
        return element("li", {}, element("span", { className: "key" }, key, kind));
      })),
      element("p", { className: "hint" }, `${measuredWords(found)} The level line is at 90 %.`),
      table.root,
    );
    this.#chart.hidden = false;
  }
}
