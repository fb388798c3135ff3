// @ts-check
/**
 * Puts the training section together: pictures and settings go to the training session, what comes
 * back goes to the curves, the status line and the list of runs.
 *
 * @typedef {import("../../lib/training/protocol.js").Prepared} Prepared
 * @typedef {import("../../lib/training/protocol.js").Planned} Planned
 * @typedef {import("../../lib/training/protocol.js").State} State
 * @typedef {import("../../lib/training/protocol.js").StoredRun} StoredRun
 * @typedef {import("../../lib/training/protocol.js").Update} Update
 * @typedef {import("../../lib/training/url-settings.js").Schema} Schema
 * @typedef {import("../../lib/training/url-settings.js").UserSettings} UserSettings
 * @typedef {import("../../lib/training/records.js").Run} Run
 * @typedef {import("./picture-input.js").Choice} Choice
 * @typedef {{
 *   useModel: (blob: Blob, name: string) => Promise<void>,
 *   notice: import("../notices.js").Notice,
 *   dismiss: (about: string) => void,
 *   announce: (words: string, kind?: string) => void,
 * }} Page  what the rest of the page does for this part
 */
import { fileName, plural, reasonOf, timeWords } from "../../lib/format.js";
import { addLosses, addPoint, nameOf, toCsv } from "../../lib/training/records.js";
import { TrainingSession } from "../../lib/training/session.js";
import { persist } from "../../lib/training/store.js";
import { allSettings, optionOf, presetFor, readAddress, toAddress, unusedBy } from "../../lib/training/url-settings.js";
import { element } from "../dom.js";
import { download } from "../download.js";
import { RenderQueue } from "./charts.js";
import { DownloadsView, checkpointName } from "./downloads.js";
import { Form } from "./form.js";
import { LiveCharts } from "./live-charts.js";
import { acceptTraining, choiceOf, saidOf } from "./picture-input.js";
import { PlanView } from "./plan.js";
import { RunsView } from "./runs.js";
import { SavedRunsView, markUnfinished } from "./saved-runs.js";
import { Status } from "./status.js";

const root = document.documentElement;
const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const detailOf = (/** @type {Event} */ event) => /** @type {CustomEvent} */ (event).detail;

/** Width of the networks, before the pictures say what suits them. */
const WIDTH = 8;
/** A plan is made this long after the last change. */
const PLAN_AFTER_MS = 500;

const PHASES = {
  reading: "Reading the images", compiling: "Preparing the GPU (first time only)", planning: "Timing a few steps",
  previewing: "Reconstructing held-out images", calibrating: "Calibrating the model", resuming: "Resuming from the last checkpoint",
};

/** @param {Page} page @returns {Promise<Panel>} */
export async function initialise(page) {
  const sheet = (/** @type {string} */ path) => new Promise((resolve, reject) => {
    const link = element("link", { rel: "stylesheet", href: new URL(path, import.meta.url).href });
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => {
      link.remove();
      reject(new Error(`${path} could not be fetched`));
    });
    document.head.append(link);
  });
  const [response] = await Promise.all([
    fetch(new URL("../../lib/training/schema.json", import.meta.url)), sheet("./training.css"), sheet("../../vendor/uplot/uplot.css"),
  ]);
  if (!response.ok) throw new Error(`schema.json could not be fetched: the server answered ${response.status}`);
  return new Panel(page, await response.json());
}

export class Panel {
  #page;
  #schema;
  #form;
  #liveCharts;
  #downloads;
  #runs;
  #savedRuns;
  #status = new Status();
  #planView = new PlanView();
  /** @type {TrainingSession} */ #session;
  /** The device that the session was made for. */ #device = "auto";

  /** @type {Choice | null} */ #choice = null;
  #choices = 0;
  /** @type {Promise<boolean>} whether the pictures are there */ #preparing = Promise.resolve(false);
  /** @type {Prepared | null} */ #prepared = null;
  /** @type {Planned | null} the plan for the settings as they are */ #plan = null;
  #plans = 0;
  #planTimer = 0;

