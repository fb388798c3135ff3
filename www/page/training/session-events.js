// @ts-check
/**
 * What the training session says, handed on to what shows it.
 *
 * @typedef {import("../../lib/training/protocol.js").FromTrainer} FromTrainer
 * @typedef {import("../../lib/training/records.js").Run} Run
 * @typedef {{
 *   status: import("./status.js").Status, current: import("./current-run.js").CurrentRun,
 *   savedRuns: import("./saved-runs.js").SavedRunsView, inUse: () => boolean, isOpen: () => boolean,
 *   onState: (detail: Extract<FromTrainer, { type: "state" }>) => void,
 *   onFinished: (run: Run, finished: Extract<FromTrainer, { type: "finished" }>) => void,
 *   onSettings: () => void,
 * }} Listeners
 *   `inUse`: whether the session is still the page's; `isOpen`: whether a run is; `onSettings`: the run's settings are known
 */
import { byId } from "../dom.js";
import { markUnfinished } from "./saved-runs.js";

/** @param {import("../../lib/training/session.js").TrainingSession} session @param {Listeners} listeners */
export function listenTo(session, { status, current, savedRuns, inUse, isOpen, onState, onFinished, onSettings }) {
  /**
   * @template {FromTrainer["type"]} T
   * @param {T} type @param {(detail: Extract<FromTrainer, { type: T }>) => void} take
   */
  const on = (type, take) => session.addEventListener(type, (event) => {
    if (inUse()) take(/** @type {CustomEvent<Extract<FromTrainer, { type: T }>>} */ (event).detail);
  });
  /**
   * Of the run that is shown.
   * @template {"history" | "losses" | "preview" | "saved" | "finished"} T
   * @param {T} type @param {(run: Run, detail: Extract<FromTrainer, { type: T }>) => void} take
   */
  const onRun = (type, take) => on(type, (detail) => {
    if (current.run && "run" in detail && current.run.id === detail.run) take(current.run, detail);
  });
  on("device", ({ device, reason }) => {
    current.setDevice(device);
    document.documentElement.dataset.trainingDevice = device;
    byId("set-device-hint").textContent = reason;
  });
  on("progress", (detail) => status.work(detail, isOpen() ? current.run : null));
  on("optimising", (detail) => status.optimisation(detail));
  on("state", onState);
  on("problem", ({ kind, words }) => {
    if (kind !== "pictures") status.problem(words); // those are listed with the pictures
  });
  onRun("history", (run, { history }) => current.setHistory(run, history));
  onRun("losses", (run, losses) => current.addLosses(run, losses));
  onRun("preview", (run, { preview }) => current.addPreview(run, preview));
  onRun("saved", async (run) => {
    markUnfinished(true);
    const stored = (await savedRuns.refresh(run.id)).find(({ id }) => id === run.id);
    if (run !== current.run || !stored) return;
    current.setSettings(run, stored);
    onSettings();
  });
  onRun("finished", onFinished);
}
