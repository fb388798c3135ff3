// @ts-check
/**
 * From what a person wants of a run to what the worker is asked for, and from what the worker says to what is shown.
 * panel-state.js says what follows from what.
 *
 * @typedef {import("../../lib/training/panel-state.js").PanelEvent} PanelEvent
 * @typedef {import("../../lib/training/protocol.js").FromTrainer} FromTrainer
 * @typedef {import("../../lib/training/protocol.js").StoredRun} StoredRun
 * @typedef {import("../../lib/training/protocol.js").Update} Update
 * @typedef {import("../../lib/training/url-settings.js").UserSettings} UserSettings
 * @typedef {import("../../lib/training/url-settings.js").Values} Values
 * @typedef {import("../../lib/training/records.js").Run} Run
 * @typedef {import("./picture-input.js").Choice} Choice
 * @typedef {{
 *   schema: import("../../lib/training/url-settings.js").Schema, form: import("./form.js").Form,
 *   status: import("./status.js").Status, savedRuns: import("./saved-runs.js").SavedRunsView,
 *   current: import("./current-run.js").CurrentRun, useModel: (blob: Blob, name: string) => Promise<void>,
 * }} Section
 */
import { fileName, plural, reasonOf, timeWords } from "../../lib/format.js";
import { IDLE, isBusy, isOpen, statusOf, trainingOf, transition } from "../../lib/training/panel-state.js";
import { addressOf, nameOf } from "../../lib/training/records.js";
import { TrainingSession } from "../../lib/training/session.js";
import { persist } from "../../lib/training/store.js";
import { byId } from "../dom.js";
import { Preparation } from "./preparation.js";
import { listenTo } from "./session-events.js";

const { dataset } = document.documentElement;

/** Event: `change`, when something else is to be shown or can be done. */
export class RunControl extends EventTarget {
  /** @type {import("../../lib/training/panel-state.js").PanelState} */ state = IDLE;
  #section;
  #form;
  #status;
  #current;
  #savedRuns;
  /** The device that the session was made for. */ #device;
  /** @type {TrainingSession} */ #session;
  /** @type {Blob | null} to resume from as soon as there are images */ #waitingCheckpoint = null;

