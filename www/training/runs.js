// @ts-check
/**
 * The runs of this visit: what each measured, their curves over each other, the settings in which
 * they differ, and all of it as CSV.
 *
 * @typedef {import("./protocol.js").Loss} Loss
 * @typedef {import("./protocol.js").PreviewPoint} PreviewPoint
 * @typedef {import("./protocol.js").State} State
 * @typedef {import("./share.js").Wish} Wish
 * @typedef {{
 *   id: string, name: string, wish: Wish, settings: Record<string, any>, losses: Loss[], points: PreviewPoint[],
 *   state: State, step: number, totalSteps: number, stepMs: number, device: string, colour: number, compared: boolean,
 * }} Run
 */
import { csvCell as cell } from "../export.js";
import { element } from "./form.js";
import { COLOURS, Curves } from "./charts.js";
import { optionOf } from "./share.js";
import { plural } from "./words.js";

/** The curves that runs can be compared by. */
export const MEASURES = /** @type {const} */ ({
  generator: "Generator loss", discriminator: "Discriminator loss", adversarial: "Adversarial loss",
  contextual: "Contextual loss", latent: "Latent loss", real: "D(x)", fake: "D(x̂)", residual: "Held-out residual",
});
/** @typedef {keyof typeof MEASURES} Measure */

const LOSS_COLUMNS = /** @type {const} */ (["adversarial", "contextual", "latent", "generator", "discriminator", "real", "fake"]);

/** What a run is called when nobody named it. @param {Record<string, any>} settings @param {number | null} [minutes] of a run by minutes */
export function nameOf(settings, minutes = null) {
  const length = minutes !== null ? plural(minutes, "minute") : settings.steps != null ? plural(settings.steps, "step") : plural(settings.epochs, "epoch");
  return `${settings.preset ?? settings.method ?? "run"}, ${settings.size} px, width ${settings.width}, batch ${settings.batch}, ${length}`;
}

/** Adds new steps. What is said again, after a worker started anew, replaces the old. @param {Run} run @param {Loss[]} losses */
export function addLosses(run, losses) {
  if (losses.length === 0) return;
  const from = losses[0].step;
  while (run.losses.length > 0 && /** @type {Loss} */ (run.losses.at(-1)).step >= from) run.losses.pop();
  for (const loss of losses) run.losses.push(loss);
}

/** @param {Run} run @param {PreviewPoint} point */
export function addPoint(run, point) {
  while (run.points.length > 0 && /** @type {PreviewPoint} */ (run.points.at(-1)).step >= point.step) run.points.pop();
  run.points.push(point);
}

/** One line a step and run; the preview's columns are filled at the steps that had one. @param {Run[]} runs */
export function toCsv(runs) {
  const lines = [["run", "step", ...LOSS_COLUMNS, "held_out_residual", "auroc_information"].join(",")];
  for (const run of runs) {
    const losses = new Map(run.losses.map((loss) => [loss.step, loss]));
    const points = new Map(run.points.map((point) => [point.step, point]));
    const steps = [...new Set([...losses.keys(), ...points.keys()])].sort((a, b) => a - b);
    for (const step of steps) {
      const loss = losses.get(step);
      const point = points.get(step);
      lines.push([run.name, step, ...LOSS_COLUMNS.map((column) => loss?.[column]), point?.residual, point?.auroc].map(cell).join(","));
    }
  }
  return [...lines, ""].join("\r\n");
}

