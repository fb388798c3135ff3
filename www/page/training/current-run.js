// @ts-check
/**
 * The run that is shown: what it measured, its curves, and its line in the list of runs.
 *
 * @typedef {import("../../lib/training/protocol.js").FromTrainer} FromTrainer
 * @typedef {import("../../lib/training/protocol.js").History} History
 * @typedef {import("../../lib/training/protocol.js").Loss} Loss
 * @typedef {import("../../lib/training/protocol.js").Preview} Preview
 * @typedef {import("../../lib/training/protocol.js").State} State
 * @typedef {import("../../lib/training/protocol.js").StoredRun} StoredRun
 * @typedef {import("../../lib/training/records.js").Run} Run
 * @typedef {import("../../lib/training/url-settings.js").UserSettings} UserSettings
 * @typedef {import("../../lib/training/url-settings.js").Values} Values
 */
import { addLosses, addPoint } from "../../lib/training/records.js";

export class CurrentRun {
  /** @type {Run | null} */ run = null;
  /** @type {{ model: Blob, checkpoint: Blob } | null} what a finished run gave */ finished = null;
  #status;
  #liveCharts;
  #runs;

  /** @param {{ status: import("./status.js").Status, liveCharts: import("./live-charts.js").LiveCharts, runs: import("./runs.js").RunsView }} views */
  constructor({ status, liveCharts, runs }) {
    this.#status = status;
    this.#liveCharts = liveCharts;
    this.#runs = runs;
  }

  /** @param {{ id: string, name: string, userSettings: UserSettings, settings: Values, device: string }} begun @returns {Run} */
  open(begun) {
    this.run = {
      ...begun, losses: [], points: [], state: "preparing", step: 0, totalSteps: 0, stepMs: 0,
      colour: this.#runs.runs.length, compared: true,
    };
    this.finished = null;
    this.#setStep(this.run, 0);
    this.#liveCharts.show(this.run);
    this.#runs.add(this.run);
    return this.run;
  }

  /** The run is not shown any more. @param {State} state what becomes of it */
  close(state) {
    if (this.run) this.setProgress(this.run, { ...this.run, state });
    this.run = null;
    this.#liveCharts.show(null);
  }

  /** The run ended before its first step: it is taken out of the list as well. */
  drop() {
    if (!this.run || this.run.step > 0 || this.run.losses.length > 0) return;
    this.#runs.remove(this.run);
    this.close("failed");
  }

  /** @param {string} device */
  setDevice(device) {
    if (this.run) this.run.device = device;
  }

  /** @param {Run} run @param {{ state: State, step: number, totalSteps: number }} progress */
  setProgress(run, { state, step, totalSteps }) {
    Object.assign(run, { state, totalSteps });
    this.#setStep(run, step);
    this.#runs.changed(run);
  }

  /** What a resumed run had before. @param {Run} run @param {History} history */
  setHistory(run, { losses, previews }) {
    run.losses = losses;
    run.points = previews;
    this.#measured(run);
  }

  /** @param {Run} run @param {{ losses: Loss[], stepMs: number, heapBytes: number | null }} read */
  addLosses(run, { losses, stepMs, heapBytes }) {
    const last = losses.at(-1);
    if (!last) return;
    addLosses(run, losses);
    run.stepMs = stepMs;
    this.#setStep(run, last.step);
    this.#measured(run);
    this.#status.steps(run, heapBytes);
  }

  /** @param {Run} run @param {Preview} preview */
  addPreview(run, preview) {
    addPoint(run, { step: preview.step, residual: preview.residual, auroc: preview.labelled?.auroc ?? null });
    this.#liveCharts.preview(preview);
    this.#measured(run);
  }

  /** What the program made of the settings, those that nobody gave among them. @param {Run} run @param {StoredRun} stored */
  setSettings(run, stored) {
    run.settings = { preset: run.settings.preset, ...stored.settings };
    if (run.userSettings.minutes !== null) run.settings.steps = stored.totalSteps;
    this.#runs.changed(run);
  }

  /** @param {Extract<FromTrainer, { type: "finished" }>} finished */
  finish({ model, checkpoint, threshold, heldOut, labelled }) {
    this.finished = { model, checkpoint };
    this.#liveCharts.finish(threshold, heldOut, labelled);
  }

  /** @param {Run} run @param {number} step */
  #setStep(run, step) {
    run.step = step;
    document.documentElement.dataset.step = String(step);
  }

  /** @param {Run} run */
  #measured(run) {
    this.#liveCharts.update(run);
    this.#runs.changed(run);
  }
}
