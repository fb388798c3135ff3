// @ts-check
/**
 * The page's side of training: starts the worker when it is first needed, asks it for things, and
 * passes on what it says. When the worker dies, another one takes the run up at its last checkpoint. When
 * a run has ended and its model is handed over, or nothing was asked for a while, the worker is ended: its
 * memory can be hundreds of megabytes. The next one knows what this one knew.
 *
 * @typedef {import("./protocol.js").ToTrainer} ToTrainer
 * @typedef {import("./protocol.js").FromTrainer} FromTrainer
 * @typedef {import("./protocol.js").TrainFile} TrainFile
 * @typedef {import("./protocol.js").Prepared} Prepared
 * @typedef {import("./protocol.js").Planned} Planned
 * @typedef {import("./protocol.js").Update} Update
 * @typedef {import("./protocol.js").State} State
 * @typedef {import("../protocol.js").Cause} Cause
 * @typedef {import("../protocol.js").Word} Word
 * @typedef {{ id: string, name: string, given: object, minutes: number | null }} Run
 */
import { Link } from "../link.js";
import { clearAll, listRuns, persist, removeRun, storedSizes } from "./store.js";

const MAX_RESTARTS_WITHOUT_PROGRESS = 3;
/** A worker that is silent for this long is dead, unless a step is known to take long. */
const SILENCE_MS = 60_000;
/** While nothing is known of a step's time. */
const SILENCE_AT_FIRST = 5;
const SILENCE_STEPS = 30;
/** A worker whose run has ended is kept this long, as another run may follow; one with prepared images longer. */
const IDLE_AFTER_RUN_MS = 10_000;
const IDLE_MS = 5 * 60_000;

/** The number of the call with which this class goes on with a run: nobody waits for its answer. */
const RESUMED = 0;

const newId = () => `${Date.now().toString(36)}-${Math.floor(Math.random() * 2 ** 40).toString(36)}`;

/**
 * Events, each with the worker's message as `detail`: `device`, `failed`, `progress`, `optimising`, `state`,
 * `history`, `losses`, `preview`, `saved`, `problem`, `finished`. And `restart` (detail: words).
 */
export class TrainingSession extends EventTarget {
  /** @type {Link<FromTrainer>} */ #link;
  /** @type {"auto" | "cpu" | "webgpu"} */ #wanted;
  /** @type {"cpu" | "webgpu" | null} */ #device = null;
  /** @type {{ files: TrainFile[], given: object } | null} the pictures chosen last */ #files = null;
  /** The run that the prepared pictures are stored with. @type {string | null} */ #storedWith = null;
  /** @type {Run | null} the run to go on with when the worker dies */ #run = null;
  /** @type {{ step: number, stored: boolean, checkpoint: Blob | null } | null} its last checkpoint */ #kept = null;
  /** Nothing was asked since the model of the last run came. */
  #handedOver = false;
  #paused = false;
  #stopping = false;
  /** The last step seen, over all workers: to come there again is no progress. */
  #furthest = 0;
  #stepMs = 0;

  /**
   * @param {"auto" | "cpu" | "webgpu"} device
   * @param {{ heartbeatMs?: number, silenceMs?: number, idleMs?: number, idleAfterRunMs?: number }} [times]
   */
  constructor(device, { heartbeatMs, silenceMs = SILENCE_MS, idleMs = IDLE_MS, idleAfterRunMs = IDLE_AFTER_RUN_MS } = {}) {
    super();
    this.#wanted = device;
    this.#link = new Link({
      make: () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
      greet: (post) => this.#greet(post),
      take: (message) => this.#receive(message),
      died: (cause, reason) => this.#restart(cause, reason),
      failed: (reason) => this.#fail(reason),
      job: "trains",
      tries: MAX_RESTARTS_WITHOUT_PROGRESS,
      beatMs: heartbeatMs,
      silenceMs: () => (this.#stepMs > 0 ? Math.max(silenceMs, SILENCE_STEPS * this.#stepMs) : SILENCE_AT_FIRST * silenceMs),
      idleMs: () => (this.#run ? null : this.#handedOver ? idleAfterRunMs : idleMs),
    });
  }

  /** Where the training stands. @type {{ state: State, run: string | null, step: number, totalSteps: number, words: string }} */
  status = { state: "idle", run: null, step: 0, totalSteps: 0, words: "" };

  /** The device in use; null before the worker has started. */
  get device() {
    return this.#device;
  }

