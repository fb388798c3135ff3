// @ts-check
/**
 * A run under way in the training worker: its steps, and what is due between them. It reads losses,
 * makes previews and keeps checkpoints, each only so often that training takes most of the time.
 *
 * @typedef {import("./protocol.js").FromTrainer} FromTrainer
 * @typedef {import("./protocol.js").Update} Update
 * @typedef {import("./store.js").Pictures} Pictures
 * @typedef {{
 *   id: string, name: string, minutes: number | null, elapsedMs?: number, created?: number,
 *   training: import("../engine.js").Training,
 *   pictures: Pictures, kind: "cpu" | "webgpu", memory: WebAssembly.Memory, release: () => void,
 *   post: (message: FromTrainer, transfer?: Transferable[]) => void,
 *   throttledProgress: (phase: "compiling" | "previewing" | "calibrating") => (done: number, total: number) => void,
 *   unwanted: (what: "preview" | "calibration") => boolean,
 * }} Options  `unwanted`: whether something was asked for meanwhile that need not wait for this
 */
import { isStopped, optimisationWatch, text } from "../engine.js";
import { answerWithin } from "../guard.js";
import { asPngs } from "../png.js";
import { noteRun, pictureBytes, saveRun, StoreError } from "./store.js";

/** Losses are told about this often, and read on WebGPU, where it is also what a pause may have to wait for. */
const READ_MS = 200;
/** Steps that may wait on the device, so that none of its queues overflows. */
const MAX_UNREAD = 64;
const SAVE_MS = 10_000;
/** A save may take this share of the time. */
const SAVE_SHARE = 1 / 20;
/** Previews in a run, and the share of the time that they may take. */
const PREVIEWS = 10;
const PREVIEW_SHARE = 1 / 4;
/** Held-out pictures shown in a preview. */
const SHOWN = 8;
/** WebGPU counts as lost after this; the first step compiles. */
const GPU_LIMIT_MS = 120_000;
const GPU_FIRST_LIMIT_MS = 600_000;
/** The end of a run by minutes is told anew when it moves by this share. */
const TOTAL_MOVED = 0.02;

export class Run {
  id;
  name;
  minutes;
  #created;
  #training;
  #pictures;
  #kind;
  #memory;
  #release;
  #post;
  #throttledProgress;
  #unwanted;
  #info;
  step;
  /** Step of the last checkpoint that was kept. @type {number | null} */
  savedStep = null;
  /** No step is under way, however long the rest takes. */
  resting = true;
  #unread = 0;
  /** Losses that were read and not told yet. @type {import("./protocol.js").Loss[]} */
  #untold = [];
  /** Mean time of a step, newer ones counting more. */
  #stepMs = 0;
  #measured = 0;
  #readAt = performance.now();
  /** When the first of the steps that were not read was queued. */
  #queuedAt = 0;
  #elapsedMs;
  #began = performance.now();
  #spentMs = 0;
  #stepsHere = 0;
  #previewMs = 0;
  #previewStep = -1;
  #saveMs = 0;
  #savedAt = -Infinity;
  #storageRefused = false;
  #toldTotal = 0;
  #compiled;

  /** @param {Options} options */
  constructor({ id, name, minutes, elapsedMs = 0, created = Date.now(), training, pictures, kind, memory, release, post, throttledProgress, unwanted }) {
    this.id = id;
    this.name = name;
    this.minutes = minutes;
    this.#elapsedMs = elapsedMs;
    this.#created = created;
    this.#training = training;
    this.#pictures = pictures;
    this.#kind = kind;
    this.#memory = memory;
    this.#release = release;
    this.#post = post;
    this.#throttledProgress = throttledProgress;
    this.#unwanted = unwanted;
    this.#info = training.info();
    this.step = this.#info.step;
    this.#compiled = kind === "cpu";
    this.#toldTotal = this.totalSteps;
  }

