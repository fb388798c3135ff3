// @ts-check
/**
 * Curves over the steps of runs, with a legend and their numbers as a table.
 *
 * @typedef {{ key: string, label: string, meaning?: string, colour: number }} Line
 *   `colour` counts from 0, and picks the dashes as well
 * @typedef {import("../../lib/training/points.js").Points} Points
 * @typedef {import("./render-queue.js").RenderQueue} RenderQueue
 */
import { short } from "../../lib/format.js";
import { some, thinned } from "../../lib/training/points.js";
import { element, svg } from "../dom.js";
import { COLOURS, DASHES, colour, onTheme } from "./chart-colours.js";
import { DataTable } from "./data-table.js";

/** @typedef {typeof import("../../vendor/uplot/uplot.js").default} UPlot */
/** @type {Promise<UPlot> | null} */
let library = null;
const loadLibrary = () => (library ??= import("../../vendor/uplot/uplot.js").then((module) => module.default));

/** Rows of the table below. */
const TABLE_ROWS = 60;

/** @param {number} width */
const heightOf = (width) => Math.round(Math.min(260, Math.max(150, width * 0.45)));

/** @param {number | null} value */
const shown = (value) => (value === null ? "–" : short(value));

export class Curves {
  root = element("figure", { className: "chart" });
  #plot = element("div", { className: "plot" });
  #legend = element("ul", { className: "legend" });
  #dataTable;
  #renderQueue;
  #name;
  #log;
  /** @type {Line[]} */ #lines = [];
  /** @type {Set<string>} */ #hidden = new Set();
  /** @type {() => Points} */ #make = () => ({ count: 0, x: () => 0, y: () => null });
  /** @type {InstanceType<UPlot> | null} */ #chart = null;
  #made = "";
  #range;

  /**
   * @param {string} name
   * @param {RenderQueue} renderQueue
   * @param {{ lines: Line[], log?: boolean, logSwitch?: boolean, range?: [number, number] }} options
   */
  constructor(name, renderQueue, { lines, log = false, logSwitch = false, range }) {
    this.#name = name;
    this.#renderQueue = renderQueue;
    this.#log = log;
    this.#range = range;
    this.#dataTable = new DataTable(name);
    this.root.append(element("figcaption", {}, name));
    if (logSwitch) {
      const box = element("input", { type: "checkbox", checked: log });
      box.addEventListener("change", () => {
        this.#log = box.checked;
        this.#ask();
      });
      this.root.append(element("label", { className: "check" }, box, "Logarithmic scale"));
    }
    // The canvas says nothing to a screen reader; legend and table do.
    this.#plot.setAttribute("aria-hidden", "true");
    this.root.append(this.#plot, this.#legend, this.#dataTable.root);
    this.setLines(lines);
    new ResizeObserver(() => {
      this.#fit();
      this.#ask();
    }).observe(this.#plot);
    onTheme.add(() => this.#ask());
  }

  /** A chart that is out of view is not drawn, and would make the page as wide as it was. */
  #fit() {
    const width = Math.floor(this.#plot.clientWidth);
    if (width > 0 && this.#chart && this.#chart.width > width) this.#chart.setSize({ width, height: heightOf(width) });
  }

  /** @param {Line[]} lines */
  setLines(lines) {
    this.#lines = lines;
    this.#legend.replaceChildren(...lines.map(({ key, label, meaning, colour: index }) => {
      const sample = svg("svg", { viewBox: "0 0 28 8", width: "28", height: "8", "aria-hidden": "true" },
        svg("path", { d: "M0 4h28", class: `curve-${index % COLOURS}`, "stroke-dasharray": DASHES[index % DASHES.length].join(" ") }));
      const value = element("span", { className: "value" });
      const button = element("button", { type: "button", "aria-pressed": String(!this.#hidden.has(key)) }, sample, element("span", {}, label), value);
      button.title = `${meaning ? `${label}: ${meaning}. ` : ""}Show or hide this curve`;
      button.addEventListener("click", () => {
        if (!this.#hidden.delete(key)) this.#hidden.add(key);
        button.setAttribute("aria-pressed", String(!this.#hidden.has(key)));
        this.#ask();
      });
      return element("li", {}, button);
    }));
    this.#ask();
  }

  /** @param {() => Points} make as many lines as the chart has; called when it is drawn */
  set(make) {
    this.#make = make;
    this.#ask();
  }

  #ask() {
    this.#renderQueue.ask(this, () => void this.#draw());
  }

  async #draw() {
    const width = Math.floor(this.#plot.clientWidth);
    if (width === 0) return; // hidden: asked for again when it is seen
    const UPlot = await loadLibrary();
    const points = this.#make();
    const { count, x, y } = points;
    const height = heightOf(width);
    const made = JSON.stringify([this.#lines, this.#log, colour("--ink"), colour("--line")]);
    const data = thinned(points, this.#lines.length, this.#log);
    const chart = this.#chart;
    if (chart && this.#made === made) {
      if (chart.width !== width || chart.height !== height) chart.setSize({ width, height });
      this.#lines.forEach(({ key }, i) => {
        const show = !this.#hidden.has(key);
        if (chart.series[i + 1].show !== show) chart.setSeries(i + 1, { show });
      });
      chart.setData(data);
    } else {
      chart?.destroy();
      this.#made = made;
      const axis = {
        stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 },
        font: "12px system-ui, sans-serif",
      };
      this.#chart = new UPlot({
        width, height,
        scales: {
          x: { time: false },
          y: { distr: this.#log ? 3 : 1, ...(this.#range && !this.#log ? { range: this.#range } : {}) },
        },
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { show: false } },
        axes: [
          { ...axis, values: (_self, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? String(tick) : "")) },
          { ...axis, size: (_self, labels) => 22 + 7 * Math.max(3, ...(labels ?? []).map((label) => label.length)), values: (_self, ticks) => ticks.map((tick) => (tick === null ? "" : String(Number(tick.toPrecision(6))))) },
        ],
        series: [
          {},
          ...this.#lines.map(({ key, label, colour: index }) => ({
            label, show: !this.#hidden.has(key), stroke: colour(`--curve-${index % COLOURS}`), width: 1.75,
            dash: DASHES[index % DASHES.length], spanGaps: true, points: { show: (/** @type {InstanceType<UPlot>} */ self) => self.data[0].length < 20, size: 5 },
          })),
        ],
      }, data, this.#plot);
    }
    [...this.#legend.querySelectorAll(".value")].forEach((value, i) => {
      let last = /** @type {number | null} */ (null);
      for (let k = count - 1; k >= 0 && last === null; k--) last = y(i, k);
      value.textContent = count > 0 ? shown(last) : "";
    });
    this.#dataTable.set(() => ({
      head: ["Step", ...this.#lines.map(({ label }) => label)],
      rows: some(count, TABLE_ROWS).map((i) => [x(i), ...this.#lines.map((_, line) => shown(y(line, i)))]),
      note: [
        ...this.#lines.flatMap(({ label, meaning }) => (meaning ? [`${label}: ${meaning}.`] : [])),
        ...(count > TABLE_ROWS ? [`${TABLE_ROWS} of ${count.toLocaleString("en")} rows, evenly spaced. The CSV file has all of them.`] : []),
      ].join(" "),
    }));
  }
}
