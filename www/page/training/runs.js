// @ts-check
/**
 * The runs of this visit: what each measured, their curves over each other, the settings in which
 * they differ, and all of it as CSV.
 *
 * @typedef {import("../../lib/training/records.js").Run} Run
 * @typedef {import("../../lib/training/url-settings.js").Method} Method
 */
import { differences, measureFor, measuresOf, overlay } from "../../lib/training/records.js";
import { optionOf } from "../../lib/training/url-settings.js";
import { element } from "../dom.js";
import { COLOURS } from "./chart-colours.js";
import { Curves } from "./curves.js";

const STATE_WORDS = { idle: "closed", preparing: "starting", running: "running", paused: "paused", done: "finished", failed: "failed" };

/** The list and comparison on the page. Events: `again`, `link` and `renamed` with the run as detail, `csv`. */
export class RunsView extends EventTarget {
  /** @type {Run[]} */ #runs = [];
  #root;
  #list = element("ul", { className: "runs" });
  #methods;
  #measure = element("select", { id: "compare-measure" });
  /** Whether a person chose the measure. */
  #chosen = false;
  #chart;
  #differ = element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Settings that differ" });
  #compare = element("div", {});
  /** @type {Map<Run, HTMLElement>} */ #facts = new Map();
  #compared = "";

  /** @param {HTMLElement} root @param {import("./render-queue.js").RenderQueue} renderQueue @param {Method[]} methods */
  constructor(root, renderQueue, methods) {
    super();
    this.#root = root;
    this.#methods = methods;
    this.#measure.addEventListener("change", () => {
      this.#chosen = true;
      this.#draw();
    });
    this.#chart = new Curves("Comparison of runs", renderQueue, { lines: [], logSwitch: true });
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
    const measure = this.#showMeasures(runs);
    const key = JSON.stringify([runs.map((run) => [run.id, run.name, run.settings])]);
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
  /** What the runs can be compared by. @param {Run[]} runs @returns {string} what they are compared by */
  #showMeasures(runs) {
    const measures = measuresOf(runs, this.#methods);
    const select = this.#measure;
    const before = select.value;
    if (measures.map(([name]) => name).join() !== [...select.options].map(({ value }) => value).join()) {
      select.replaceChildren(...measures.map(([value, words]) => element("option", { value }, words)));
    }
    const stays = this.#chosen && measures.some(([name]) => name === before);
    select.value = stays ? before : measureFor(runs, this.#methods);
    return select.value;
  }
}
