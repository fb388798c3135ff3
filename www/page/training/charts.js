// @ts-check
/**
 * Curves and a histogram, each with its numbers as a table. They are drawn a few times a second at
 * most, one a frame, and only where someone can see them.
 *
 * @typedef {{ key: string, label: string, colour: number }} Line  `colour` counts from 0, and picks the dashes as well
 * @typedef {import("../../lib/training/points.js").Points} Points
 * @typedef {import("../../lib/training/histogram.js").Scores} Scores
 */
import { short } from "../../lib/format.js";
import { BINS, histogram } from "../../lib/training/histogram.js";
import { some, thinned } from "../../lib/training/points.js";
import { element } from "../dom.js";

/** @typedef {typeof import("../../vendor/uplot/uplot.js").default} UPlot */
/** @type {Promise<UPlot> | null} */
let library = null;
const loadLibrary = () => (library ??= import("../../vendor/uplot/uplot.js").then((module) => module.default));

// --- When to draw ----------------------------------------------------------------------------

const DRAW_EVERY_MS = 250;

/** @param {number} width */
const heightOf = (width) => Math.round(Math.min(260, Math.max(150, width * 0.45)));

/** Runs what was asked for, the last of each kind, one a frame, while its part of the page is in view. */
export class RenderQueue {
  /** @type {Map<object, () => void>} */ #asked = new Map();
  #inView = false;
  #frame = 0;
  #timer = 0;
  #last = 0;

  /** @param {HTMLElement} section */
  constructor(section) {
    new IntersectionObserver((entries) => {
      // On a busy machine several changes come at once: the last one counts.
      this.#inView = entries[entries.length - 1].isIntersecting;
      this.#plan();
    }, { rootMargin: "100px" }).observe(section);
    document.addEventListener("visibilitychange", () => this.#plan());
  }

  /** @param {object} key @param {() => void} draw */
  ask(key, draw) {
    this.#asked.set(key, draw);
    this.#plan();
  }

  #plan() {
    if (this.#frame || this.#timer || this.#asked.size === 0 || !this.#inView || document.hidden) return;
    const wait = this.#last + DRAW_EVERY_MS - performance.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = 0;
        this.#plan();
      }, wait);
      return;
    }
    const round = [...this.#asked];
    this.#asked.clear();
    this.#last = performance.now();
    const next = () => {
      const [, draw] = round.shift() ?? [];
      draw?.();
      this.#frame = round.length > 0 ? requestAnimationFrame(next) : 0;
      if (this.#frame === 0) this.#plan();
    };
    this.#frame = requestAnimationFrame(next);
  }
}

// --- Colours: tokens of the style sheet, read once a theme --------------------------------------

/** @type {Map<string, string>} */
const colours = new Map();
/** @type {Set<() => void>} */
const onTheme = new Set();
/** @param {string} token */
function colour(token) {
  let value = colours.get(token);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(token).trim();
    colours.set(token, value);
  }
  return value;
}
function themeChanged() {
  colours.clear();
  for (const draw of onTheme) draw();
}
new MutationObserver(themeChanged).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themeChanged);

export const COLOURS = 6;
/** Curves differ by dashes too, for eyes and prints without colour. */
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [14, 4], [4, 2, 2, 2, 2, 2]];

// --- A table of numbers in a fold -----------------------------------------------------------------

const TABLE_ROWS = 60;
const TABLE_EVERY_MS = 1000;

/** A fold with a table that is filled while it is open. */
export class DataTable {
  root = element("details", { className: "data-table" });
  #body = element("tbody");
  #head = element("tr");
  #note = element("p", { className: "hint" });
  /** @type {(() => { head: string[], rows: (string | number)[][], note?: string }) | null} */ #make = null;
  #filled = 0;
  #timer = 0;

