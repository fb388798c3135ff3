// @ts-check
/**
 * Puts the training section together: pictures and settings go to the training session, what comes
 * back goes to the curves, the status line and the list of runs.
 *
 * @typedef {import("./protocol.js").Prepared} Prepared
 * @typedef {import("./protocol.js").Planned} Planned
 * @typedef {import("./protocol.js").State} State
 * @typedef {import("./protocol.js").StoredRun} StoredRun
 * @typedef {import("./protocol.js").Update} Update
 * @typedef {import("./share.js").Schema} Schema
 * @typedef {import("./share.js").Wish} Wish
 * @typedef {import("./runs.js").Run} Run
 * @typedef {import("./choice.js").Choice} Choice
 * @typedef {{
 *   useModel: (blob: Blob, name: string) => Promise<void>,
 *   notice: (words: string, bad?: boolean) => void,
 *   say: (words: string, kind?: string) => void,
 * }} Page  what the rest of the page does for this part
 */
import { download } from "../export.js";
import { Drawer } from "./charts.js";
import { acceptTraining, choiceOf } from "./choice.js";
import { Form, element } from "./form.js";
import { Live } from "./live.js";
import { RunsView, addLosses, addPoint, nameOf, toCsv } from "./runs.js";
import { TrainingSession } from "./session.js";
import { allSettings, readAddress, resumeCommand, toAddress, trainCommand } from "./share.js";
import { persist } from "./store.js";
import { StoredView, bytesWords, markLeft } from "./stored.js";

const root = document.documentElement;
const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** What the page trains with where nobody chose: better than the paper's on four sets (docs/results.md). */
const PRESET = "memory";
/** A plan is made this long after the last change. */
const PLAN_AFTER_MS = 500;

const PHASES = {
  reading: "Reading the pictures", compiling: "Preparing the graphics card, the first time only", planning: "Trying a few steps",
  previewing: "Redrawing held-out pictures", calibrating: "Calibrating the model", resuming: "Going on from the last checkpoint",
};

/** @param {unknown} error */
const reasonOf = (error) => (error instanceof Error ? error.message : String(error));

/** @param {number} ms */
function timeWords(ms) {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

/** @param {number} count @param {string} one @param {string} [many] */
const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** A run's name as the beginning of a file's. @param {string} name */
const fileName = (name) => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "model";

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
    fetch(new URL("./schema.json", import.meta.url)), sheet("./training.css"), sheet("../vendor/uplot/uplot.css"),
  ]);
  if (!response.ok) throw new Error(`schema.json could not be fetched: the server answered ${response.status}`);
  return new Panel(page, await response.json());
}

export class Panel {
  #page;
  #schema;
  #form;
  #live;
  #runs;
  #stored;
  /** @type {TrainingSession} */ #session;
  /** The device that the session was made for. */ #device = "auto";

  /** @type {Choice | null} */ #choice = null;
  /** @type {Promise<boolean>} whether the pictures are there */ #preparing = Promise.resolve(false);
  #choices = 0;
  /** @type {Prepared | null} */ #prepared = null;
  /** @type {Planned | null} the plan for the settings as they are */ #plan = null;
  #plans = 0;
  #planTimer = 0;

  /** @type {Run | null} */ #run = null;
  /** @type {State} */ #state = "idle";
  #starting = false;
  /** A run was asked for and the worker has not begun it yet. */
  #expecting = false;
  /** @type {Update | null} a step to take as soon as the run waits */ #stepFirst = null;
  /** @type {Blob | null} to go on with as soon as there are pictures */ #waitingCheckpoint = null;
  /** @type {{ run: Run, model: Blob, checkpoint: Blob } | null} */ #finished = null;

  #said = byId("train-said");
  #status = byId("train-status");
  #problems = element("div", { id: "train-problems" });
  #planBox = byId("train-plan");
  #leave = element("button", { type: "button", className: "button", id: "train-discard", hidden: true }, "Leave this run");
  #downloadModel = element("button", { type: "button", className: "button", id: "download-model", disabled: true }, "Model file");
  #downloadCheckpoint = element("button", { type: "button", className: "button", id: "download-checkpoint", disabled: true }, "Checkpoint");
  #homeWords = element("p", { className: "hint" });
  #commands = element("div", { className: "commands" });
  #home = element("div", { hidden: true });

