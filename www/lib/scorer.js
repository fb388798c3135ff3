// @ts-check
/**
 * The page's side of the scoring worker: a queue of pictures, one promise each. It keeps the worker busy
 * with small batches, and when a worker dies it starts another one on the CPU and sends again what
 * was not answered, so that no picture and no result is lost.
 *
 * @typedef {import("./protocol.js").Source} Source
 * @typedef {import("./protocol.js").Scored} Scored
 * @typedef {import("./protocol.js").ModelInfo} ModelInfo
 * @typedef {import("./protocol.js").BuildInfo} BuildInfo
 * @typedef {import("./protocol.js").PartRequest} PartRequest
 * @typedef {import("./protocol.js").ProductLine} ProductLine
 * @typedef {import("./protocol.js").Rendered} Rendered
 * @typedef {import("./protocol.js").FromWorker} FromWorker
 * @typedef {import("./protocol.js").Cause} Cause
 * @typedef {import("./protocol.js").Optimisation} Optimisation
 * @typedef {{ result: Scored, generation: number, device: "cpu" | "webgpu" }} Answer
 * @typedef {{ info: ModelInfo, build: BuildInfo, lines: ProductLine[], generation: number }} Loaded
 * @typedef {{
 *   key: number, source: Source, signal: AbortSignal | undefined, bytes: number, crashes: number,
 *   resolve: (answer: Answer) => void, reject: (error: Error) => void,
 * }} Request
 */
import { Link } from "./link.js";

/** A batch should take about this long, so that results stream. */
const BATCH_TARGET_MS = 200;
const MAX_BATCH = { cpu: 16, webgpu: 64 };
const MAX_BATCH_BYTES = 32 * 1024 * 1024;
/** A latent optimisation takes seconds, and little longer for a few pictures than for one. */
const OPTIMISATION_TARGET_MS = 8_000;
const MAX_OPTIMISATION_BATCH = 16;
/** Two, so that the worker has the next batch while the page draws the last one. */
const BATCHES_IN_FLIGHT = 2;
/** A picture that was in the worker this many times when it stopped is given up. */
const MAX_CRASHES = 3;
const MAX_RESTARTS_WITHOUT_RESULT = 4;

/** The number of the call that loads the model again: nobody waits for its answer. */
const RELOAD = 0;

const aborted = () => new DOMException("The request was cancelled.", "AbortError");

/**
 * Events: `loaded` (detail: Loaded), `device` (detail: { device, reason }), `queue`,
 * `restart` (detail: reason), `failed` (detail: reason), `optimisation` (detail: Optimisation, or null
 * at its end).
 */
export class Scorer extends EventTarget {
  /** @type {Request[]} */ #waiting = [];
  /** @type {Map<number, Request[]>} */ #batches = new Map();
  /** @type {WeakSet<AbortSignal>} */ #watched = new WeakSet();
  /** @type {Link<FromWorker>} */ #link;
  /** @type {Blob | null} */ #model = null;
  #batchSize = 1;
  #ready = false;
  #reloading = false;
  #closed = false;
  /** Whether the model optimises a latent code for each picture. */
  #optimises = false;
  /** @type {"cpu" | "webgpu"} */ #device = "cpu";
  /** What the next worker is asked to run on. @type {{ device: "auto" | "cpu" | "webgpu", reason?: string }} */ #start;