  /** @param {string} what */
  constructor(what) {
    const table = element("table", {}, element("caption", { className: "visually-hidden" }, what), element("thead", {}, this.#head), this.#body);
    this.root.append(
      element("summary", {}, `${what} as a table`),
      element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": `${what} as a table` }, table),
      this.#note,
    );
    this.root.addEventListener("toggle", () => this.root.open && this.#fill());
  }

  /** @param {() => { head: string[], rows: (string | number)[][], note?: string }} make called when the table is seen */
  set(make) {
    this.#make = make;
    if (!this.root.open || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#fill();
    }, Math.max(0, this.#filled + TABLE_EVERY_MS - performance.now()));
  }

  #fill() {
    if (!this.#make || !this.root.open) return;
    this.#filled = performance.now();
    const { head, rows, note = "" } = this.#make();
    this.#head.replaceChildren(...head.map((words) => element("th", { scope: "col" }, words)));
    this.#body.replaceChildren(...rows.map(([first, ...rest]) =>
      element("tr", {}, element("th", { scope: "row" }, String(first)), ...rest.map((value) => element("td", {}, String(value))))));
    this.#note.textContent = note;
  }
}

// --- Curves ----------------------------------------------------------------------------------

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
  /** @type {any} */ #chart = null;
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
    if (width > 0 && this.#chart?.width > width) this.#chart.setSize({ width, height: heightOf(width) });
  }

  /** @param {Line[]} lines */
  setLines(lines) {
    this.#lines = lines;
    this.#legend.replaceChildren(...lines.map(({ key, label, colour: index }) => {
      const sample = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      sample.setAttribute("viewBox", "0 0 28 8");
      sample.setAttribute("width", "28");
      sample.setAttribute("height", "8");
      sample.setAttribute("aria-hidden", "true");
      const stroke = document.createElementNS("http://www.w3.org/2000/svg", "path");
      stroke.setAttribute("d", "M0 4h28");
      stroke.setAttribute("class", `curve-${index % COLOURS}`);
      stroke.setAttribute("stroke-dasharray", DASHES[index % DASHES.length].join(" "));
      sample.append(stroke);
      const value = element("span", { className: "value" });
      const button = element("button", { type: "button", "aria-pressed": String(!this.#hidden.has(key)) }, sample, element("span", {}, label), value);
      button.title = "Show or hide this curve";
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
    if (this.#chart && this.#made === made) {
      if (this.#chart.width !== width || this.#chart.height !== height) this.#chart.setSize({ width, height });
      this.#lines.forEach(({ key }, i) => {
        const show = !this.#hidden.has(key);
        if (this.#chart.series[i + 1].show !== show) this.#chart.setSeries(i + 1, { show });
      });
      this.#chart.setData(data);
    } else {
      this.#chart?.destroy();
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
            dash: DASHES[index % DASHES.length], spanGaps: true, points: { show: (self) => self.data[0].length < 20, size: 5 },
          })),
        ],
      }, /** @type {any} */ (data), this.#plot);
    }
    [...this.#legend.querySelectorAll(".value")].forEach((value, i) => {
      let last = /** @type {number | null} */ (null);
      for (let k = count - 1; k >= 0 && last === null; k--) last = y(i, k);
      value.textContent = count > 0 ? shown(last) : "";
    });
    this.#dataTable.set(() => {
      return {
        head: ["Step", ...this.#lines.map(({ label }) => label)],
        rows: some(count, TABLE_ROWS).map((i) => [x(i), ...this.#lines.map((_, line) => shown(y(line, i)))]),
        note: count > TABLE_ROWS ? `${TABLE_ROWS} of ${count.toLocaleString("en")} rows, evenly spaced. The CSV file has all of them.` : "",
      };
    });
  }
}

// --- Histogram -------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

/** The scores of held-out pictures, with the labelled ones' over it. */
export class Histogram {
  root = element("figure", { className: "chart" });
  #svg = document.createElementNS(SVG, "svg");
  #low = element("span");
  #high = element("span");
  #legend = element("ul", { className: "legend" });
  #said = element("p", { className: "hint" });
  #dataTable = new DataTable("Scores");
  #renderQueue;

  /** @param {RenderQueue} renderQueue */
  constructor(renderQueue) {
    this.#renderQueue = renderQueue;
    this.#svg.setAttribute("viewBox", "0 0 480 170");
    this.#svg.setAttribute("class", "histogram");
    this.#svg.setAttribute("role", "img");
    this.#svg.setAttribute("aria-label", "Scores of held-out images"); // more once it is drawn
    this.root.append(
      element("figcaption", {}, "Scores of held-out images"),
      /** @type {any} */ (this.#svg), element("p", { className: "ends", "aria-hidden": "true" }, this.#low, this.#high),
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
      const shape = document.createElementNS(SVG, "path");
      let d = `M0 ${base}`;
      counts.forEach((count, i) => {
        const y = base - (150 * count) / Math.max(all, 1) / top;
        d += `L${i * width} ${y.toFixed(1)}H${(i + 1) * width}`;
      });
      shape.setAttribute("d", `${d}L480 ${base}Z`);
      shape.setAttribute("class", className);
      return shape;
    });
    /** @type {SVGElement[]} */
    const marks = [];
    this.#low.textContent = short(bins.low);
    this.#high.textContent = short(bins.high);
    if (scores.threshold !== null) {
      const x = (480 * (scores.threshold - bins.low)) / (bins.high - bins.low);
      const line = document.createElementNS(SVG, "path");
      line.setAttribute("d", `M${x} 6V${base}`);
      line.setAttribute("class", "threshold-line");
      marks.push(line);
    }
    this.#svg.replaceChildren(...shapes, ...marks);
    const sizes = groups.map(({ name, all }) => `${all} ${name}`).join(", ");
    this.#svg.setAttribute("aria-label", `Histogram of the scores of ${sizes}, from ${short(bins.low)} to ${short(bins.high)}. The table below has the counts.`);
    this.#legend.replaceChildren(...[...groups.map(({ name, className, all }) => ({ className, words: `${name} (${all})` })),
      ...(scores.threshold === null ? [] : [{ className: "threshold-line", words: `threshold ${short(scores.threshold)}` }])]
      .map(({ className, words }) => {
        const sample = document.createElementNS(SVG, "svg");
        for (const [name, value] of [["viewBox", "0 0 18 12"], ["width", "18"], ["height", "12"], ["aria-hidden", "true"]]) sample.setAttribute(name, value);
        const shape = document.createElementNS(SVG, "path");
        shape.setAttribute("d", className === "threshold-line" ? "M9 0V12" : "M1 1H17V11H1Z");
        shape.setAttribute("class", className);
        sample.append(shape);
        return element("li", {}, element("span", { className: "key" }, /** @type {any} */ (sample), words));
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