  // --- What the page asks for

  /** Starts the worker now, so that the first request need not wait for it. */
  open() {
    this.#link.open();
  }

  /**
   * Reads and prepares pictures, at the size and channels given or suggested. The last call counts.
   * @param {TrainFile[]} files @param {object} given @returns {Promise<Prepared>}
   */
  prepare(files, given) {
    this.#files = { files, given };
    this.#storedWith = null;
    return /** @type {Promise<Prepared>} */ (this.#call({ type: "pictures", files, given }));
  }

  /** Rehearses and tells time and memory. @param {object} given @param {number | null} minutes @returns {Promise<Planned>} */
  plan(given, minutes = null) {
    return /** @type {Promise<Planned>} */ (this.#call({ type: "plan", given, minutes }));
  }

  /**
   * Starts a new run on the prepared pictures. How it goes is told by `state`.
   * @param {{ name: string, given: object, minutes?: number | null, paused?: boolean }} run
   * @returns {string} the run's id
   */
  start({ name, given, minutes = null, paused = false }) {
    const run = { id: newId(), name, given, minutes };
    this.#take(run, paused);
    this.#post({ type: "start", run: run.id, name, given, minutes, paused });
    return run.id;
  }

  /** Goes on with a stored run. @param {string} id @param {boolean} [paused] */
  resume(id, paused = false) {
    this.#take({ id, name: "", given: {}, minutes: null }, paused);
    this.#kept = { step: 0, stored: true, checkpoint: null };
    this.#storedWith = id;
    this.#post({ type: "resume", run: id, paused });
  }

  /**
   * Goes on with a checkpoint file on the prepared pictures, as a new run.
   * @param {Blob} checkpoint @param {{ name: string, paused?: boolean }} options
   * @returns {Promise<string>} the run's id
   */
  async continue(checkpoint, { name, paused = false }) {
    const id = newId();
    await this.#call({ type: "continue", run: id, name, minutes: null, checkpoint, paused });
    return id;
  }

  pause() {
    this.#paused = true;
    this.#tellRun({ type: "pause" });
  }

  go() {
    this.#paused = false;
    this.#tellRun({ type: "go" });
  }

  /** One step of a paused run. @param {Update} update */
  step(update) {
    this.#tellRun({ type: "step", update });
  }

  /** Ends the run at this step: `finished` follows. */
  stop() {
    this.#stopping = true;
    this.#tellRun({ type: "stop" });
  }

  /** The run's checkpoint file as of now. @returns {Promise<{ step: number, checkpoint: Blob }>} */
  checkpoint() {
    return /** @type {Promise<{ step: number, checkpoint: Blob }>} */ (this.#call({ type: "checkpoint" }));
  }

  /** How small a fault a finished run's model finds. @param {Blob} model @returns {Promise<{ found: import("./protocol.js").FoundFaults }>} */
  measure(model) {
    return /** @type {Promise<{ found: import("./protocol.js").FoundFaults }>} */ (this.#call({ type: "measure", model }));
  }

  /** Ends a measurement. */
  leaveMeasurement() {
    this.#tellRun({ type: "leave" });
  }

  /** Leaves the run. What is stored of it stays. */
  discard() {
    this.#run = null;
    if (this.#link.alive) this.#post({ type: "discard" });
    else this.#setStatus({ state: "idle", run: null, step: 0, totalSteps: 0, words: "" });
  }

  /** Ends the worker. A stored run can be resumed later. */
  close() {
    this.#run = null;
    this.#link.close(new Error("The training was closed."));
  }

  // --- What the browser keeps

  runs = listRuns;
  stored = storedSizes;
  persist = persist;
  remove = removeRun;
  clear = clearAll;

  // --- The worker

  /** @param {Run} run @param {boolean} paused */
  #take(run, paused) {
    this.#run = run;
    this.#kept = null;
    this.#paused = paused;
    this.#stopping = false;
    this.#handedOver = false;
    this.#link.progressed();
    this.#furthest = 0;
  }

  /** @param {(message: ToTrainer) => void} post */
  #greet(post) {
    this.#stepMs = 0;
    post({ type: "open", device: this.#wanted });
    if (this.#files) post({ type: "files", ...this.#files });
    // A run brings its pictures itself.
    if (this.#storedWith && !this.#run) post({ type: "stored", run: this.#storedWith });
  }

  /** @param {ToTrainer} message */
  #post(message) {
    this.#link.post(message);
  }

  /** @param {object} message */
  #call(message) {
    this.#handedOver = false;
    return this.#link.call(message);
  }

  /** Of the run that there is: without a worker there is none. @param {ToTrainer} message */
  #tellRun(message) {
    if (this.#link.alive) this.#post(message);
  }

  /** @param {number} id */
  #answer(id) {
    if (!this.#run) this.#link.progressed();
    return this.#link.answered(id);
  }

  /** @param {string} type @param {unknown} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {string} reason */
  #fail(reason) {
    const { run, step, totalSteps } = this.status;
    this.#run = null;
    this.#link.close(new Error(reason));
    this.#tell("failed", { type: "failed", reason });
    this.#setStatus({ state: "failed", run, step, totalSteps, words: reason });
  }

  /** @param {Cause} cause @param {string} reason */
  #restart(cause, reason) {
    const what = cause === "device-lost" ? "The WebGPU device was lost" : "The training program stopped";
    if (!this.#link.retry()) {
      const kept = this.#kept?.stored ? ` The run is stored up to step ${this.#kept.step}.` : "";
      this.#fail(`${what} repeatedly (${reason}).${kept} Reload the page; if that does not help, use a smaller batch or width.`);
      return;
    }
    if (cause === "device-lost") this.#wanted = "cpu";
    const run = this.#run;
    const from = run ? ` The run continues from ${this.#kept ? `step ${this.#kept.step}` : "its start"}.` : "";
    const where = cause === "device-lost" ? " Training continues on your CPU." : " It was restarted.";
    const words = `${what} (${reason}).${where}${from}`;
    this.#tell("restart", words);
    this.#tell("problem", { type: "problem", kind: "device", words });

    this.#link.open();
    if (run) {
      const { id, name, given, minutes } = run;
      const paused = this.#paused;
      if (this.#kept?.stored) this.#post({ type: "resume", run: id, paused });
      else if (this.#kept?.checkpoint) {
        this.#post({ type: "continue", id: RESUMED, run: id, name, minutes, checkpoint: this.#kept.checkpoint, paused });
      } else this.#post({ type: "start", run: id, name, given, minutes, paused });
      if (this.#stopping) this.#post({ type: "stop" });
    }
    this.#link.repeat();
  }

  /** @param {typeof this.status} status */
  #setStatus(status) {
    this.status = status;
    this.#tell("state", { type: "state", ...status });
  }

  /** @param {Exclude<FromTrainer, Word>} message */
  #receive(message) {
    switch (message.type) {
      case "refused":
        if (message.id === RESUMED) this.#fail(`The run could not be resumed: ${message.reason}`);
        else this.#answer(message.id)?.reject(new Error(message.reason));
        return;
      case "prepared":
      case "planned":
      case "checkpoint":
      case "measured":
        this.#answer(message.id)?.resolve(message);
        return;
      case "continued": {
        const call = this.#answer(message.id);
        if (!call) return;
        const { name, checkpoint, paused, minutes } = /** @type {Extract<ToTrainer, { type: "continue" }>} */ (call.message);
        this.#take({ id: message.run, name, given: {}, minutes }, paused);
        this.#kept = { step: 0, stored: false, checkpoint };
        call.resolve(message);
        return;
      }
      case "kept":
        if (message.run === this.#run?.id) this.#kept = { step: message.step, stored: false, checkpoint: message.checkpoint };
        return;
      case "saved":
        if (message.run === this.#run?.id) this.#kept = { step: message.step, stored: true, checkpoint: null };
        this.#storedWith = message.run;
        break;
      case "device":
        this.#device = message.device;
        break;
      case "losses":
        this.#stepMs = message.stepMs;
        this.status = { ...this.status, step: message.losses.at(-1)?.step ?? this.status.step };
        if (this.status.step > this.#furthest) {
          this.#furthest = this.status.step;
          this.#link.progressed();
        }
        break;
      case "finished":
        this.#run = null;
        this.#handedOver = true;
        break;
      case "state": {
        const { state, run, step, totalSteps, words } = message;
        if (this.#kept?.stored && run === this.#run?.id) this.#kept.step ||= step; // of a run just resumed
        if (run === this.#run?.id && ["idle", "done", "failed"].includes(state)) this.#run = null;
        this.#setStatus({ state, run, step, totalSteps, words });
        return;
      }
    }
    this.#tell(message.type, message);
  }
}