  /** @param {"auto" | "cpu" | "webgpu"} device */
  constructor(device) {
    super();
    this.wanted = device;
    this.#start = { device };
    // It is not ended when idle: a next one would have to be fetched, and a page without a network would score no more.
    this.#link = new Link({
      make: () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
      greet: (post) => this.#greet(post),
      take: (message) => this.#receive(message),
      died: (cause, reason) => this.#restart(cause, reason),
      failed: (reason) => this.#fail(reason),
      job: "runs the model",
      tries: MAX_RESTARTS_WITHOUT_RESULT,
    });
    this.#link.open();
  }

  /** Pictures not answered yet. */
  get pending() {
    let count = this.#waiting.length;
    for (const batch of this.#batches.values()) count += batch.length;
    return count;
  }

  /** A worker begins with the model in use, if there is one. @param {(message: object) => void} post */
  #greet(post) {
    this.#ready = false;
    this.#batchSize = 1;
    post({ type: "open", ...this.#start });
    if (!this.#model) return;
    this.#reloading = true;
    post({ type: "load", id: RELOAD, model: this.#model });
  }

  /** @param {string} reason */
  #fail(reason) {
    this.#closed = true;
    this.#link.close(new Error(reason));
    this.#ready = false;
    this.#reloading = false;
    this.#failure = reason;
    // Nothing waits for ever: what was still queued is answered with the reason.
    const left = [...[...this.#batches.values()].flat(), ...this.#waiting];
    this.#batches.clear();
    this.#waiting = [];
    for (const request of left) {
      if (request.signal?.aborted) request.reject(aborted());
      else request.resolve(this.#failed(reason));
    }
    this.#tellOptimisation(null);
    this.#queueChanged();
    this.dispatchEvent(new CustomEvent("failed", { detail: reason }));
  }

  /** Why the model runs no more. */
  #failure = "";

  /** What an image is answered with when the model runs no more. @param {string} reason @returns {Answer} */
  #failed(reason) {
    return { result: { error: reason }, generation: 0, device: this.#device };
  }

  /** @param {Cause} cause @param {string} reason */
  #restart(cause, reason) {
    const back = [...this.#batches.values()].flat();
    this.#batches.clear();
    this.#tellOptimisation(null);
    if (cause === "panic" && this.#device === "cpu") for (const request of back) request.crashes++;
    const keep = back.filter((request) => {
      if (request.crashes < MAX_CRASHES) return true;
      request.resolve({ result: { error: `The program stopped each time it reached this image (${reason}).` }, generation: 0, device: "cpu" });
      return false;
    });
    // One that is given up is an answer too: the others are not to pay for it.
    if (keep.length < back.length) this.#link.progressed();
    this.#waiting.unshift(...keep);
    if (!this.#link.retry()) {
      this.#fail(`The model stopped repeatedly (${reason}). Reload the page; if that does not help, try another model file or browser.`);
      return;
    }
    const words = cause === "device-lost"
      ? `Runs on your CPU: the WebGPU device was lost (${reason}). Scoring continues where it stopped; no result is missing.`
      : `Runs on your CPU: the program stopped (${reason}) and was restarted; no result is missing.`;
    this.#device = "cpu";
    this.#start = { device: "cpu", reason: words };
    this.#link.open();
    this.dispatchEvent(new CustomEvent("restart", { detail: words }));
    this.#link.repeat();
  }

  /** @param {Exclude<FromWorker, import("./protocol.js").Word>} message */
  #receive(message) {
    switch (message.type) {
      case "device":
        this.#setDevice(message.device, message.reason);
        break;
      case "loaded": {
        const call = this.#link.answered(message.id);
        const { info, build, lines } = message;
        this.#model = call ? /** @type {{ model: Blob }} */ (call.message).model : this.#model;
        this.#ready = true;
        this.#setDevice(message.device, message.reason);
        this.#optimises = info.search_steps !== null;
        if (this.#optimises) this.#batchSize = 1;
        // The same model in a new worker is no news.
        if (message.id === RELOAD) this.#reloading = false;
        else {
          const loaded = { info, build, lines, generation: ++this.generation };
          this.dispatchEvent(new CustomEvent("loaded", { detail: loaded }));
          call?.resolve(loaded);
        }
        this.#pump();
        break;
      }
      case "load-failed":
        if (message.id === RELOAD) this.#fail(`The model could not be reloaded: ${message.reason}`);
        else this.#link.answered(message.id)?.reject(new Error(message.reason));
        break;
      case "rendered":
        this.#link.answered(message.id)?.resolve(message.rendered);
        break;
      case "render-failed":
        this.#link.answered(message.id)?.reject(new Error(message.reason));
        break;
      case "displayed":
        this.#link.answered(message.id)?.resolve(message.values);
        break;
      case "scored":
        this.#scored(message);
        break;
      case "optimising":
        this.#tellOptimisation({ step: message.step, steps: message.steps, pictures: message.pictures });
        break;
      case "stopped":
        this.#stopped(message.id);
        break;
    }
  }

  /** Models loaded so far; an answer says which one gave it. */
  generation = 0;

  /** @param {"cpu" | "webgpu"} device @param {string} reason */
  #setDevice(device, reason) {
    if (device !== this.#device) this.#batchSize = 1;
    this.#device = device;
    this.dispatchEvent(new CustomEvent("device", { detail: { device, reason } }));
  }

  /** @param {Extract<FromWorker, { type: "scored" }>} message */
  #scored({ id, results, device, elapsedMs }) {
    const batch = this.#batches.get(id) ?? [];
    this.#batches.delete(id);
    const byKey = new Map(results.map(({ key, result }) => [key, result]));
    this.#link.progressed();
    this.#tellOptimisation(null);
    const perPicture = elapsedMs / batch.length;
    const [target, most] = this.#optimises ? [OPTIMISATION_TARGET_MS, MAX_OPTIMISATION_BATCH] : [BATCH_TARGET_MS, MAX_BATCH[device]];
    const fits = Math.round(target / Math.max(perPicture, 0.1));
    this.#batchSize = Math.max(1, Math.min(fits, this.#batchSize * 2, most));
    for (const request of batch) {
      if (request.signal?.aborted) {
        request.reject(aborted());
        continue;
      }
      const result = byKey.get(request.key) ?? { error: "The program returned no result for this image." };
      request.resolve({ result, generation: this.generation, device });
    }
    this.#pump();
    this.#queueChanged();
  }

  /** A cancelled batch has ended: what was not cancelled in it waits again. @param {number} id */
  #stopped(id) {
    const batch = this.#batches.get(id) ?? [];
    this.#batches.delete(id);
    this.#tellOptimisation(null);
    for (const request of batch) if (request.signal?.aborted) request.reject(aborted());
    this.#waiting.unshift(...batch.filter((request) => !request.signal?.aborted));
    this.#pump();
    this.#queueChanged();
  }

  /** @param {(batch: Request[]) => boolean} which batches that are not wanted as they are */
  #cancel(which) {
    for (const [id, batch] of this.#batches) if (which(batch)) this.#link.post({ type: "cancel", id });
  }

  /** @param {Optimisation | null} optimisation */
  #tellOptimisation(optimisation) {
    this.dispatchEvent(new CustomEvent("optimisation", { detail: optimisation }));
  }

  #pump() {
    if (this.#waiting.length > 0 && !this.#closed) this.#link.open();
    // One optimisation at a time, so that it can be ended at once.
    const most = this.#optimises ? 1 : BATCHES_IN_FLIGHT;
    while (this.#ready && this.#batches.size < most && this.#waiting.length > 0) {
      // A picture that was there when a worker stopped goes alone, with nothing else on its way, to
      // find out which one it was.
      const suspect = this.#waiting[0].crashes > 0 || [...this.#batches.values()].some((batch) => batch[0].crashes > 0);
      if (suspect && this.#batches.size > 0) break;
      /** @type {Request[]} */
      const batch = [];
      let bytes = 0;
      while (batch.length < this.#batchSize && this.#waiting.length > 0) {
        const request = this.#waiting[0];
        if (batch.length > 0 && (bytes + request.bytes > MAX_BATCH_BYTES || request.crashes > 0)) break;
        this.#waiting.shift();
        if (request.signal?.aborted) {
          request.reject(aborted());
          continue;
        }
        batch.push(request);
        bytes += request.bytes;
        if (request.crashes > 0) break;
      }
      if (batch.length === 0) continue;
      const id = this.#link.number;
      this.#batches.set(id, batch);
      this.#link.post({ type: "score", id, items: batch.map(({ key, source }) => ({ key, source })) });
    }
  }

  /** One event a turn, however many pictures were added in it. */
  #queueChanged() {
    if (this.#queueTold) return;
    this.#queueTold = true;
    queueMicrotask(() => {
      this.#queueTold = false;
      this.dispatchEvent(new CustomEvent("queue"));
    });
  }
  #queueTold = false;

  /**
   * Scores one picture when its turn comes. Rejects with an `AbortError` when cancelled; a picture
   * that cannot be read is an answer with `error`, not a rejection.
   *
   * @param {Source} source
   * @param {AbortSignal} [signal]
   * @param {boolean} [next] its turn comes before that of those that wait already
   * @returns {Promise<Answer>}
   */
  score(source, signal, next = false) {
    if (signal?.aborted) return Promise.reject(aborted());
    if (this.#closed) return Promise.resolve(this.#failed(this.#failure));
    const bytes = "blob" in source ? source.blob.size : 0;
    const promise = new Promise((resolve, reject) => {
      const request = { key: this.#link.number, source, signal, bytes, crashes: 0, resolve, reject };
      if (next) this.#waiting.unshift(request);
      else this.#waiting.push(request);
    });
    if (signal && !this.#watched.has(signal)) {
      this.#watched.add(signal);
      signal.addEventListener("abort", () => this.#drop(signal), { once: true });
    }
    // After this turn, so that pictures added together can share a batch.
    queueMicrotask(() => this.#pump());
    this.#queueChanged();
    return promise;
  }

  /** @param {AbortSignal} signal */
  #drop(signal) {
    const dropped = this.#waiting.filter((request) => request.signal === signal);
    this.#waiting = this.#waiting.filter((request) => request.signal !== signal);
    for (const request of dropped) request.reject(aborted());
    this.#cancel((batch) => batch.some((request) => request.signal === signal));
    this.#queueChanged();
  }

  /** Loads a model file. On failure the model before it stays. @param {Blob} model @returns {Promise<Loaded>} */
  loadModel(model) {
    // An optimisation would hold it up for seconds; its pictures are scored afterwards.
    if (this.#optimises) this.#cancel(() => true);
    return /** @type {Promise<Loaded>} */ (this.#call({ type: "load", model }));
  }

  /** Ends the worker; what was asked for and not answered is cancelled. */
  close() {
    this.#closed = true;
    this.#link.close(aborted());
    this.#ready = false;
    const left = [...this.#batches.values(), this.#waiting].flat();
    this.#batches.clear();
    this.#waiting = [];
    for (const request of left) request.reject(aborted());
    this.#tellOptimisation(null);
  }

  /** A part's picture, without a score. @param {PartRequest} part @returns {Promise<Rendered>} */
  render(part) {
    return /** @type {Promise<Rendered>} */ (this.#call({ type: "render", part }));
  }

  /**
   * Where the scores lie between 0 and 1 when the threshold is moved; `NaN` where the model has no such map.
   * @param {number} threshold @param {Float64Array<ArrayBuffer>} scores @returns {Promise<Float64Array>}
   */
  display(threshold, scores) {
    return /** @type {Promise<Float64Array>} */ (this.#call({ type: "display", threshold, scores }));
  }

  /** @param {object} message */
  #call(message) {
    return this.#closed ? Promise.reject(new Error("The model is not running.")) : this.#link.call(message);
  }
}
