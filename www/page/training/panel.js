// @ts-check
/**
 * Puts the training section together: the form, what can be done with a run, and what is shown of it.
 *
 * @typedef {import("../../lib/training/protocol.js").StoredRun} StoredRun
 * @typedef {import("../../lib/training/protocol.js").Update} Update
 * @typedef {import("../../lib/training/records.js").Run} Run
 * @typedef {import("../../lib/training/url-settings.js").Schema} Schema
 * @typedef {import("./picture-input.js").Choice} Choice
 * @typedef {{
 *   useModel: (blob: Blob, name: string) => Promise<void>,
 *   notice: import("../notices.js").Notice,
 *   dismiss: (about: string) => void,
 *   announce: import("../announce.js").Announce,
 *   parts: () => Choice | null,
 *   onSet: (changed: () => void) => void,
 * }} Page  what the rest of the page does for this part
 */
import { fileName, reasonOf } from "../../lib/format.js";
import { viewOf } from "../../lib/training/panel-state.js";
import { addressOf, toCsv } from "../../lib/training/records.js";
import { allSettings, optionOf, readAddress, unusedBy } from "../../lib/training/url-settings.js";
import { byId, element, loadStyle, onFiles } from "../dom.js";
import { download } from "../download.js";
import { CurrentRun } from "./current-run.js";
import { DownloadsView, checkpointName } from "./downloads.js";
import { Form } from "./form.js";
import { LiveCharts } from "./live-charts.js";
import { acceptTraining, choiceOf } from "./picture-input.js";
import { RenderQueue } from "./render-queue.js";
import { RunControl } from "./run-control.js";
import { RunsView } from "./runs.js";
import { SavedRunsView } from "./saved-runs.js";
import { SmallFaults } from "./small-faults.js";
import { Status } from "./status.js";

/** The ways to choose images. */
const INPUTS = ["train-files", "train-folder", "train-parts", "train-bundled", "train-camera", "train-checkpoint"];

/** @param {Page} page @returns {Promise<Panel>} */
export async function initialise(page) {
  const [response] = await Promise.all([
    fetch(new URL("../../lib/training/schema.json", import.meta.url)),
    loadStyle(new URL("./training.css", import.meta.url)),
    loadStyle(new URL("../../vendor/uplot/uplot.css", import.meta.url)),
  ]);
  if (!response.ok) throw new Error(`schema.json could not be fetched: the server answered ${response.status}`);
  return new Panel(page, await response.json());
}

export class Panel {
  #page;
  #schema;
  #status = new Status();
  #form;
  #control;
  #current;
  #downloads;
  #runs;
  #savedRuns;
  #smallFaults;
  /** The finished run that was measured, or is being. @type {Run | null} */ #measured = null;
  /** The stored run that a notice offers to resume. @type {string | null} */ #offered = null;
  #leave = element("button", { type: "button", className: "button", id: "train-discard", hidden: true }, "Close this run");

