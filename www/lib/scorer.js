// @ts-check
/**
 * The page's side of the worker: a queue of pictures, one promise each. It keeps the worker busy
 * with small batches, and when a worker dies it starts another one on the CPU and sends again what
 * was not answered, so that no picture and no result is lost.
 *
 * @typedef {import("./protocol.js").Source} Source
 * @typedef {import("./protocol.js").Scored} Scored
 * @typedef {import("./protocol.js").ModelInfo} ModelInfo
 * @typedef {import("./protocol.js").BuildInfo} BuildInfo
 * @typedef {import("./protocol.js").FromWorker} FromWorker
 * @typedef {import("./protocol.js").Search} Search
 * @typedef {{ result: Scored, generation: number, device: "cpu" | "webgpu" }} Answer
 * @typedef {{ info: ModelInfo, build: BuildInfo, generation: number }} Loaded
 * @typedef {{
 *   key: number, source: Source, signal: AbortSignal | undefined, bytes: number, crashes: number,
 *   resolve: (answer: Answer) => void, reject: (error: Error) => void,
 * }} Request
 */

/** A batch should take about this long, so that results stream. */
const BATCH_TARGET_MS = 200;
const MAX_BATCH = { cpu: 16, webgpu: 64 };
const MAX_BATCH_BYTES = 32 * 1024 * 1024;
/** A latent optimisation takes seconds, and little longer for a few pictures than for one. */
const SEARCH_TARGET_MS = 8_000;
const MAX_SEARCH_BATCH = 16;
/** Two, so that the worker has the next batch while the page draws the last one. */
const BATCHES_IN_FLIGHT = 2;
/** A picture that was in the worker this many times when it stopped is given up. */
const MAX_CRASHES = 3;
const MAX_RESTARTS_WITHOUT_RESULT = 4;

const aborted = () => new DOMException("The request was cancelled.", "AbortError");

/**
 * Events: `loaded` (detail: Loaded), `device` (detail: { device, reason }), `queue`,
 * `restart` (detail: reason), `failed` (detail: reason), `search` (detail: Search, or null at its end).
 */