  /** @param {Page} page @param {Schema} schema */
  constructor(page, schema) {
    this.#page = page;
    this.#schema = schema;
    const section = byId("train");
    const drawer = new Drawer(section);

    this.#form = new Form(byId("train-form"), allSettings(schema));
    this.#form.show({ preset: PRESET });
    this.#form.addEventListener("change", () => this.#changed());

    const panel = byId("train-panel");
    const live = element("div", {});
    const runs = element("div", {}, element("h3", {}, "Runs of this visit"));
    const stored = element("div", { id: "train-stored" });
    this.#status.before(this.#problems);
    byId("train-stop").after(this.#leave);
    this.#home.append(
      element("h3", {}, "Take it home"),
      element("div", { className: "actions" }, this.#downloadModel, this.#downloadCheckpoint),
      this.#homeWords,
      this.#commands,
    );
    panel.append(live, this.#home, runs, stored);
    this.#live = new Live(live, drawer);
    this.#runs = new RunsView(runs, drawer);
    this.#stored = new StoredView(stored);

    this.#buttons();
    this.#address();
    this.#device = this.#form.wish()?.device ?? "auto";
    this.#session = this.#newSession();
    acceptTraining({ choose: (choice) => this.#choose(choice), problem: (words) => this.#problem(words) });
    const checkpoint = byId("train-checkpoint");
    const takeCheckpoint = () => {
      const [file] = checkpoint.files ?? [];
      checkpoint.value = "";
      if (file) void this.#continue(file);
    };
    checkpoint.addEventListener("change", takeCheckpoint);
    this.#show();
    void this.#offer();
    takeCheckpoint();
  }

  // --- Pictures

  /** What was dropped on the section. @param {Promise<import("../files.js").Found[]>} files */
  async take(files) {
    try {
      this.#choose(choiceOf(await files));
    } catch (error) {
      this.#problem(`What was dropped could not be read: ${reasonOf(error)}`);
    }
  }

  get #busy() {
    return this.#starting || this.#expecting || this.#state === "running" || this.#state === "paused";
  }

  /** @param {Choice} choice */
  #choose(choice) {
    if (this.#busy) {
      this.#problem("A run is open. Stop it or leave it before you choose other pictures.");
      return;
    }
    if (choice.files.length === 0) {
      this.#tell("No picture files were found there (PNG, JPEG, WebP, GIF, BMP or TIFF).");
      return;
    }
    this.#choice = choice;
    this.#preparing = this.#prepare(choice);
  }

  /** @param {Choice} choice @returns {Promise<boolean>} */
  async #prepare(choice) {
    const number = ++this.#choices;
    this.#prepared = null;
    this.#forgetPlan();
    this.#said.replaceChildren(element("p", {}, `${plural(choice.files.length, "picture")} chosen.`));
    this.#tell(`Reading ${plural(choice.files.length, "picture")}.`);
    try {
      const prepared = await this.#session.prepare(choice.files, this.#given(this.#form.wish()));
      if (number !== this.#choices) return false;
      this.#prepared = prepared;
    } catch (error) {
      if (number !== this.#choices) return false;
      this.#choice = null;
      this.#progress(0, 1);
      this.#said.replaceChildren();
      this.#refused(reasonOf(error));
      return false;
    }
    this.#showPrepared(choice);
    this.#form.show({ preset: PRESET, ...this.#prepared.settings });
    const skipped = this.#prepared.skipped.length;
    if (!this.#starting) this.#tell(`The pictures are ready.${skipped > 0 ? ` ${plural(skipped, "file")} could not be read and ${skipped === 1 ? "is" : "are"} left out.` : ""}`);
    this.#progress(0, 1);
    this.#planSoon();
    if (this.#waitingCheckpoint) void this.#continue(this.#waitingCheckpoint);
    return true;
  }

  /** @param {Choice} choice */
  #showPrepared(choice) {
    const prepared = /** @type {Prepared} */ (this.#prepared);
    const heldOut = prepared.settings.held_out ? Math.max(1, Math.round(prepared.pictures * prepared.settings.held_out)) : 0;
    const facts = [
      `${plural(prepared.pictures, "normal picture")}: about ${(prepared.pictures - heldOut).toLocaleString("en")} to train on, ${heldOut.toLocaleString("en")} held out.`,
      prepared.labelled
        ? `${prepared.labelled.normal.toLocaleString("en")} normal and ${prepared.labelled.abnormal.toLocaleString("en")} abnormal ones with labels: shown as information and never used to choose.`
        : "No labelled test pictures.",
    ];
    const left = prepared.leftOut + choice.left;
    if (left > 0) facts.push(`${plural(left, "file")} left out.`);
    const list = element("ul", { className: "said" }, element("li", {}, prepared.said), ...facts.map((words) => element("li", {}, words)));
    if (prepared.alike) list.append(element("li", { className: "bad-words" }, "All pictures are alike to the last pixel: there is nothing to learn from them."));
    this.#said.replaceChildren(list);
    if (prepared.skipped.length > 0) {
      this.#said.append(element("details", { open: prepared.skipped.length <= 3 },
        element("summary", {}, `${plural(prepared.skipped.length, "file")} skipped`),
        element("ul", { className: "said" }, ...prepared.skipped.slice(0, 100).map(({ path, reason }) => element("li", {}, `${path}: ${reason}`)))));
    }
  }

  // --- Settings and plan

  /** What the session is given: the page's preset, and what a person set. @param {Wish | null} wish */
  #given = (wish) => ({ preset: PRESET, ...wish?.given });

  /** What the address asks for, into the form. */
  #address() {
    const { wish, texts, unknown } = readAddress(location.search, allSettings(this.#schema));
    this.#form.give(texts);
    this.#form.set({ device: wish.device, name: wish.name });
    if (unknown.length > 0) this.#problem(`The address names ${unknown.map((name) => `"${name.slice(0, 40)}"`).join(", ")}, which is no setting of a run.`);
  }

  #changed() {
    const device = this.#form.wish()?.device ?? this.#device;
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
    this.#planBox.replaceChildren();
  }

  #planSoon() {
    if (this.#busy) return;
    this.#forgetPlan();
    if (!this.#prepared) return;
    this.#planTimer = setTimeout(() => void this.#makePlan(), PLAN_AFTER_MS);
  }

  async #makePlan() {
    const wish = this.#form.wish();
    if (!wish || !this.#prepared || this.#busy) return;
    const number = ++this.#plans;
    try {
      const plan = await this.#session.plan(this.#given(wish), wish.minutes);
      if (number !== this.#plans) return;
      this.#plan = plan;
    } catch (error) {
      if (number === this.#plans) this.#refused(reasonOf(error));
      return;
    } finally {
      if (!this.#busy) this.#progress(0, 1);
    }
    this.#form.show({ preset: PRESET, ...this.#plan.settings });
    this.#showPlan(this.#plan);
    if (!this.#busy) this.#tell(this.#plan.fits ? "Ready to train." : "These settings do not fit.");
  }

  /** @param {Planned} plan */
  #showPlan(plan) {
    const { weights, optimisers, activations, pictures, total, limit } = plan.memory;
    const parts = element("dl", { className: "plan-parts" });
    for (const [words, bytes] of /** @type {[string, number][]} */ ([["networks", weights], ["optimisers", optimisers], ["one step", activations], ["pictures", pictures]])) {
      parts.append(element("div", {}, element("dt", {}, words), element("dd", {}, bytesWords(bytes))));
    }
    const box = element("div", { className: plan.fits ? "plan" : "plan notice bad" },
      element("p", { id: "plan-words" }, plan.fits
        ? `${plural(plan.steps, "step")} of ${plan.stepMs.toFixed(0)} ms: about ${timeWords(plan.totalMs)}. Memory: about ${bytesWords(total)} of at most ${bytesWords(limit)}.`
        : plan.words),
      parts);
    if (plan.fits && plan.words) box.append(element("p", { className: "hint" }, plan.words));
    const would = plan.would;
    if (!plan.fits && would) {
      const words = Object.entries(would).map(([key, value]) => `${key.replaceAll("_", " ")} ${value}`).join(" and ");
      const use = element("button", { type: "button", className: "button", id: "plan-would" }, `Use ${words} instead`);
      use.addEventListener("click", () => {
        this.#form.give(Object.entries(would).map(([key, value]) => [key, String(value)]));
        this.#planSoon();
        byId("train-start").focus();
      });
      box.append(use);
    }
    this.#planBox.replaceChildren(box);
  }

  /** A refusal: beside its field where it names one. @param {string} words */
  #refused(words) {
    if (this.#form.showProblem(words)) this.#tell("A setting needs another value.");
    else {
      this.#tell("");
      this.#problem(words);
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
        else if (!this.#busy) void this.#start(update);
      });
    }
    byId("train-stop").addEventListener("click", () => {
      this.#tell("Stopping: the model is calibrated.");
      byId("train-stop").disabled = true;
      this.#session.stop();
    });
    this.#leave.addEventListener("click", () => {
      this.#session.discard();
      this.#tell("The run was left. What was saved of it stays in this browser.");
    });
    this.#downloadModel.addEventListener("click", () => {
      if (this.#finished) download(`${fileName(this.#finished.run.name)}.safetensors`, this.#finished.model);
    });
    this.#downloadCheckpoint.addEventListener("click", () => void this.#takeCheckpoint());

    this.#runs.addEventListener("again", (event) => {
      this.#form.fill(/** @type {CustomEvent<Run>} */ (event).detail.wish);
      byId("train-start").scrollIntoView({ block: "center" });
      byId("train-start").focus();
    });
    this.#runs.addEventListener("link", (event) => {
      const run = /** @type {CustomEvent<Run>} */ (event).detail;
      void this.#copy(this.#addressOf(run), "The link");
    });
    this.#runs.addEventListener("csv", () => download("skip-ganomaly-runs.csv", new Blob([toCsv(this.#runs.runs)], { type: "text/csv;charset=utf-8" })));
    this.#runs.addEventListener("renamed", () => this.#show());
    this.#stored.addEventListener("resume", (event) => this.#resume(/** @type {CustomEvent<StoredRun>} */ (event).detail));
    this.#stored.addEventListener("problem", (event) => this.#problem(/** @type {CustomEvent<string>} */ (event).detail));
    this.#stored.addEventListener("cleared", () => this.#tell("Everything stored was removed."));
  }

  /** @param {string} id @param {string} name @param {Wish} wish @param {Record<string, any>} settings */
  #openRun(id, name, wish, settings) {
    /** @type {Run} */
    const run = {
      id, name, wish, settings, losses: [], points: [], state: "preparing", step: 0, totalSteps: 0, stepMs: 0,
      device: this.#session.device ?? "", colour: this.#runs.runs.length, compared: true,
    };
    this.#run = run;
    this.#finished = null;
    this.#expecting = true;
    this.#planBox.replaceChildren();
    root.dataset.step = "0";
    this.#live.show(run);
    this.#runs.add(run);
    this.#show();
    history.replaceState(history.state, "", this.#addressOf(run));
  }

  /** The page's address with all that it takes to repeat a run. @param {Run} run */
  #addressOf({ wish, settings, name, state, step }) {
    const given = { ...wish.given };
    for (const key of ["preset", "size", "channels", "width", "batch", "seed"]) given[key] ??= settings[key];
    // Minutes mean other steps on another machine; those that were taken can be repeated.
    const done = wish.minutes !== null && state === "done";
    if (done) given.steps = step;
    else if (wish.minutes === null && given.steps == null) given.epochs ??= settings.epochs;
    return toAddress({ ...wish, given, minutes: done ? null : wish.minutes, name }, location.href);
  }

  /** @param {Update | null} step begins with this step alone, and waits */
  async #start(step) {
    if (this.#busy) return;
    if (!this.#choice) {
      this.#tell("Choose normal pictures first: files, a folder, the bundled pictures or the camera.");
      byId("train-files").focus();
      return;
    }
    const wish = this.#form.wish();
    if (!wish) {
      this.#tell("A setting needs another value.");
      this.#form.focusWrong();
      return;
    }
    this.#starting = true;
    clearTimeout(this.#planTimer);
    this.#plans++;
    this.#setState("preparing");
    try {
      if (!(await this.#preparing)) throw null; // said already
      if (this.#plan && !this.#plan.fits) {
        this.#tell("These settings do not fit in memory. Take the ones offered, or smaller ones.");
        throw null;
      }
      const settings = { ...this.#prepared?.settings, ...this.#plan?.settings, ...this.#given(wish) };
      const name = wish.name || nameOf(settings);
      this.#stepFirst = step;
      void persist();
      const id = this.#session.start({ name, given: this.#given(wish), minutes: wish.minutes, paused: step !== null });
      this.#openRun(id, name, wish, settings);
    } catch (error) {
      this.#setState("idle");
      if (error !== null) this.#refused(reasonOf(error));
    } finally {
      this.#starting = false;
      this.#show();
    }
  }

  /** @param {StoredRun} stored */
  #resume({ id, name, settings }) {
    if (this.#busy) {
      this.#problem("A run is open. Stop it or leave it before you resume another.");
      return;
    }
    this.#setState("preparing");
    this.#tell(`Resuming ${name}.`);
    this.#status.scrollIntoView({ block: "center" });
    this.#session.resume(id);
    this.#openRun(id, name, { given: { ...settings }, minutes: null, device: this.#device, name }, settings);
    void this.#stored.refresh(id);
  }

  /** A checkpoint file, on the pictures that it was trained with. @param {Blob} file */
  async #continue(file) {
    if (this.#busy) {
      this.#problem("A run is open. Stop it or leave it before you go on from a checkpoint.");
      return;
    }
    this.#waitingCheckpoint = null;
    if (!this.#choice) {
      this.#waitingCheckpoint = file;
      this.#tell("Now choose the pictures that the checkpoint was trained with.");
      return;
    }
    if (!this.#prepared && !(await this.#preparing)) return;
    this.#setState("preparing");
    const name = this.#form.wish()?.name || "From a checkpoint";
    try {
      const id = await this.#session.continue(file, { name });
      this.#openRun(id, name, { given: {}, minutes: null, device: this.#device, name }, {});
    } catch (error) {
      this.#setState("idle");
      this.#problem(reasonOf(error));
    }
  }

  /** Unfinished runs of an earlier visit. */
  async #offer() {
    const runs = await this.#stored.refresh(this.#run?.id ?? null);
    const left = runs.filter(({ state }) => state !== "done");
    if (left.length === 0 || this.#run) return;
    const [{ name, step, totalSteps }] = left;
    this.#page.notice(`The training run "${name}" was left at step ${step} of ${totalSteps}. Resume or discard it in the section on training.`);
  }

  // --- What the session says

  #newSession() {
    const session = new TrainingSession(/** @type {any} */ (this.#device));
    /** @param {string} type @param {(detail: any) => void} take */
    const on = (type, take) => session.addEventListener(type, (event) => {
      if (session === this.#session) take(/** @type {CustomEvent} */ (event).detail);
    });
    on("device", ({ device, reason }) => {
      if (this.#run) this.#run.device = device;
      root.dataset.trainingDevice = device;
      byId("set-device-hint").textContent = reason || (device === "webgpu" ? "It trains on the graphics card." : "It trains on the CPU.");
    });
    on("progress", ({ phase, done, total }) => {
      const words = PHASES[/** @type {keyof typeof PHASES} */ (phase)] ?? phase;
      if (this.#run && (this.#state === "running" || this.#state === "paused")) {
        if (phase === "calibrating") this.#progress(done, total, words);
        if (done < total) byId("train-count").textContent = `${words}…`;
        else this.#count(this.#run);
        return;
      }
      this.#tell(`${words}…`);
      this.#progress(done, total, words);
    });
    on("state", ({ state, run, step, totalSteps, words }) => {
      if (this.#run && run === this.#run.id) {
        Object.assign(this.#run, { step, totalSteps, state });
        if (state !== "idle") root.dataset.step = String(step);
        this.#runs.changed(this.#run);
      }
      if (state === "idle" && (this.#expecting || this.#starting)) return; // said of the time before
      if (state !== "preparing" && state !== "idle") this.#expecting = false;
      if (state === "failed") this.#failed(words);
      // A run is done once the page scores with its model: see "finished". After new pictures it is as before.
      else if (state !== "done" || this.#state === "preparing") this.#setState(state);
      if (state === "running") this.#tell(`Training on the ${this.#run?.device === "webgpu" ? "graphics card" : "CPU"}.`);
      if (state === "paused") this.#tell(`Paused after step ${step.toLocaleString("en")}.`);
      if (state === "idle" && this.#run) {
        this.#run = null;
        this.#live.show(null);
        this.#show();
        void this.#stored.refresh(null);
      }
      if (state === "paused" && this.#stepFirst) {
        const update = this.#stepFirst;
        this.#stepFirst = null;
        this.#session.step(update);
      }
    });
    on("losses", ({ run: id, losses, stepMs, heapBytes }) => {
      const run = this.#run;
      if (!run || run.id !== id || losses.length === 0) return;
      addLosses(run, losses);
      run.step = losses.at(-1).step;
      run.stepMs = stepMs;
      if (heapBytes) this.#heapBytes = heapBytes;
      root.dataset.step = String(run.step);
      this.#live.update(run);
      this.#runs.changed(run);
      this.#count(run);
    });
    on("preview", ({ run: id, preview }) => {
      const run = this.#run;
      if (!run || run.id !== id) return;
      addPoint(run, { step: preview.step, residual: preview.residual, auroc: preview.labelled?.auroc ?? null });
      this.#live.preview(preview);
      this.#live.update(run);
      this.#runs.changed(run);
    });
    on("saved", async ({ run: id }) => {
      markLeft(true);
      const stored = (await this.#stored.refresh(id)).find((one) => one.id === id);
      const run = this.#run;
      if (!run || run.id !== id || !stored) return;
      // What the program made of the settings, those that nobody gave among them.
      run.settings = { preset: run.settings.preset, ...stored.settings };
      if (run.wish.minutes !== null) run.settings.steps = stored.totalSteps;
      this.#showCommands(run);
    });
    on("problem", ({ kind, words }) => {
      if (kind !== "pictures") this.#problem(words); // those are listed with the pictures
    });
    on("history", ({ run: id, history }) => {
      const run = this.#run;
      if (!run || run.id !== id) return;
      run.losses = history.losses;
      run.points = history.previews;
      this.#live.update(run);
      this.#runs.changed(run);
    });
    on("finished", (detail) => void this.#finish(detail));
    return session;
  }

  /** @param {Extract<import("./protocol.js").FromTrainer, { type: "finished" }>} finished */
  async #finish({ run: id, step, model, checkpoint, threshold, heldOut, labelled, elapsedMs }) {
    const run = this.#run;
    if (!run || run.id !== id) return;
    this.#finished = { run, model, checkpoint };
    this.#live.finish(threshold, heldOut, labelled);
    await this.#page.useModel(model, `${fileName(run.name)}.safetensors`);
    Object.assign(run, { step, state: "done" });
    root.dataset.step = String(step);
    this.#runs.changed(run);
    this.#setState("done");
    this.#progress(1, 1, "Training");
    this.#tell(`Done after ${plural(step, "step")} and ${timeWords(elapsedMs)}. The page scores with this model now.`);
    void this.#stored.refresh(null);
  }

  /** @param {string} words why the run, or the worker, stopped */
  #failed(words) {
    const run = this.#run;
    this.#setState("failed");
    if (run && run.step === 0 && run.losses.length === 0) {
      this.#runs.remove(run);
      this.#run = null;
      this.#live.show(null);
      this.#show();
    }
    if (this.#form.showProblem(words)) this.#tell("A setting needs another value.");
    else {
      this.#tell("The training stopped.");
      if (!this.#problems.textContent?.includes(words)) this.#problem(words);
    }
    void this.#stored.refresh(null);
  }

  // --- What is shown

  /** @param {State} state */
  #setState(state) {
    this.#state = state;
    root.dataset.training = state;
    this.#show();
  }

  /** Buttons, fields and what can be taken home, for the state as it is. */
  #show() {
    const state = this.#state;
    const busy = this.#busy;
    const active = document.activeElement;
    const open = state === "running" || state === "paused";
    byId("train-start").disabled = busy;
    byId("train-start").textContent = this.#run && !busy ? "Train again" : "Train";
    byId("train-pause").disabled = !open;
    byId("train-pause").textContent = state === "paused" ? "Resume" : "Pause";
    byId("train-step").disabled = busy && state !== "paused";
    byId("train-step-g").disabled = byId("train-step-d").disabled = state !== "paused";
    byId("train-stop").disabled = !open;
    for (const id of ["train-files", "train-folder", "train-bundled", "train-camera", "train-checkpoint"]) byId(id).disabled = busy;
    this.#leave.hidden = !open;
    this.#form.lock(busy);
    // A button that can no longer be pressed would lose the keyboard's place: the status line keeps it.
    if ((active instanceof HTMLButtonElement && active.disabled) || active === this.#status) {
      this.#status.tabIndex = -1;
      (["train-pause", "train-start"].map(byId).find((button) => !button.disabled) ?? this.#status).focus();
    }
    if (state === "idle" || state === "failed") {
      byId("train-count").textContent = "";
      this.#progress(0, 1);
    }

    const run = this.#run;
    this.#home.hidden = !run;
    const finished = this.#finished;
    this.#downloadModel.disabled = !finished;
    this.#downloadCheckpoint.disabled = !finished && !open;
    this.#homeWords.textContent = finished
      ? "The model file scores pictures here and with the program. The checkpoint goes on training, here or there."
      : "The model file comes when the run ends or is stopped. A checkpoint can be taken at any step.";
    if (run) this.#showCommands(run);
  }

  #commandsShown = "";
  /** @param {Run} run */
  #showCommands(run) {
    const folder = this.#choice?.folder ?? "PICTURES";
    const checkpoint = `${fileName(run.name)}-checkpoint.safetensors`;
    /** @type {[string, string, string][]} */
    const lines = [
      ["train-command", "The same run with the program", trainCommand(run.settings, this.#schema, folder)],
      ["resume-command", "Go on with the program, from the downloaded checkpoint", resumeCommand(checkpoint, folder)],
    ];
    if (Object.keys(run.settings).length === 0) lines.shift();
    const key = JSON.stringify(lines);
    if (key === this.#commandsShown) return;
    this.#commandsShown = key;
    this.#commands.replaceChildren(...lines.map(([id, words, line]) => {
      const copy = element("button", { type: "button", className: "quiet", "aria-label": `Copy: ${words}` }, "Copy");
      copy.addEventListener("click", () => void this.#copy(line, "The line"));
      return element("div", {}, element("p", { className: "command-head" }, words, copy), element("pre", { tabIndex: 0 }, element("code", { id }, line)));
    }));
  }

  /** @param {string} words */
  #tell(words) {
    if (this.#status.textContent !== words) this.#status.textContent = words;
  }

  /** @param {number} done @param {number} total @param {string} [words] */
  #progress(done, total, words = "") {
    const bar = byId("train-progress");
    bar.setAttribute("aria-valuemax", String(total));
    bar.setAttribute("aria-valuenow", String(done));
    bar.setAttribute("aria-valuetext", words ? `${words}: ${done} of ${total}` : `${done} of ${total}`);
    bar.firstElementChild.style.inlineSize = `${(100 * done) / Math.max(total, 1)}%`;
  }

  #heapBytes = 0;
  /** @param {Run} run */
  #count(run) {
    this.#progress(run.step, run.totalSteps, "Step");
    byId("train-count").textContent = [
      `Step ${run.step.toLocaleString("en")} of ${run.totalSteps.toLocaleString("en")}`,
      run.stepMs > 0 ? `${run.stepMs.toFixed(0)} ms a step` : "",
      this.#state === "running" && run.step < run.totalSteps ? `about ${timeWords((run.totalSteps - run.step) * run.stepMs)} left` : "",
      this.#heapBytes > 0 ? `${bytesWords(this.#heapBytes)} of memory` : "",
    ].filter(Boolean).join(" · ");
  }

  /** @param {string} words */
  #problem(words) {
    const close = element("button", { type: "button", className: "quiet" }, "Dismiss");
    const box = element("div", { className: "notice bad", role: "alert" }, element("p", {}, words), close);
    close.addEventListener("click", () => {
      box.remove();
      byId("train-start").focus();
    });
    this.#problems.append(box);
    while (this.#problems.children.length > 3) this.#problems.firstElementChild?.remove();
  }

  // --- What is taken home

  async #takeCheckpoint() {
    const run = this.#run;
    if (!run) return;
    const name = `${fileName(run.name)}-checkpoint.safetensors`;
    if (this.#finished) {
      download(name, this.#finished.checkpoint);
      return;
    }
    this.#downloadCheckpoint.disabled = true;
    try {
      const { step, checkpoint } = await this.#session.checkpoint();
      download(name, checkpoint);
      this.#page.say(`The checkpoint of step ${step} was saved.`);
    } catch (error) {
      this.#problem(reasonOf(error));
    } finally {
      this.#show();
    }
  }

  /** @param {string} text @param {string} what */
  async #copy(text, what) {
    try {
      await navigator.clipboard.writeText(text);
      this.#page.say(`${what} was copied.`);
      this.#tell(`${what} was copied.`);
    } catch {
      // Without the clipboard, a field that it can be copied from.
      const field = element("input", { type: "text", value: text, readOnly: true, className: "copy-field", "aria-label": what });
      this.#problems.append(field);
      field.select();
      field.focus();
      field.addEventListener("blur", () => field.remove());
    }
  }
}
