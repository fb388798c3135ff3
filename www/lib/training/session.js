// @ts-check
/**
 * The page's side of training: starts the worker when it is first needed, asks it for things, and
 * passes on what it says. When the worker dies, another one takes the run up at its last checkpoint.
 *
 * @typedef {import("./protocol.js").ToTrainer} ToTrainer
 * @typedef {import("./protocol.js").FromTrainer} FromTrainer
 * @typedef {import("./protocol.js").TrainFile} TrainFile
 * @typedef {import("./protocol.js").Prepared} Prepared
 * @typedef {import("./protocol.js").Planned} Planned
 * @typedef {import("./protocol.js").Update} Update
 * @typedef {import("./protocol.js").State} State
 * @typedef {{ resolve: (value: any) => void, reject: (error: Error) => void, message: any }} Call
 * @typedef {{ id: string, name: string, given: object, minutes: number | null }} Run
 */
import { clearAll, listRuns, persist, removeRun, storedSizes } from "./store.js";

const MAX_RESTARTS_WITHOUT_PROGRESS = 3;
/** How often the worker is asked whether it is alive. */
const HEARTBEAT_MS = 5_000;
/** A worker that is silent for this long is dead, unless a step is known to take long. */
const SILENCE_MS = 60_000;
/** While nothing is known of a step's time. */
const SILENCE_AT_FIRST = 5;
const SILENCE_STEPS = 30;

const newId = () => `${Date.now().toString(36)}-${Math.floor(Math.random() * 2 ** 40).toString(36)}`;

/**
 * Events, each with the worker's message as `detail`: `device`, `failed`, `progress`, `searching`, `state`,
 * `history`, `losses`, `preview`, `saved`, `problem`, `finished`. And `restart` (detail: words).
 */
export class TrainingSession extends EventTarget {
  /** @type {Worker | null} */ #worker = null;
  /** @type {Map<number, Call>} */ #calls = new Map();
  #next = 1;
  /** @type {"auto" | "cpu" | "webgpu"} */ #wanted;
  /** @type {"cpu" | "webgpu" | null} */ #device = null;
  /** @type {{ files: TrainFile[], given: object } | null} the pictures chosen last */ #files = null;
  /** @type {Run | null} the run to go on with when the worker dies */ #run = null;
  /** @type {{ step: number, stored: boolean, checkpoint: Blob | null } | null} its last checkpoint */ #kept = null;
  #paused = false;
  #stopping = false;
  #restarts = 0;
  /** The last step seen, over all workers: to come there again is no progress. */
  #furthest = 0;
  #missed = 0;
  #stepMs = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #pulse;
  #heartbeatMs;
  #silenceMs;

  /**
   * @param {"auto" | "cpu" | "webgpu"} device
   * @param {{ heartbeatMs?: number, silenceMs?: number }} [times]
   */
  constructor(device, { heartbeatMs = HEARTBEAT_MS, silenceMs = SILENCE_MS } = {}) {
    super();
    this.#wanted = device;
    this.#heartbeatMs = heartbeatMs;
    this.#silenceMs = silenceMs;
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
    this.#alive();
  }

  /**
   * Reads and prepares pictures, at the size and channels given or suggested. The last call counts.
   * @param {TrainFile[]} files @param {object} given @returns {Promise<Prepared>}
   */
  prepare(files, given) {
    this.#files = { files, given };
    return this.#call({ type: "pictures", files, given });
  }

  /** Rehearses and tells time and memory. @param {object} given @param {number | null} minutes @returns {Promise<Planned>} */
  plan(given, minutes = null) {
    return this.#call({ type: "plan", given, minutes });
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
    this.#post({ type: "pause" });
  }

  go() {
    this.#paused = false;
    this.#post({ type: "go" });
  }

  /** One step of a paused run. @param {Update} update */
  step(update) {
    this.#post({ type: "step", update });
  }

  /** Ends the run at this step: `finished` follows. */
  stop() {
    this.#stopping = true;
    this.#post({ type: "stop" });
  }

  /** The run's checkpoint file as of now. @returns {Promise<{ step: number, checkpoint: Blob }>} */
  checkpoint() {
    return this.#call({ type: "checkpoint" });
  }

  /** Leaves the run. What is stored of it stays. */
  discard() {
    this.#run = null;
    this.#post({ type: "discard" });
  }

  /** Ends the worker. A stored run can be resumed later. */
  close() {
    this.#end("The training was closed.");
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
    this.#restarts = 0;
    this.#furthest = 0;
  }