/** The settings in which runs differ: one row each. @param {Run[]} runs */
export function differences(runs) {
  const keys = new Set(runs.flatMap((run) => Object.keys(run.settings)));
  return [...keys]
    .map((key) => ({ key, values: runs.map((run) => run.settings[key] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== values[0]));
}

/** As many steps as a screen shows side by side. */
const OVERLAY_STEPS = 1500;

/**
 * All runs on one axis: the mean of neighbouring steps where there are more than can be seen.
 * @param {Run[]} runs @param {Measure} measure @returns {import("./charts.js").Points}
 */
export function overlay(runs, measure) {
  const last = Math.max(0, ...runs.map((run) => Math.max(run.losses.at(-1)?.step ?? 0, run.points.at(-1)?.step ?? 0)));
  const by = Math.ceil((last + 1) / OVERLAY_STEPS);
  const used = new Set();
  const curves = runs.map((run) => {
    /** @type {{ sum: number, count: number }[]} */
    const bins = [];
    for (const one of measure === "residual" ? run.points : run.losses) {
      const value = /** @type {any} */ (one)[measure];
      if (value === null) continue;
      const at = Math.floor(one.step / by);
      const bin = (bins[at] ??= { sum: 0, count: 0 });
      bin.sum += value;
      bin.count++;
      used.add(at);
    }
    return bins;
  });
  const places = [...used].sort((a, b) => a - b);
  return {
    count: places.length,
    x: (i) => places[i] * by,
    y: (line, i) => {
      const bin = curves[line][places[i]];
      return bin ? bin.sum / bin.count : null;
    },
  };
}

const STATE_WORDS = { idle: "closed", preparing: "starting", running: "running", paused: "paused", done: "finished", failed: "failed" };

/** The list and comparison on the page. Events: `again`, `link` and `renamed` with the run as detail, `csv`. */
export class RunsView extends EventTarget {
  /** @type {Run[]} */ #runs = [];
  #root;
  #list = element("ul", { className: "runs" });
  #measure = element("select", { id: "compare-measure" });
  #chart;
  #differ = element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Settings that differ" });
  #compare = element("div", {});
  /** @type {Map<Run, HTMLElement>} */ #facts = new Map();
  #compared = "";

  /** @param {HTMLElement} root @param {import("./charts.js").Drawer} drawer */
  constructor(root, drawer) {
    super();
    this.#root = root;
    for (const [value, words] of Object.entries(MEASURES)) this.#measure.append(element("option", { value }, words));
    this.#measure.value = "contextual";
    this.#measure.addEventListener("change", () => this.#draw());
    this.#chart = new Curves("Comparison of runs", drawer, { lines: [], logSwitch: true });
    const csv = element("button", { type: "button", className: "button", id: "runs-csv" }, "Export all runs as CSV");
    csv.addEventListener("click", () => this.dispatchEvent(new CustomEvent("csv")));
    this.#compare.append(
      element("div", { className: "field" }, element("label", { for: "compare-measure" }, "Curve"), this.#measure),
      this.#chart.root,
      element("h4", {}, "Settings that differ"),
      this.#differ,
    );
    root.append(this.#list, element("div", { className: "actions" }, csv), this.#compare);
    this.#show();
  }

  get runs() {
    return this.#runs;
  }

  /** @param {Run} run */
  add(run) {
    this.#runs.push(run);
    const name = element("input", { type: "text", value: run.name, maxLength: 80, "aria-label": "Name of the run" });
    name.addEventListener("change", () => {
      run.name = name.value.trim() || run.name;
      name.value = run.name;
      this.#compared = "";
      this.#draw();
      this.dispatchEvent(new CustomEvent("renamed", { detail: run }));
    });
    const compared = element("input", { type: "checkbox", checked: run.compared });
    compared.addEventListener("change", () => {
      run.compared = compared.checked;
      this.#draw();
    });
    const facts = element("p", { className: "hint" });
    const again = element("button", { type: "button", className: "quiet" }, "Use these settings");
    again.addEventListener("click", () => this.dispatchEvent(new CustomEvent("again", { detail: run })));
    const link = element("button", { type: "button", className: "quiet copy-link" }, "Copy link");
    link.addEventListener("click", () => this.dispatchEvent(new CustomEvent("link", { detail: run })));
    this.#facts.set(run, facts);
    this.#list.append(element("li", {},
      element("label", { className: "check" }, compared, "Compare"), name, facts, element("div", { className: "actions" }, again, link)));
    this.#show();
    this.changed(run);
  }

  /** A run measured more. @param {Run} run */
  changed(run) {
    const facts = this.#facts.get(run);
    const last = run.points.at(-1);
    if (facts) {
      facts.textContent = [
        `${STATE_WORDS[run.state]}, step ${run.step.toLocaleString("en")} of ${run.totalSteps.toLocaleString("en")}`,
        run.stepMs > 0 ? `${run.stepMs.toFixed(0)} ms per step` : "",
        run.device && `on the ${run.device === "webgpu" ? "GPU" : "CPU"}`,
        last ? `held-out residual ${last.residual.toPrecision(3)}` : "",
      ].filter(Boolean).join(" · ");
    }
    this.#draw();
  }

  /** A run that never began. @param {Run} run */
  remove(run) {
    const at = this.#runs.indexOf(run);
    if (at < 0) return;
    this.#runs.splice(at, 1);
    this.#list.children[at].remove();
    this.#facts.delete(run);
    this.#show();
  }

  #show() {
    this.#root.hidden = this.#runs.length === 0;
  }

  #draw() {
    const runs = this.#runs.filter((run) => run.compared);
    this.#compare.hidden = this.#runs.length < 2;
    if (this.#compare.hidden) return;
    const measure = /** @type {Measure} */ (this.#measure.value);
    const key = JSON.stringify([runs.map((run) => [run.id, run.name])]);
    if (key !== this.#compared) {
      this.#compared = key;
      this.#chart.setLines(runs.map((run) => ({ key: run.id, label: run.name, colour: run.colour % COLOURS })));
      const rows = differences(runs);
      this.#differ.replaceChildren(rows.length === 0
        ? element("p", { className: "hint" }, runs.length < 2 ? "Select two or more runs to compare." : "None: these runs have the same settings.")
        : element("table", {},
          element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Setting"), ...runs.map((run) => element("th", { scope: "col" }, run.name)))),
          element("tbody", {}, ...rows.map(({ key: name, values }) =>
            element("tr", {}, element("th", { scope: "row" }, optionOf(name)), ...values.map((value) => element("td", {}, value === null ? "–" : String(value))))))));
    }
    this.#chart.set(() => overlay(runs, measure));
  }
}
