// @ts-check
/**
 * The page's end of a worker. It starts the worker when it is needed, gives each call its answer, hears
 * when the worker dies, and ends one that has nothing to do: a worker's memory is only given back then.
 * Whoever uses it says what the next worker has to know.
 *
 * @typedef {import("./protocol.js").Cause} Cause
 * @typedef {import("./protocol.js").Word} Word
 * @typedef {{ resolve: (value: unknown) => void, reject: (error: Error) => void, message: object }} Call
 */

/** How often a worker is looked after. */
const BEAT_MS = 5_000;

/**
 * @template {{ type: string }} In what the worker says
 * @typedef {{
 *   make: () => Worker, greet: (post: (message: object) => void) => void, take: (message: Exclude<In, Word>) => void,
 *   died: (cause: Cause, reason: string) => void, failed: (reason: string) => void, job: string, tries: number,
 *   beatMs?: number, silenceMs?: () => number, idleMs?: () => number | null,
 * }} Options
 *   - greet: what a new worker is told first
 *   - died: the worker could not be trusted any more, or is no more
 *   - failed: it cannot be started, or said so; `job` is what it does, in the words of that error
 *   - tries: new workers after the first one, until something went on
 *   - silenceMs: for how long it may be silent; a worker that may be silent for ever is not asked
 *   - idleMs: for how long it may have nothing to do before it is ended; null where it has, or where it stays
 */

/** @template {{ type: string }} In */
export class Link {
  /** @type {Worker | null} */ #worker = null;
  /** @type {Map<number, Call>} */ #calls = new Map();
  #next = 1;
  /** Beats without a word from the worker, and without anything to do. */
  #missed = 0;
  #rested = 0;
  #deaths = 0;
  /** One that has spoken was no old browser's. */
  #spoke = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #pulse;
  #options;

  /** @param {Options<In>} options */
  constructor({ beatMs = BEAT_MS, ...options }) {
    this.#options = { beatMs, ...options };
  }

  /** Whether there is a worker. */
  get alive() {
    return this.#worker !== null;
  }

  /** A number that no other call or message of this link has. */
  get number() {
    return this.#next++;
  }

  /** Starts the worker, unless there is one. */
  open() {
    if (this.#worker) return;
    const worker = this.#options.make();
    worker.onmessage = ({ data }) => {
      if (worker === this.#worker) this.#hear(data); // else one that was given up
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (worker !== this.#worker) return;
      if (this.#spoke) this.#died("panic", event.message || "the worker stopped");
      else this.#options.failed(`The part of the page that ${this.#options.job} could not be started. Reload the page; if that does not help, use a current browser (Chrome 91, Firefox 114, Safari 16.4 or newer).`);
    };
    this.#worker = worker;
    this.#missed = 0;
    this.#rested = 0;
    const { beatMs, silenceMs, idleMs, greet } = this.#options;
    // A worker that may be silent for ever and stays needs no looking after.
    if (silenceMs || idleMs) this.#pulse = setInterval(() => this.#beat(), beatMs);
    greet((message) => worker.postMessage(message));
  }

  /** @param {object} message */
  post(message) {
    this.open();
    this.#rested = 0;
    this.#worker?.postMessage(message);
  }

  /** Asks, and gives the answer. @param {object} message @returns {Promise<unknown>} */
  call(message) {
    const id = this.number;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, message });
      this.post({ ...message, id });
    });
  }

  /** The call with this number, which is answered now. @param {number} id */
  answered(id) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }

  /** Asks a new worker again what is not answered. */
  repeat() {
    for (const [id, { message }] of this.#calls) this.post({ ...message, id });
  }

  /** Something went on: the tries are counted anew. */
  progressed() {
    this.#deaths = 0;
  }

  /** Whether another worker is worth a try. To be asked once for each that died. */
  retry() {
    return ++this.#deaths <= this.#options.tries;
  }

  /** Ends the worker, and refuses all that is not answered. @param {Error} reason */
  close(reason) {
    this.#drop();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.reject(reason);
  }

  #drop() {
    clearInterval(this.#pulse);
    this.#worker?.terminate();
    this.#worker = null;
  }

  /** @param {Cause} cause @param {string} reason */
  #died(cause, reason) {
    this.#drop();
    this.#options.died(cause, reason);
  }

  /** @param {In | Word} message */
  #hear(message) {
    this.#spoke = true;
    this.#missed = 0;
    const word = /** @type {Word} */ (message);
    if (word.type === "pong") return;
    this.#rested = 0;
    if (word.type === "failed") this.#options.failed(word.reason);
    else if (word.type === "fatal") this.#died(word.cause, word.reason);
    else this.#options.take(/** @type {Exclude<In, Word>} */ (message));
  }

  /** Beats are counted rather than time: a page that the browser froze has none. */
  #beat() {
    const { beatMs, silenceMs, idleMs } = this.#options;
    const limit = silenceMs?.() ?? Infinity;
    if (this.#missed * beatMs >= limit) {
      this.#died("panic", `it did not respond for ${Math.round((this.#missed * beatMs) / 1000)} seconds`);
      return;
    }
    const idle = this.#calls.size === 0 ? (idleMs?.() ?? null) : null;
    if (idle !== null && this.#rested * beatMs >= idle) {
      this.#drop();
      return;
    }
    this.#rested = idle === null ? 0 : this.#rested + 1;
    if (limit === Infinity) return;
    this.#missed++;
    this.#worker?.postMessage({ type: "ping" });
  }
}