  /** The worker, started where there is none. @returns {Worker} */
  #alive() {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    let spoke = false;
    worker.onmessage = ({ data }) => {
      spoke = true;
      if (worker === this.#worker) this.#receive(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (worker !== this.#worker) return;
      // Where one has run before, it is no old browser.
      if (spoke || this.#device) this.#restart("panic", event.message || "the worker stopped");
      else this.#fail("The part of the page that trains could not be started. Reload the page; if that does not help, use a current browser (Chrome 91, Firefox 114, Safari 16.4 or newer).");
    };
    this.#worker = worker;
    this.#missed = 0;
    this.#stepMs = 0;
    clearInterval(this.#pulse);
    this.#pulse = setInterval(() => this.#beat(), this.#heartbeatMs);
    worker.postMessage({ type: "open", device: this.#wanted });
    if (this.#files) worker.postMessage({ type: "files", ...this.#files });
    return worker;
  }

  /** Beats are counted rather than time: a page that the browser froze has none. */
  #beat() {
    const limit = this.#stepMs > 0
      ? Math.max(this.#silenceMs, SILENCE_STEPS * this.#stepMs)
      : SILENCE_AT_FIRST * this.#silenceMs;
    if (this.#missed * this.#heartbeatMs >= limit) {
      this.#restart("panic", `it did not respond for ${Math.round((this.#missed * this.#heartbeatMs) / 1000)} seconds`);
      return;
    }
    this.#missed++;
    this.#worker?.postMessage({ type: "ping" });
  }

  /** @param {ToTrainer} message */
  #post(message) {
    this.#alive().postMessage(message);
  }

  /** @param {any} message @returns {Promise<any>} */
  #call(message) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, message });
      this.#post({ ...message, id });
    });
  }

  /** @param {number} id */
  #answer(id) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (!this.#run) this.#restarts = 0;
    return call;
  }

  /** @param {string} type @param {any} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {string} reason */
  #end(reason) {
    clearInterval(this.#pulse);
    this.#worker?.terminate();
    this.#worker = null;
    this.#run = null;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.reject(new Error(reason));
  }

  /** @param {string} reason */
  #fail(reason) {
    const { run, step, totalSteps } = this.status;
    this.#end(reason);
    this.#tell("failed", { type: "failed", reason });
    this.#setStatus({ state: "failed", run, step, totalSteps, words: reason });
  }

  /** @param {"panic" | "device-lost"} cause @param {string} reason */
  #restart(cause, reason) {
    this.#worker?.terminate();
    this.#worker = null;
    const what = cause === "device-lost" ? "The WebGPU device was lost" : "The training program stopped";
    if (++this.#restarts > MAX_RESTARTS_WITHOUT_PROGRESS) {
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

    const worker = this.#alive();
    if (run) {
      const { id, name, given, minutes } = run;
      const paused = this.#paused;
      if (this.#kept?.stored) worker.postMessage({ type: "resume", run: id, paused });
      else if (this.#kept?.checkpoint) {
        worker.postMessage({ type: "continue", id: 0, run: id, name, minutes, checkpoint: this.#kept.checkpoint, paused });
      } else worker.postMessage({ type: "start", run: id, name, given, minutes, paused });
      if (this.#stopping) worker.postMessage({ type: "stop" });
    }
    for (const [id, call] of this.#calls) worker.postMessage({ ...call.message, id });
  }

  /** @param {typeof this.status} status */
  #setStatus(status) {
    this.status = status;
    this.#tell("state", { type: "state", ...status });
  }

  /** @param {FromTrainer} message */
  #receive(message) {
    this.#missed = 0;
    switch (message.type) {
      case "pong":
        return;
      case "failed":
        this.#fail(message.reason);
        return;
      case "fatal":
        this.#restart(message.cause, message.reason);
        return;
      case "refused":
        // Nobody asked for number 0: it is this class that goes on with a run.
        if (message.id === 0) this.#fail(`The run could not be resumed: ${message.reason}`);
        else this.#answer(message.id)?.reject(new Error(message.reason));
        return;
      case "prepared":
      case "planned":
      case "checkpoint":
        this.#answer(message.id)?.resolve(message);
        return;
      case "continued": {
        const call = this.#answer(message.id);
        if (!call) return;
        const { name, checkpoint, paused, minutes } = call.message;
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
        break;
      case "device":
        this.#device = message.device;
        break;
      case "losses":
        this.#stepMs = message.stepMs;
        this.status = { ...this.status, step: message.losses.at(-1)?.step ?? this.status.step };
        if (this.status.step > this.#furthest) {
          this.#furthest = this.status.step;
          this.#restarts = 0;
        }
        break;
      case "finished":
        this.#run = null;
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