  /** @param {Section} section */
  constructor(section) {
    super();
    const { schema, form, status, current, savedRuns } = (this.#section = section);
    this.#form = form;
    this.#status = status;
    this.#current = current;
    this.#savedRuns = savedRuns;
    this.preparation = new Preparation({
      schema, form, status,
      session: () => this.#session,
      isBusy: () => isBusy(this.state),
      isStarting: () => this.state.phase === "starting",
    });
    this.preparation.addEventListener("prepared", () => {
      if (this.#waitingCheckpoint) void this.continue(this.#waitingCheckpoint);
    });
    this.#device = form.userSettings()?.device ?? "auto";
    this.#session = this.#newSession();
  }

  /** @param {PanelEvent} event @returns {boolean} whether it meant anything */
  #dispatch(event) {
    const before = this.state;
    this.state = transition(before, event);
    if (this.state === before) return false;
    dataset.training = trainingOf(this.state);
    this.#changed();
    return true;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  // --- What a person wants

  /** Says so where a run is open. @param {string} before what has to wait for its end */
  #refusesWhileBusy(before) {
    const busy = isBusy(this.state);
    if (busy) this.#status.problem(`A run is open. Stop or close it before you ${before}.`);
    return busy;
  }

  /** @param {Choice} choice */
  choose(choice) {
    if (this.#refusesWhileBusy("choose other images")) return;
    if (choice.files.length === 0) this.#status.tell("No image files were found (PNG, JPEG, WebP, GIF, BMP or TIFF).");
    else this.preparation.choose(choice);
  }

  /** The settings have changed. */
  takeSettings() {
    const device = this.#form.userSettings()?.device ?? this.#device;
    this.preparation.showDefaults();
    if (device === this.#device || isBusy(this.state)) {
      this.preparation.planSoon();
      return;
    }
    this.#device = device;
    this.#session.close();
    this.#session = this.#newSession();
    // Its worker has to see the pictures as well.
    this.preparation.repeat();
  }

  /** @param {Update | null} step begins with this step alone, and waits */
  async start(step) {
    if (isBusy(this.state)) return;
    const { preparation } = this;
    if (!preparation.choice) {
      this.#status.tell("Choose normal images first: files, a folder, rendered parts, the bundled images or the camera.");
      byId("train-files").focus();
      return;
    }
    const userSettings = this.#form.userSettings();
    if (!userSettings) {
      this.#status.tell("Correct the marked setting.");
      this.#form.focusInvalid();
      return;
    }
    preparation.endPlanning();
    this.#dispatch({ type: "start", step });
    const ready = await preparation.ready; // what is wrong with the pictures is said there
    if (this.state.phase !== "starting") return;
    if (!ready || (preparation.plan && !preparation.plan.fits)) {
      if (ready) this.#status.tell("These settings do not fit. Use the suggested change or smaller values.");
      this.#dispatch({ type: "unready" });
      return;
    }
    const settings = preparation.settingsOf(userSettings);
    const name = userSettings.name || nameOf(settings, userSettings.minutes);
    void persist();
    const id = this.#session.start({ name, given: preparation.given(userSettings), minutes: userSettings.minutes, paused: step !== null });
    this.#open(id, name, userSettings, settings);
    this.#dispatch({ type: "request", run: id });
  }

  /** @param {StoredRun} stored */
  resume({ id, name, settings, minutes }) {
    if (this.#refusesWhileBusy("resume another run")) return;
    this.#status.tell(`Resuming ${name}.`);
    this.#status.line.scrollIntoView({ block: "center" });
    this.#session.resume(id);
    // The stored steps of a run by minutes are more than it will take: the minutes repeat it.
    const { steps, epochs, ...others } = settings;
    const given = minutes === null ? { ...settings } : others;
    this.#open(id, name, { given, minutes, device: this.#device, name }, settings);
    this.#dispatch({ type: "request", run: id });
    void this.#savedRuns.refresh(id);
  }

  /** A checkpoint file, on the pictures that it was trained with. @param {Blob} file */
  async continue(file) {
    if (this.#refusesWhileBusy("resume from a checkpoint")) return;
    const { preparation } = this;
    this.#waitingCheckpoint = null;
    if (!preparation.choice) {
      this.#waitingCheckpoint = file;
      this.#status.tell("Now choose the images that the checkpoint was trained on.");
      return;
    }
    if (!preparation.prepared && !(await preparation.ready)) return;
    const name = this.#form.userSettings()?.name || "From a checkpoint";
    if (!this.#dispatch({ type: "continue", name })) return;
    preparation.forgetPlan();
    try {
      await this.#session.continue(file, { name });
    } catch (error) {
      const begun = this.state.phase === "continuing" && this.state.run !== null;
      this.#dispatch({ type: "refused" });
      if (begun) this.#current.drop();
      this.#status.tell("");
      this.#status.problem(reasonOf(error));
      this.#changed();
    }
  }

  pauseOrGo() {
    if (this.state.phase === "paused") this.#session.go();
    else if (this.#dispatch({ type: "pause" })) this.#session.pause();
  }

  /** One step of a run that waits, or of a new one. @param {Update} update */
  step(update) {
    if (this.state.phase === "paused") this.#session.step(update);
    else void this.start(update);
  }

  stop() {
    if (!this.#dispatch({ type: "stop" })) return;
    this.#status.tell("Stopping the run and calibrating the model.");
    this.#session.stop();
  }

  discard() {
    this.#session.discard();
    this.#status.tell("The run was closed. Any saved checkpoint stays in this browser.");
  }

  /** How small a fault the finished run's model finds. @param {Blob} model */
  async measure(model) {
    return (await this.#session.measure(model)).found;
  }

  leaveMeasurement() {
    this.#session.leaveMeasurement();
  }

  /** The open run's checkpoint as of now. */
  checkpoint() {
    return this.#session.checkpoint();
  }

  /** @param {string} id @param {string} name @param {UserSettings} userSettings @param {Values} settings */
  #open(id, name, userSettings, settings) {
    const run = this.#current.open({ id, name, userSettings, settings, device: this.#session.device ?? "" });
    this.preparation.planView.clear();
    history.replaceState(history.state, "", addressOf(run, location.href));
  }

  // --- What the session says

  #newSession() {
    const session = new TrainingSession(/** @type {"auto" | "cpu" | "webgpu"} */ (this.#device));
    listenTo(session, {
      status: this.#status, current: this.#current, savedRuns: this.#savedRuns,
      inUse: () => session === this.#session,
      isOpen: () => isOpen(this.state),
      onState: (detail) => this.#takeState(detail),
      onFinished: (run, finished) => void this.#finish(run, finished),
      onSettings: () => this.#changed(),
    });
    return session;
  }

  /** @param {Extract<FromTrainer, { type: "state" }>} detail */
  #takeState({ state, run: id, step, totalSteps, words }) {
    const before = this.state;
    const current = this.#current;
    /** @type {PanelEvent} */
    const event = { type: "worker", state, run: id, words };
    const next = transition(before, event);
    if (before.phase === "continuing" && "run" in next && next.run !== null && next.run !== current.run?.id) {
      const { name } = before;
      this.#open(next.run, name, { given: {}, minutes: null, device: this.#device, name }, {});
    }
    const run = current.run?.id === id ? current.run : null;
    if (run) current.setProgress(run, { state, step, totalSteps });
    this.#dispatch(event);
    if (next !== before && next.phase === "failed") this.#tellFailure(words);
    if (isOpen(next) && run) {
      this.#status.steps(run);
      const said = next.phase === state && statusOf(next, run);
      if (said) this.#status.tell(said);
    }
    if (next === IDLE && "run" in before) {
      current.close("idle");
      this.#changed();
      void this.#savedRuns.refresh(null);
    }
    if (before.phase === "requested" && before.step && next.phase === "paused") this.#session.step(before.step);
  }

  /** @param {Run} run @param {Extract<FromTrainer, { type: "finished" }>} finished */
  async #finish(run, finished) {
    const { step, model, elapsedMs } = finished;
    if (!this.#dispatch({ type: "finished", run: run.id })) return;
    this.#current.finish(finished);
    await this.#section.useModel(model, `${fileName(run.name)}.safetensors`);
    this.#current.setProgress(run, { state: "done", step, totalSteps: run.totalSteps });
    this.#dispatch({ type: "scoring" });
    this.#status.steps(run);
    this.#status.progress(1, 1, "Training");
    this.#status.tell(`Done after ${plural(step, "step")} and ${timeWords(elapsedMs)}. The page now scores with this model.`);
    void this.#savedRuns.refresh(null);
  }

  /** @param {string} words why the run, or the worker, stopped */
  #tellFailure(words) {
    this.#current.drop();
    this.#changed();
    if (this.#form.showProblem(words)) {
      this.#status.tell("Correct the marked setting.");
    } else {
      this.#status.tell("Training stopped.");
      this.#status.problem(words);
    }
    void this.#savedRuns.refresh(null);
  }
}