  /** @type {Run | null} */ #run = null;
  /** @type {State} */ #state = "idle";
  /** What the worker was last said to be doing beside the steps. @type {keyof typeof PHASES} */ #phase = "previewing";
  /** A start waits for the pictures. */
  #starting = false;
  /** A run was asked for and the worker has not begun it yet. */
  #expecting = false;
  /** @type {string | null} what a run from a checkpoint file is to be called; its id comes with its first state */ #continuing = null;
  /** @type {Update | null} a step to take as soon as the run waits */ #stepFirst = null;
  /** @type {Blob | null} to resume as soon as there are images */ #waitingCheckpoint = null;
  /** @type {{ run: Run, model: Blob, checkpoint: Blob } | null} */ #finished = null;
  /** The stored run that a notice offers to resume. @type {string | null} */ #offered = null;
  #suits = element("p", { className: "hint" }, "Once you have chosen images, suggested settings are filled in here.");
  #leave = element("button", { type: "button", className: "button", id: "train-discard", hidden: true }, "Close this run");

  /** @param {Page} page @param {Schema} schema */
  constructor(page, schema) {
    this.#page = page;
    this.#schema = schema;
    this.#form = new Form(byId("train-form"), allSettings(schema), schema.methods);
    this.#showDefaults();
    this.#form.addEventListener("change", () => this.#changed());
    byId("train-form").before(this.#suits);

    const renderQueue = new RenderQueue(byId("train"));
    const [liveCharts, downloads, runs, savedRuns] = Array.from({ length: 4 }, () => element("div"));
    runs.append(element("h3", {}, "Runs in this visit"));
    savedRuns.id = "train-stored";
    byId("train-panel").append(liveCharts, downloads, runs, savedRuns);
    byId("train-stop").after(this.#leave);
    this.#liveCharts = new LiveCharts(liveCharts, renderQueue);
    this.#downloads = new DownloadsView(downloads, schema);
    this.#runs = new RunsView(runs, renderQueue);
    this.#savedRuns = new SavedRunsView(savedRuns);

    this.#buttons();
    this.#lists();
    this.#address();
    this.#device = this.#form.userSettings()?.device ?? "auto";
    this.#session = this.#newSession();
    acceptTraining({ choose: (choice) => this.#choose(choice), problem: (words) => this.#status.problem(words) });
    this.#acceptCheckpoint();
    this.#show();
    void this.#offer();
  }

  // --- Pictures

  /** What was dropped on the section. @param {Promise<import("../../lib/walk.js").Found[]>} files */
  async take(files) {
    try {
      this.#choose(choiceOf(await files));
    } catch (error) {
      this.#status.problem(`The dropped files could not be read: ${reasonOf(error)}`);
    }
  }

  get #open() {
    return this.#state === "running" || this.#state === "paused";
  }

  get #busy() {
    return this.#starting || this.#expecting || this.#open;
  }

  /** Says so where a run is open. @param {string} before what has to wait for its end */
  #refusesWhileBusy(before) {
    if (this.#busy) this.#status.problem(`A run is open. Stop or close it before you ${before}.`);
    return this.#busy;
  }

  /** @param {Choice} choice */
  #choose(choice) {
    if (this.#refusesWhileBusy("choose other images")) return;
    if (choice.files.length === 0) {
      this.#status.tell("No image files were found (PNG, JPEG, WebP, GIF, BMP or TIFF).");
      return;
    }
    this.#choice = choice;
    this.#preparing = this.#prepare(choice);
  }

  /** @param {Choice} choice @returns {Promise<boolean>} */
  async #prepare(choice) {
    const number = ++this.#choices;
    const said = byId("train-said");
    this.#prepared = null;
    this.#forgetPlan();
    said.replaceChildren(element("p", {}, `${plural(choice.files.length, "image")} chosen.`));
    this.#status.tell(`Reading ${plural(choice.files.length, "image")}.`);
    try {
      const prepared = await this.#session.prepare(choice.files, this.#given(this.#form.userSettings()));
      if (number !== this.#choices) return false;
      this.#prepared = prepared;
    } catch (error) {
      if (number !== this.#choices) return false;
      this.#choice = null;
      said.replaceChildren();
      this.#refused(reasonOf(error));
      return false;
    } finally {
      this.#status.progress(0, 1);
    }
    said.replaceChildren(...saidOf(this.#prepared, choice.left));
    this.#form.show({ preset: presetFor(this.#prepared.settings.method), ...this.#prepared.settings });
    this.#suits.textContent = "Suggested for your images. Change any setting; the plan below is updated.";
    const skipped = this.#prepared.skipped.length;
    if (!this.#starting) this.#status.tell(`The images are ready.${skipped > 0 ? ` ${plural(skipped, "file")} could not be read and ${skipped === 1 ? "was" : "were"} skipped.` : ""}`);
    this.#planSoon();
    if (this.#waitingCheckpoint) void this.#continue(this.#waitingCheckpoint);
    return true;
  }

  // --- Settings and plan

  /** Shows what holds where a person says nothing. @param {Record<string, any>} [given] what was said */
  #showDefaults(given = this.#form.userSettings()?.given) {
    const preset = given?.preset ?? presetFor(given?.method);
    const { settings, methods, presets } = this.#schema;
    const method = given?.method ?? methods[0].name;
    this.#form.show({
      preset,
      ...Object.fromEntries(settings.map(({ field, default: value }) => [field, value])),
      width: WIDTH,
      ...methods.find(({ name }) => name === method)?.published,
      ...presets.find(({ name }) => name === preset)?.changes,
      ...this.#prepared?.suggested,
    });
  }

  /** What the session is given: the page's preset, and what a person set. @param {UserSettings | null} userSettings */
  #given = (userSettings) => ({ preset: presetFor(userSettings?.given.method), ...userSettings?.given });

  /** What the address asks for, into the form. */
  #address() {
    const { userSettings, texts, unknown } = readAddress(location.search, allSettings(this.#schema));
    this.#showDefaults(userSettings.given);
    this.#form.give(texts);
    this.#form.set({ device: userSettings.device, name: userSettings.name });
    if (unknown.length > 0) this.#status.problem(`The address contains ${unknown.map((name) => `"${name.slice(0, 40)}"`).join(", ")}, which ${unknown.length === 1 ? "is not a training setting" : "are not training settings"}.`);
    const unused = unusedBy(this.#schema.methods, userSettings.given.method ?? "skip-ganomaly").filter((field) => texts.has(field));
    if (unused.length > 0) this.#status.problem(`The address sets ${unused.map(optionOf).join(", ")}, which ${userSettings.given.method ?? "skip-ganomaly"} does not use; ${unused.length === 1 ? "it is" : "they are"} ignored.`);
  }

  #changed() {
    const userSettings = this.#form.userSettings();
    this.#showDefaults();
    const device = userSettings?.device ?? this.#device;
    if (device !== this.#device && !this.#busy) {
      this.#device = device;
      this.#session.close();
      this.#session = this.#newSession();
      // A worker of its own, which has to see the pictures as well.
      if (this.#choice) this.#preparing = this.#prepare(this.#choice);
      return;
    }
    this.#planSoon();
  }

  #forgetPlan() {
    this.#plans++;
    this.#plan = null;
    clearTimeout(this.#planTimer);
    this.#planView.clear();
  }

  #planSoon() {
    if (this.#busy) return;
    this.#forgetPlan();
    if (this.#prepared) this.#planTimer = setTimeout(() => void this.#makePlan(), PLAN_AFTER_MS);
  }

  async #makePlan() {
    const userSettings = this.#form.userSettings();
    if (!userSettings || !this.#prepared || this.#busy) return;
    const number = ++this.#plans;
    try {
      const plan = await this.#session.plan(this.#given(userSettings), userSettings.minutes);
      if (number !== this.#plans) return;
      this.#plan = plan;
    } catch (error) {
      if (number === this.#plans) this.#refused(reasonOf(error));
      return;
    } finally {
      if (!this.#busy) this.#status.progress(0, 1);
    }
    this.#form.show({ preset: presetFor(this.#plan.settings.method), ...this.#plan.settings });
    this.#planView.show(this.#plan);
    this.#status.tell(this.#plan.fits ? "Ready to train." : "These settings do not fit.");
  }

  /** A refusal: beside its field where it names one. @param {string} words */
  #refused(words) {
    if (this.#form.showProblem(words)) {
      this.#status.tell("Correct the marked setting.");
    } else {
      this.#status.tell("");
      this.#status.problem(words);
    }
  }

  // --- Runs

  #buttons() {
    byId("train-start").addEventListener("click", () => void this.#start(null));
    byId("train-pause").addEventListener("click", () => {
      if (this.#state === "running") {
        byId("train-pause").textContent = "Pausing…";
        this.#session.pause();
      } else if (this.#state === "paused") {
        this.#session.go();
      }
    });
    for (const [id, update] of /** @type {[string, Update][]} */ ([["train-step", "both"], ["train-step-g", "generator"], ["train-step-d", "discriminator"]])) {
      byId(id).addEventListener("click", () => {
        if (this.#state === "paused") this.#session.step(update);
        else void this.#start(update);
      });
    }
    byId("train-stop").addEventListener("click", () => {
      this.#status.tell("Stopping the run and calibrating the model.");
      byId("train-stop").disabled = true;
      this.#session.stop();
    });
    this.#leave.addEventListener("click", () => {
      this.#session.discard();
      this.#status.tell("The run was closed. Any saved checkpoint stays in this browser.");
    });
  }

  /** What can be done with a run that is over, or was kept. */
  #lists() {
    this.#planView.addEventListener("would", (event) => {
      this.#form.give(Object.entries(detailOf(event)).map(([key, value]) => [key, String(value)]));
      this.#planSoon();
      byId("train-start").focus();
    });
    this.#downloads.addEventListener("model", () => {
      if (this.#finished) download(`${fileName(this.#finished.run.name)}.safetensors`, this.#finished.model);
    });
    this.#downloads.addEventListener("checkpoint", () => void this.#downloadCheckpoint());
    this.#downloads.addEventListener("copy", (event) => void this.#status.copy(detailOf(event), "The command"));
    this.#runs.addEventListener("again", (event) => {
      this.#form.fill(detailOf(event).userSettings);
      byId("train-start").scrollIntoView({ block: "center" });
      byId("train-start").focus();
    });
    this.#runs.addEventListener("link", (event) => void this.#status.copy(this.#addressOf(detailOf(event)), "The link"));
    this.#runs.addEventListener("csv", () => download("skip-ganomaly-runs.csv", new Blob([toCsv(this.#runs.runs)], { type: "text/csv;charset=utf-8" })));
    this.#runs.addEventListener("renamed", () => this.#show());
    this.#savedRuns.addEventListener("resume", (event) => this.#resume(detailOf(event)));
    this.#savedRuns.addEventListener("problem", (event) => this.#status.problem(detailOf(event)));
    this.#savedRuns.addEventListener("left", (event) => {
      if (this.#offered === null || detailOf(event).includes(this.#offered)) return;
      this.#offered = null;
      this.#page.dismiss("training");
    });
    this.#savedRuns.addEventListener("cleared", () => this.#status.tell("Everything stored was cleared."));
  }

  #acceptCheckpoint() {
    const input = /** @type {HTMLInputElement} */ (byId("train-checkpoint"));
    const take = () => {
      const [file] = input.files ?? [];
      input.value = ""; // so that the same can be chosen again
      if (file) void this.#continue(file);
    };
    input.addEventListener("change", take);
    take(); // chosen before this part of the page was there
  }