export class Scorer extends EventTarget {
  /** @type {Request[]} */ #waiting = [];
  /** @type {Map<number, Request[]>} */ #batches = new Map();
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void, message: any }>} */ #calls = new Map();
  /** @type {WeakSet<AbortSignal>} */ #watched = new WeakSet();
  /** @type {Worker | null} */ #worker = null;
  /** @type {Blob | null} */ #model = null;
  #next = 1;
  #batchSize = 1;
  #restarts = 0;
  #ready = false;
  #reloading = false;
  /** Whether the model optimises a latent code for each picture. */
  #searches = false;
  /** @type {"cpu" | "webgpu"} */ #device = "cpu";

  /** @param {"auto" | "cpu" | "webgpu"} device */
  constructor(device) {
    super();
    this.wanted = device;
    this.#start(device);
  }

  /** Pictures not answered yet. */
  get pending() {
    let count = this.#waiting.length;
    for (const batch of this.#batches.values()) count += batch.length;
    return count;
  }

  /** @param {"auto" | "cpu" | "webgpu"} device @param {string} [reason] */
  #start(device, reason) {
    this.#ready = false;
    this.#batchSize = 1;
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => this.#receive(worker, data);
    worker.onerror = (event) => {
      event.preventDefault();
      if (worker !== this.#worker) return;
      if (this.#ready) this.#restart("panic", event.message || "the worker stopped");
      else this.#fail("The part of the page that runs the model could not be started. Reload the page; if that does not help, use a current browser (Chrome 91, Firefox 114, Safari 16.4 or newer).");
    };
    this.#worker = worker;
    worker.postMessage({ type: "open", device, reason });
  }

  /** @param {string} reason */
  #fail(reason) {
    this.#worker?.terminate();
    this.#worker = null;
    this.#ready = false;
    for (const call of this.#calls.values()) call.reject(new Error(reason));
    this.#calls.clear();
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
    this.#tellSearch(null);
    this.#queueChanged();
    this.dispatchEvent(new CustomEvent("failed", { detail: reason }));
  }

  /** Why the model runs no more. */
  #failure = "";

  /** What an image is answered with when the model runs no more. @param {string} reason @returns {Answer} */
  #failed(reason) {
    return { result: { error: reason }, generation: 0, device: this.#device };
  }

  /** @param {"panic" | "device-lost"} cause @param {string} reason */
  #restart(cause, reason) {
    this.#worker?.terminate();
    const back = [...this.#batches.values()].flat();
    this.#batches.clear();
    this.#tellSearch(null);
    if (cause === "panic" && this.#device === "cpu") for (const request of back) request.crashes++;
    const keep = back.filter((request) => {
      if (request.crashes < MAX_CRASHES) return true;
      request.resolve({ result: { error: `The program stopped each time it reached this image (${reason}).` }, generation: 0, device: "cpu" });
      return false;
    });
    // One that is given up is an answer too: the others are not to pay for it.
    if (keep.length < back.length) this.#restarts = 0;
    this.#waiting.unshift(...keep);
    if (++this.#restarts > MAX_RESTARTS_WITHOUT_RESULT) {
      this.#fail(`The model stopped repeatedly (${reason}). Reload the page; if that does not help, try another model file or browser.`);
      return;
    }
    const words = cause === "device-lost"
      ? `Runs on your CPU: the WebGPU device was lost (${reason}). Scoring continues where it stopped; no result is missing.`
      : `Runs on your CPU: the program stopped (${reason}) and was restarted; no result is missing.`;
    this.#device = "cpu";
    this.#start("cpu", words);
    this.dispatchEvent(new CustomEvent("restart", { detail: words }));

    // The model in use comes first, then the calls in progress are repeated.
    const calls = [...this.#calls.entries()];
    if (this.#model) {
      this.#reloading = true;
      this.#call({ type: "load", model: this.#model }).then(
        () => (this.#reloading = false),
        (error) => this.#fail(`The model could not be reloaded: ${error.message}`),
      );
    }
    for (const [id, call] of calls) this.#worker?.postMessage({ ...call.message, id });
  }

  /** @param {any} message @returns {Promise<any>} */
  #call(message) {
    const worker = this.#worker;
    if (!worker) return Promise.reject(new Error("The model is not running."));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, message });
      worker.postMessage({ ...message, id });
    });
  }

  /** @param {number} id */
  #answer(id) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }

  /** @param {Worker} worker @param {FromWorker} message */
  #receive(worker, message) {
    if (worker !== this.#worker) return; // a worker that was given up
    switch (message.type) {
      case "failed":
        this.#fail(message.reason);
        break;
      case "fatal":
        this.#restart(message.cause, message.reason);
        break;
      case "device":
        this.#setDevice(message.device, message.reason);
        break;
      case "loaded": {
        const call = this.#answer(message.id);
        this.#model = call?.message.model ?? this.#model;
        this.#ready = true;
        this.#setDevice(message.device, message.reason);
        const { info, build } = message;
        this.#searches = typeof info.search_steps === "number";
        if (this.#searches) this.#batchSize = 1;
        // A new worker counts from one again; the page's own count goes on.
        if (!this.#reloading) this.generation++;
        const loaded = { info, build, generation: this.generation };
        if (!this.#reloading) this.dispatchEvent(new CustomEvent("loaded", { detail: loaded }));
        call?.resolve(loaded);
        this.#pump();
        break;
      }
      case "load-failed":
        this.#answer(message.id)?.reject(new Error(message.reason));
        break;
      case "displayed":
        this.#answer(message.id)?.resolve(message.values);
        break;
      case "scored":
        this.#scored(message);
        break;
      case "searching":
        this.#tellSearch({ step: message.step, steps: message.steps, pictures: message.pictures });
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
    this.#restarts = 0;
    this.#tellSearch(null);
    const perPicture = elapsedMs / batch.length;
    const [target, most] = this.#searches ? [SEARCH_TARGET_MS, MAX_SEARCH_BATCH] : [BATCH_TARGET_MS, MAX_BATCH[device]];
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
    this.#tellSearch(null);
    for (const request of batch) if (request.signal?.aborted) request.reject(aborted());
    this.#waiting.unshift(...batch.filter((request) => !request.signal?.aborted));
    this.#pump();
    this.#queueChanged();
  }

  /** @param {(batch: Request[]) => boolean} which batches that are not wanted as they are */
  #cancel(which) {
    for (const [id, batch] of this.#batches) if (which(batch)) this.#worker?.postMessage({ type: "cancel", id });
  }

  /** @param {Search | null} search */
  #tellSearch(search) {
    this.dispatchEvent(new CustomEvent("search", { detail: search }));
  }

  #pump() {
    // One search at a time, so that it can be ended at once.
    const most = this.#searches ? 1 : BATCHES_IN_FLIGHT;
    while (this.#ready && this.#worker && this.#batches.size < most && this.#waiting.length > 0) {
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
      const id = this.#next++;
      this.#batches.set(id, batch);
      this.#worker.postMessage({ type: "score", id, items: batch.map(({ key, source }) => ({ key, source })) });
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
   * @returns {Promise<Answer>}
   */
  score(source, signal) {
    if (signal?.aborted) return Promise.reject(aborted());
    if (!this.#worker) return Promise.resolve(this.#failed(this.#failure));
    const bytes = "blob" in source ? source.blob.size : 0;
    const promise = new Promise((resolve, reject) => {
      this.#waiting.push({ key: this.#next++, source, signal, bytes, crashes: 0, resolve, reject });
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
    // A search would hold it up for seconds; its pictures are scored afterwards.
    if (this.#searches) this.#cancel(() => true);
    return this.#call({ type: "load", model });
  }

  /** Ends the worker; what was asked for and not answered is cancelled. */
  close() {
    this.#worker?.terminate();
    this.#worker = null;
    this.#ready = false;
    const left = [...this.#batches.values(), this.#waiting].flat();
    this.#batches.clear();
    this.#waiting = [];
    for (const request of left) request.reject(aborted());
    for (const call of this.#calls.values()) call.reject(aborted());
    this.#calls.clear();
    this.#tellSearch(null);
  }

  /**
   * Where the scores lie between 0 and 1 when the threshold is moved; `NaN` where the model has no such map.
   * @param {number} threshold @param {Float64Array<ArrayBuffer>} scores @returns {Promise<Float64Array>}
   */
  display(threshold, scores) {
    return this.#call({ type: "display", threshold, scores });
  }
}