  /** @param {Page} page @param {Schema} schema */
  constructor(page, schema) {
    this.#page = page;
    this.#schema = schema;
    this.#form = new Form(byId("train-form"), allSettings(schema), schema.methods);

    const renderQueue = new RenderQueue(byId("train"));
    const [liveCharts, smallFaults, downloads, runs, savedRuns] = Array.from({ length: 5 }, () => element("div"));
    runs.append(element("h3", {}, "Runs in this visit"));
    savedRuns.id = "train-stored";
    byId("train-panel").append(liveCharts, smallFaults, downloads, runs, savedRuns);
    byId("train-stop").after(this.#leave);
    this.#downloads = new DownloadsView(downloads, schema);
    this.#smallFaults = new SmallFaults(smallFaults);
    this.#runs = new RunsView(runs, renderQueue, schema.methods);
    this.#savedRuns = new SavedRunsView(savedRuns);
    this.#current = new CurrentRun({
      status: this.#status, liveCharts: new LiveCharts(liveCharts, renderQueue, schema.methods), runs: this.#runs,
    });
    const address = readAddress(location.search, allSettings(schema));
    this.#form.set({ device: address.userSettings.device, name: address.userSettings.name });
    this.#control = new RunControl({
      schema, form: this.#form, status: this.#status, savedRuns: this.#savedRuns, current: this.#current, useModel: page.useModel,
    });
    this.#control.preparation.showDefaults(address.userSettings.given);
    this.#form.give(address.texts);
    this.#tellOfAddress(address);

    this.#form.addEventListener("change", () => this.#control.takeSettings());
    this.#control.addEventListener("change", () => this.#show());
    this.#buttons();
    this.#lists();
    acceptTraining({ choose: (choice) => this.#control.choose(choice), problem: (words) => this.#status.problem(words), parts: page.parts, onSet: page.onSet });
    onFiles("train-checkpoint", ([file]) => void this.#control.continue(file));
    this.#show();
    void this.#offer();
  }

  /** What was dropped on the section. @param {Promise<import("../../lib/walk.js").Found[]>} files */
  async take(files) {
    try {
      this.#control.choose(choiceOf(await files));
    } catch (error) {
      this.#status.problem(`The dropped files could not be read: ${reasonOf(error)}`);
    }
  }

  /** What the address asks for in vain. @param {ReturnType<typeof readAddress>} address */
  #tellOfAddress({ userSettings: { given }, texts, unknown }) {
    if (unknown.length > 0) this.#status.problem(`The address contains ${unknown.map((name) => `"${name.slice(0, 40)}"`).join(", ")}, which ${unknown.length === 1 ? "is not a training setting" : "are not training settings"}.`);
    const method = this.#form.method;
    const unused = unusedBy(this.#schema.methods, method).filter((field) => texts.has(field));
    if (unused.length > 0) this.#status.problem(`The address sets ${unused.map(optionOf).join(", ")}, which ${method} does not use; ${unused.length === 1 ? "it is" : "they are"} ignored.`);
  }

  /** Unfinished runs of an earlier visit. */
  async #offer() {
    const runs = await this.#savedRuns.refresh(this.#current.run?.id ?? null);
    const left = runs.find(({ state }) => state !== "done");
    if (!left || this.#current.run) return;
    this.#offered = left.id;
    this.#page.notice(`The training run "${left.name}" was left at step ${left.step.toLocaleString("en")} of ${left.totalSteps.toLocaleString("en")}. Resume or discard it in the training section.`, { about: "training" });
  }

  #buttons() {
    const control = this.#control;
    const on = (/** @type {string} */ id, /** @type {() => unknown} */ press) => byId(id).addEventListener("click", () => void press());
    on("train-start", () => control.start(null));
    on("train-pause", () => control.pauseOrGo());
    on("train-step", () => control.step("both"));
    on("train-step-g", () => control.step("generator"));
    on("train-step-d", () => control.step("discriminator"));
    on("train-stop", () => control.stop());
    on("train-discard", () => control.discard());
  }

  /** What can be done with a plan, and with a run that is over or was kept. */
  #lists() {
    const [control, status, start] = [this.#control, this.#status, byId("train-start")];
    /** @template T @param {EventTarget} view @param {string} type @param {(detail: T) => void} take */
    const on = (view, type, take) => view.addEventListener(type, (event) => take(/** @type {CustomEvent<T>} */ (event).detail));
    on(control.preparation.planView, "would", (/** @type {Record<string, unknown>} */ would) => {
      this.#form.give(Object.entries(would).map(([key, value]) => [key, String(value)]));
      control.preparation.planSoon();
      start.focus();
    });
    on(this.#downloads, "model", () => {
      const { run, finished } = this.#current;
      if (run && finished) download(`${fileName(run.name)}.safetensors`, finished.model);
    });
    on(this.#downloads, "checkpoint", () => void this.#downloadCheckpoint());
    on(this.#smallFaults, "measure", () => void this.#measure());
    on(this.#smallFaults, "leave", () => control.leaveMeasurement());
    on(this.#downloads, "copy", (/** @type {string} */ line) => void status.copy(line, "The command"));
    on(this.#runs, "again", (/** @type {Run} */ { userSettings }) => {
      this.#form.fill(userSettings);
      start.scrollIntoView({ block: "center" });
      start.focus();
    });
    on(this.#runs, "link", (/** @type {Run} */ run) => void status.copy(addressOf(run, location.href), "The link"));
    on(this.#runs, "csv", () => download("skip-ganomaly-runs.csv", new Blob([toCsv(this.#runs.runs, this.#schema.methods)], { type: "text/csv;charset=utf-8" })));
    on(this.#runs, "renamed", () => this.#show());
    on(this.#savedRuns, "resume", (/** @type {StoredRun} */ stored) => control.resume(stored));
    on(this.#savedRuns, "problem", (/** @type {string} */ words) => status.problem(words));
    on(this.#savedRuns, "left", (/** @type {string[]} */ ids) => {
      if (this.#offered === null || ids.includes(this.#offered)) return;
      this.#offered = null;
      this.#page.dismiss("training");
    });
    on(this.#savedRuns, "cleared", () => status.tell("Everything stored was cleared."));
  }

  /** Buttons, fields and what can be downloaded, for the state as it is. */
  #show() {
    const { run, finished } = this.#current;
    const view = viewOf(this.#control.state, run !== null);
    const active = document.activeElement;
    for (const [id, disabled] of Object.entries(view.disabled)) byId(id).toggleAttribute("disabled", disabled);
    for (const [id, words] of Object.entries(view.words)) byId(id).textContent = words;
    for (const id of INPUTS) byId(id).toggleAttribute("disabled", view.locked);
    this.#leave.hidden = !view.open;
    this.#form.lock(view.locked);
    // A button that can no longer be pressed would lose the keyboard's place: the status line keeps it.
    if ((active instanceof HTMLButtonElement && active.disabled) || active === this.#status.line) {
      const next = [byId("train-pause"), byId("train-start")].find((button) => !button.hasAttribute("disabled"));
      if (next) next.focus({ preventScroll: true });
      else this.#status.keepFocus();
    }
    if (view.still) {
      this.#status.note("");
      this.#status.progress(0, 1);
    }
    if (this.#measured !== run) this.#smallFaults.forget();
    const method = this.#schema.methods.find(({ name }) => name === run?.settings.method);
    this.#smallFaults.show(finished !== null && !view.locked && method?.searches === false);
    this.#downloads.show(run, { finished: finished !== null, open: view.open, folder: this.#control.preparation.choice?.folder ?? "IMAGES" });
  }

  /** A model that is being measured when something else is asked of the worker is left. */
  async #measure() {
    const { run, finished } = this.#current;
    if (!run || !finished) return;
    this.#measured = run;
    this.#smallFaults.busy(true);
    try {
      const found = await this.#control.measure(finished.model);
      if (this.#current.run !== run) return;
      this.#smallFaults.tell(found);
      this.#status.tell("Measured how small a fault the model finds.");
    } catch (error) {
      this.#status.tell(reasonOf(error));
    } finally {
      this.#smallFaults.busy(false);
    }
  }

  async #downloadCheckpoint() {
    const { run, finished } = this.#current;
    if (!run) return;
    if (finished) {
      download(checkpointName(run), finished.checkpoint);
      return;
    }
    this.#downloads.wait();
    try {
      const { step, checkpoint } = await this.#control.checkpoint();
      download(checkpointName(run), checkpoint);
      this.#page.announce(`The checkpoint of step ${step} was downloaded.`);
    } catch (error) {
      this.#status.problem(reasonOf(error));
    } finally {
      this.#show();
    }
  }
}