  /** @param {string} id @param {string} name @param {UserSettings} userSettings @param {Record<string, any>} settings */
  #openRun(id, name, userSettings, settings) {
    /** @type {Run} */
    const run = {
      id, name, userSettings, settings, losses: [], points: [], state: "preparing", step: 0, totalSteps: 0, stepMs: 0,
      device: this.#session.device ?? "", colour: this.#runs.runs.length, compared: true,
    };
    this.#run = run;
    this.#finished = null;
    this.#expecting = true;
    this.#planView.clear();
    root.dataset.step = "0";
    this.#liveCharts.show(run);
    this.#runs.add(run);
    this.#show();
    history.replaceState(history.state, "", this.#addressOf(run));
  }

  /** No run is open, and none is shown. */
  #closeRun() {
    this.#run = null;
    this.#liveCharts.show(null);
    this.#show();
  }

  /** The page's address with all that it takes to repeat a run. @param {Run} run */
  #addressOf({ userSettings, settings, name, state, step }) {
    const given = { ...userSettings.given };
    for (const key of ["preset", "size", "channels", "width", "batch", "seed"]) given[key] ??= settings[key];
    // Minutes mean other steps on another machine; those that were taken can be repeated.
    const done = userSettings.minutes !== null && state === "done";
    if (done) given.steps = step;
    else if (userSettings.minutes === null && given.steps == null) given.epochs ??= settings.epochs;
    return toAddress({ ...userSettings, given, minutes: done ? null : userSettings.minutes, name }, location.href);
  }

  /** @param {Update | null} step begins with this step alone, and waits */
  async #start(step) {
    if (this.#busy) return;
    if (!this.#choice) {
      this.#status.tell("Choose normal images first: files, a folder, the bundled images or the camera.");
      byId("train-files").focus();
      return;
    }
    const userSettings = this.#form.userSettings();
    if (!userSettings) {
      this.#status.tell("Correct the marked setting.");
      this.#form.focusInvalid();
      return;
    }
    this.#starting = true;
    clearTimeout(this.#planTimer);
    this.#plans++;
    this.#setState("preparing");
    const ready = await this.#preparing; // what is wrong with the pictures is said there
    this.#starting = false;
    if (!ready || (this.#plan && !this.#plan.fits)) {
      if (ready) this.#status.tell("These settings do not fit. Use the suggested change or smaller values.");
      this.#setState("idle");
      return;
    }
    const settings = { ...this.#prepared?.settings, ...this.#plan?.settings, ...this.#given(userSettings) };
    const name = userSettings.name || nameOf(settings, userSettings.minutes);
    this.#stepFirst = step;
    void persist();
    const id = this.#session.start({ name, given: this.#given(userSettings), minutes: userSettings.minutes, paused: step !== null });
    this.#openRun(id, name, userSettings, settings);
  }

  /** @param {StoredRun} stored */
  #resume({ id, name, settings }) {
    if (this.#refusesWhileBusy("resume another run")) return;
    this.#setState("preparing");
    this.#status.tell(`Resuming ${name}.`);
    this.#status.line.scrollIntoView({ block: "center" });
    this.#session.resume(id);
    this.#openRun(id, name, { given: { ...settings }, minutes: null, device: this.#device, name }, settings);
    void this.#savedRuns.refresh(id);
  }

  /** A checkpoint file, on the pictures that it was trained with. @param {Blob} file */
  async #continue(file) {
    if (this.#refusesWhileBusy("resume from a checkpoint")) return;
    this.#waitingCheckpoint = null;
    if (!this.#choice) {
      this.#waitingCheckpoint = file;
      this.#status.tell("Now choose the images that the checkpoint was trained on.");
      return;
    }
    if (!this.#prepared && !(await this.#preparing)) return;
    this.#forgetPlan();
    const name = this.#form.userSettings()?.name || "From a checkpoint";
    this.#continuing = name;
    this.#expecting = true;
    this.#setState("preparing");
    try {
      await this.#session.continue(file, { name });
    } catch (error) {
      this.#expecting = false;
      this.#setState("idle");
      this.#status.tell("");
      this.#status.problem(reasonOf(error));
    } finally {
      this.#continuing = null;
    }
  }

  /** Unfinished runs of an earlier visit. */
  async #offer() {
    const runs = await this.#savedRuns.refresh(this.#run?.id ?? null);
    const left = runs.find(({ state }) => state !== "done");
    if (!left || this.#run) return;
    this.#offered = left.id;
    this.#page.notice(`The training run "${left.name}" was left at step ${left.step.toLocaleString("en")} of ${left.totalSteps.toLocaleString("en")}. Resume or discard it in the training section.`, { about: "training" });
  }

  // --- What the session says

  #newSession() {
    const session = new TrainingSession(/** @type {any} */ (this.#device));
    /** @param {string} type @param {(detail: any) => void} take */
    const on = (type, take) => session.addEventListener(type, (event) => {
      if (session === this.#session) take(detailOf(event));
    });
    /** Of the run that is open. @param {string} type @param {(run: Run, detail: any) => void} take */
    const onRun = (type, take) => on(type, (detail) => {
      if (this.#run && this.#run.id === detail.run) take(this.#run, detail);
    });
    on("device", ({ device, reason }) => {
      if (this.#run) this.#run.device = device;
      root.dataset.trainingDevice = device;
      byId("set-device-hint").textContent = reason;
    });
    on("progress", (detail) => this.#takeProgress(detail));
    on("searching", ({ step, steps }) => this.#status.note(`${PHASES[this.#phase]}, optimising latent codes: step ${step} of ${steps}…`));
    on("state", (detail) => this.#takeState(detail));
    onRun("history", (run, { history: { losses, previews } }) => {
      run.losses = losses;
      run.points = previews;
      this.#measured(run);
    });
    onRun("losses", (run, { losses, stepMs, heapBytes }) => {
      if (losses.length === 0) return;
      addLosses(run, losses);
      run.step = losses.at(-1).step;
      run.stepMs = stepMs;
      root.dataset.step = String(run.step);
      this.#measured(run);
      this.#status.steps(run, heapBytes);
    });
    onRun("preview", (run, { preview }) => {
      addPoint(run, { step: preview.step, residual: preview.residual, auroc: preview.labelled?.auroc ?? null });
      this.#liveCharts.preview(preview);
      this.#measured(run);
    });
    onRun("saved", async (run) => {
      markUnfinished(true);
      const stored = (await this.#savedRuns.refresh(run.id)).find(({ id }) => id === run.id);
      if (run !== this.#run || !stored) return;
      // What the program made of the settings, those that nobody gave among them.
      run.settings = { preset: run.settings.preset, ...stored.settings };
      if (run.userSettings.minutes !== null) run.settings.steps = stored.totalSteps;
      this.#show();
    });
    on("problem", ({ kind, words }) => {
      if (kind !== "pictures") this.#status.problem(words); // those are listed with the pictures
    });
    onRun("finished", (run, detail) => void this.#finish(run, detail));
    return session;
  }

  /** @param {Run} run */
  #measured(run) {
    this.#liveCharts.update(run);
    this.#runs.changed(run);
  }

  /** @param {{ phase: keyof typeof PHASES, done: number, total: number }} progress */
  #takeProgress({ phase, done, total }) {
    const words = PHASES[phase];
    this.#phase = phase;
    if (this.#run && this.#open) {
      if (phase === "calibrating") this.#status.progress(done, total, words);
      if (done < total) this.#status.note(`${words}…`);
      else this.#status.steps(this.#run);
    } else {
      this.#status.tell(`${words}…`);
      this.#status.progress(done, total, words);
    }
  }

  /** @param {{ state: State, run: string | null, step: number, totalSteps: number, words: string }} detail */
  #takeState({ state, run: id, step, totalSteps, words }) {
    if (id !== null && this.#continuing !== null && id !== this.#run?.id) {
      const name = this.#continuing;
      this.#openRun(id, name, { given: {}, minutes: null, device: this.#device, name }, {});
    }
    const run = this.#run?.id === id ? this.#run : null;
    if (run) {
      Object.assign(run, { step, totalSteps, state });
      root.dataset.step = String(step);
      this.#runs.changed(run);
    }
    if (state === "idle" && (this.#expecting || this.#starting)) return; // said of the time before
    if (state !== "preparing") this.#expecting = false;
    if (state === "failed") {
      this.#failed(words);
      return;
    }
    // A run is done once the page scores with its model: see #finish. After new pictures it is as before.
    if (state !== "done" || this.#state === "preparing") this.#setState(state);
    if (run && this.#open) this.#status.steps(run);
    if (state === "running") this.#status.tell(`Training on the ${run?.device === "webgpu" ? "GPU" : "CPU"}.`);
    if (state === "paused") this.#status.tell(`Paused after step ${step.toLocaleString("en")}.`);
    if (state === "idle" && this.#run) {
      this.#closeRun();
      void this.#savedRuns.refresh(null);
    }
    if (state === "paused" && this.#stepFirst) {
      this.#session.step(this.#stepFirst);
      this.#stepFirst = null;
    }
  }

  /** @param {Run} run @param {Extract<import("../../lib/training/protocol.js").FromTrainer, { type: "finished" }>} finished */
  async #finish(run, { step, model, checkpoint, threshold, heldOut, labelled, elapsedMs }) {
    this.#finished = { run, model, checkpoint };
    this.#liveCharts.finish(threshold, heldOut, labelled);
    await this.#page.useModel(model, `${fileName(run.name)}.safetensors`);
    Object.assign(run, { step, state: "done" });
    root.dataset.step = String(step);
    this.#runs.changed(run);
    this.#setState("done");
    this.#status.steps(run);
    this.#status.progress(1, 1, "Training");
    this.#status.tell(`Done after ${plural(step, "step")} and ${timeWords(elapsedMs)}. The page now scores with this model.`);
    void this.#savedRuns.refresh(null);
  }

  /** @param {string} words why the run, or the worker, stopped */
  #failed(words) {
    const run = this.#run;
    this.#setState("failed");
    if (run && run.step === 0 && run.losses.length === 0) {
      this.#runs.remove(run);
      this.#closeRun();
    }
    if (this.#form.showProblem(words)) {
      this.#status.tell("Correct the marked setting.");
    } else {
      this.#status.tell("Training stopped.");
      this.#status.problem(words);
    }
    void this.#savedRuns.refresh(null);
  }

  // --- What is shown

  /** @param {State} state */
  #setState(state) {
    this.#state = state;
    root.dataset.training = state;
    this.#show();
  }

  /** Buttons, fields and what can be downloaded, for the state as it is. */
  #show() {
    const state = this.#state;
    const busy = this.#busy;
    const open = this.#open;
    const active = document.activeElement;
    byId("train-start").disabled = busy;
    byId("train-start").textContent = this.#run && !busy ? "Train again" : "Train";
    byId("train-pause").disabled = !open;
    byId("train-pause").textContent = state === "paused" ? "Continue" : "Pause";
    byId("train-step").disabled = busy && state !== "paused";
    byId("train-step-g").disabled = byId("train-step-d").disabled = state !== "paused";
    byId("train-stop").disabled = !open;
    for (const id of ["train-files", "train-folder", "train-bundled", "train-camera", "train-checkpoint"]) byId(id).disabled = busy;
    this.#leave.hidden = !open;
    this.#form.lock(busy);
    // A button that can no longer be pressed would lose the keyboard's place: the status line keeps it.
    if ((active instanceof HTMLButtonElement && active.disabled) || active === this.#status.line) {
      const next = ["train-pause", "train-start"].map(byId).find((button) => !button.disabled);
      if (next) next.focus({ preventScroll: true });
      else this.#status.keepFocus();
    }
    if (state === "idle" || state === "failed") {
      this.#status.note("");
      this.#status.progress(0, 1);
    }
    this.#downloads.show(this.#run, { finished: this.#finished !== null, open, folder: this.#choice?.folder ?? "IMAGES" });
  }

  async #downloadCheckpoint() {
    const run = this.#run;
    if (!run) return;
    if (this.#finished) {
      download(checkpointName(run), this.#finished.checkpoint);
      return;
    }
    this.#downloads.wait();
    try {
      const { step, checkpoint } = await this.#session.checkpoint();
      download(checkpointName(run), checkpoint);
      this.#page.announce(`The checkpoint of step ${step} was downloaded.`);
    } catch (error) {
      this.#status.problem(reasonOf(error));
    } finally {
      this.#show();
    }
  }
}