  /** Steps of the whole run; of a run by minutes, as it looks now. */
  get totalSteps() {
    const steps = Math.max(this.#info.total_steps, this.step);
    if (this.minutes === null || this.#stepsHere === 0) return steps;
    const left = Math.max(0, this.minutes * 60_000 - this.#elapsedMs);
    return Math.min(steps, this.step + Math.round(left / (this.#spentMs / this.#stepsHere)));
  }

  /** Whether the run has come to its end. */
  get over() {
    return this.step >= this.#info.total_steps || (this.minutes !== null && this.#elapsedMs >= this.minutes * 60_000);
  }

  /** What comes before the first step: what it had, a first checkpoint, a first preview. */
  async prepare() {
    const history = this.#training.history();
    if (history.losses.length > 0 || history.previews.length > 0) this.#post({ type: "history", run: this.id, history });
    await this.save();
    await this.preview();
  }

  /** Takes one step and does what is due after it. @param {Update} update */
  async advance(update) {
    this.resting = false;
    this.#began = performance.now();
    const compiling = this.#compiled ? null : this.#throttledProgress("compiling");
    compiling?.(0, 1);
    if (this.#unread === 0) this.#queuedAt = this.#began;
    this.#training.step(update);
    this.step++;
    this.#unread++;
    this.#stepsHere++;
    if (this.#kind === "cpu") {
      this.#measure(performance.now() - this.#began, 1);
      // Nothing waits here, and D starts anew, if it must, at the same step whatever the clock says.
      await this.#read();
    }
    if (compiling) {
      await this.settle();
      this.#compiled = true;
      compiling(1, 1);
    } else if (this.over || this.#readDue()) {
      await this.settle();
    }
    this.resting = true;
    if (!this.over) {
      if (this.#previewDue()) await this.preview();
      if (performance.now() - this.#savedAt > Math.max(SAVE_MS, this.#saveMs / SAVE_SHARE)) await this.save();
    }
    const spent = performance.now() - this.#began;
    this.#spentMs += spent;
    this.#elapsedMs += spent;
    const total = this.totalSteps;
    if (Math.abs(total - this.#toldTotal) > TOTAL_MOVED * this.#toldTotal && !this.over) {
      this.#toldTotal = total;
      return true;
    }
    return false;
  }

  /** @param {number} ms @param {number} steps */
  #measure(ms, steps) {
    const one = ms / steps;
    this.#stepMs = this.#measured < 3 ? one : this.#stepMs + 0.2 * (one - this.#stepMs);
    this.#measured++;
  }

  #readDue() {
    if (this.#kind === "cpu") return performance.now() - this.#readAt >= READ_MS;
    return this.#unread >= Math.max(1, Math.min(MAX_UNREAD, Math.round(READ_MS / Math.max(this.#stepMs, 0.1))));
  }

  /** Steps between previews: a tenth of the run, or more where they take long. */
  #previewDue() {
    const apart = Math.max(this.totalSteps / PREVIEWS, this.#previewMs / PREVIEW_SHARE / Math.max(this.#stepMs, 0.01));
    return this.step - this.#previewStep >= apart;
  }

  /** The device's answer; WebGPU that gives none counts as lost. @template T @param {Promise<T>} answer @returns {Promise<T>} */
  #answer(answer) {
    return this.#alive(() => answer);
  }

  /**
   * The same for what may optimise latent codes: `alive` is called as that moves on.
   * @template T @param {(alive: () => void) => Promise<T>} ask @returns {Promise<T>}
   */
  #alive(ask) {
    const limit = Math.max(this.#compiled ? GPU_LIMIT_MS : GPU_FIRST_LIMIT_MS, 100 * this.#stepMs * Math.max(1, this.#unread));
    return answerWithin(this.#kind === "cpu" ? Infinity : limit, new Error("the WebGPU device did not respond for minutes"), ask);
  }

  /**
   * Tells how far a latent optimisation is; false ends it where it is not wanted any more.
   * @param {"preview" | "calibration"} what @param {() => void} alive
   */
  #watch(what, alive) {
    return optimisationWatch((step, steps) => this.#post({ type: "optimising", step, steps }), () => {
      alive();
      return !this.#unwanted(what);
    });
  }

  /** Waits for the steps since the last time, reads their losses and tells all that were not told. */
  async settle() {
    await this.#read();
    const losses = this.#untold;
    if (losses.length === 0) return;
    this.#untold = [];
    this.#readAt = performance.now();
    this.#post({ type: "losses", run: this.id, losses, stepMs: this.#stepMs, heapBytes: this.#memory.buffer.byteLength });
  }

  /** Reads the losses of the steps since the last time. */
  async #read() {
    if (this.#unread === 0) return;
    this.#untold.push(...(await this.#answer(this.#training.losses())));
    if (this.#kind === "webgpu" && this.#compiled) this.#measure(performance.now() - this.#queuedAt, this.#unread);
    this.#unread = 0;
    if (this.#training.restarted()) {
      this.#post({
        type: "problem",
        kind: "restarted-discriminator",
        words: `The discriminator had stopped learning by step ${this.step}, so it was re-initialised, as in the published code.`,
      });
    }
  }

  async preview() {
    await this.settle();
    const began = performance.now();
    const tell = this.#throttledProgress("previewing");
    tell(0, 1);
    let preview;
    try {
      preview = await this.#alive((alive) => this.#training.preview(SHOWN, this.#watch("preview", alive)));
    } catch (error) {
      if (!isStopped(error)) throw error;
      tell(1, 1);
      return; // what ended it comes next; another preview comes in its time
    }
    /** @type {Transferable[]} */
    const transfer = [];
    const pictures = [];
    for (const one of preview.pictures) pictures.push({ ...one, ...(await asPngs(one, transfer)) });
    this.#post({ type: "preview", run: this.id, preview: { ...preview, pictures } }, transfer);
    this.#previewMs = performance.now() - began;
    this.#previewStep = this.step;
    this.#readAt = performance.now();
    tell(1, 1);
  }

  /** The checkpoint file as of now. */
  async checkpoint() {
    await this.settle();
    const bytes = await this.#answer(this.#training.checkpoint());
    return new Blob([bytes], { type: "application/octet-stream" });
  }

  /** Keeps a checkpoint, in the browser or, where it stores nothing, with the page. */
  async save() {
    await this.settle();
    if (this.savedStep === this.step) return;
    const began = performance.now();
    const step = this.step;
    const bytes = await this.#answer(this.#training.checkpoint());
    try {
      await saveRun(this.#record(bytes.length), bytes, this.#pictures);
      this.#storageRefused = false;
      this.#post({ type: "saved", run: this.id, step, bytes: bytes.length });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (!this.#storageRefused) {
        this.#post({
          type: "problem",
          kind: "storage",
          words: `${text(error)} Training continues, but everything after step ${this.savedStep ?? 0} is lost when this page is closed. Download the checkpoint to keep it.`,
        });
      }
      this.#storageRefused = true;
      this.#post({ type: "kept", run: this.id, step, checkpoint: new Blob([bytes]) });
    }
    this.savedStep = step;
    this.#savedAt = performance.now();
    this.#saveMs = this.#savedAt - began;
    this.#readAt = this.#savedAt;
  }

  /** @param {number} bytes @returns {import("./store.js").Run} */
  #record(bytes) {
    const { digest, size, channels, counts } = this.#pictures;
    return {
      id: this.id,
      name: this.name,
      created: this.#created,
      changed: Date.now(),
      settings: this.#info.settings,
      step: this.step,
      totalSteps: this.totalSteps,
      state: "running",
      bytes,
      minutes: this.minutes,
      elapsedMs: this.#elapsedMs,
      pictures: [digest, size, channels, counts?.normal ?? 0, counts?.abnormal ?? 0].join("-"),
      pictureBytes: pictureBytes(this.#pictures),
    };
  }

  /** Notes in the stored run how it ended. @param {"done" | "failed"} state */
  async note(state) {
    await noteRun(this.id, { state }).catch(() => {}); // what is not stored needs no note
  }

  /** Ends the run where it is: a last preview, a last checkpoint, the calibration. */
  async finish() {
    await this.settle();
    if (this.#previewStep !== this.step) await this.preview();
    await this.save();
    const checkpoint = await this.checkpoint();
    const tell = this.#throttledProgress("calibrating");
    tell(0, 1);
    const { model, threshold, held_out, labelled } = await this.#alive((alive) =>
      this.#training.finish((done, total) => {
        alive();
        tell(done, total);
      }, this.#watch("calibration", alive)));
    tell(1, 1);
    await this.note("done");
    this.#post({
      type: "finished",
      run: this.id,
      step: this.step,
      model: new Blob([model], { type: "application/octet-stream" }),
      checkpoint,
      threshold,
      heldOut: held_out,
      labelled,
      elapsedMs: this.#elapsedMs,
    });
  }

  close() {
    this.#training.free();
    this.#release();
  }
}
