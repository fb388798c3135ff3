// @ts-check
/**
 * What both workers do alike: they take one message after another, and stop saying anything once they
 * cannot be trusted any more. The page then starts a new one.
 *
 * @typedef {import("./protocol.js").Cause} Cause
 * @typedef {import("./protocol.js").Word} Word
 */
import { isPanic, tellDeviceLost, text } from "./engine.js";

export const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));

/**
 * @template {{ type: string }} In what the page asks
 * @template {{ type: string }} Out what the worker says
 */
export class Guard {
  /** Set once this worker can no longer be trusted. */
  dead = false;
  /** The device that is computed on; null before it is opened. @type {"cpu" | "webgpu" | null} */
  kind = null;
  /** What was asked and not taken yet. @type {In[]} */
  waiting = [];
  #wake = () => {};

  /** @param {Out | Word} message @param {Transferable[]} [transfer] */
  post(message, transfer = []) {
    if (!this.dead) scope.postMessage(message, transfer);
  }

  /** The worker could not start. @param {unknown} error */
  failed(error) {
    this.post({ type: "failed", reason: text(error) });
    this.dead = true;
  }

  /** @param {Cause} cause @param {unknown} error */
  fatal(cause, error) {
    const [reason] = text(error).split("\n");
    this.post({ type: "fatal", cause, reason });
    this.dead = true;
  }

  /**
   * Takes messages, one at a time, for as long as the worker lives.
   * @param {{
   *   hear?: (message: In) => boolean | void, take: (message: In) => Promise<void>, failed: (error: unknown, message: In | null) => Promise<void> | void,
   *   rest?: () => Promise<void> | null, turn?: () => Promise<void>,
   * }} work
   *   - hear: what a message does at once, whatever is under way; true for one that need not be taken
   *   - failed: of a message, or null of `rest`
   *   - rest: what is done where nothing waits; null where nothing is to be done
   *   - turn: lets messages come in between
   */
  serve({ hear = () => {}, take, failed, rest = () => null, turn = async () => {} }) {
    scope.onmessage = ({ data }) => {
      if (data.type === "ping") this.post({ type: "pong" });
      else if (!hear(data)) this.push(data);
    };
    scope.addEventListener("error", (event) => {
      event.preventDefault();
      this.#unhandled(event.error ?? event.message);
    });
    scope.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      this.#unhandled(event.reason);
    });
    void this.#work(take, failed, rest, turn);
  }

  /** @param {In} message */
  push(message) {
    this.waiting.push(message);
    this.#wake();
  }

  /**
   * @param {(message: In) => Promise<void>} take @param {(error: unknown, message: In | null) => Promise<void> | void} failed
   * @param {() => Promise<void> | null} rest @param {() => Promise<void>} turn
   */
  async #work(take, failed, rest, turn) {
    while (!this.dead) {
      const message = this.waiting.shift() ?? null;
      try {
        await (message ? take(message) : rest() ?? new Promise((resolve) => (this.#wake = () => resolve(undefined))));
      } catch (error) {
        await failed(error, message);
      }
      await turn();
    }
  }

  /**
   * A panic in a task that the module started itself reaches nobody's await. Before WebGPU took over it only ends
   * that attempt; afterwards the worker cannot be trusted.
   * @param {unknown} error
   */
  #unhandled(error) {
    if (this.kind === "webgpu") this.fatal("device-lost", error);
    else if (!tellDeviceLost(text(error)) && isPanic(error)) this.fatal("panic", error);
  }
}

/**
 * A device's answer. One that is silent for longer than `limitMs` counts as lost, with `reason`.
 * @template T
 * @param {number} limitMs Infinity where it cannot be lost
 * @param {Error} reason
 * @param {(alive: () => void) => Promise<T>} ask `alive` is called as the work moves on, however long it takes in all
 * @returns {Promise<T>}
 */
export async function answerWithin(limitMs, reason, ask) {
  if (limitMs === Infinity) return ask(() => {});
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {(error: Error) => void} */
  let giveUp = () => {};
  /** @type {Promise<never>} */
  const late = new Promise((_, reject) => (giveUp = reject));
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => giveUp(reason), limitMs);
  };
  alive();
  try {
    return await Promise.race([ask(alive), late]);
  } finally {
    clearTimeout(timer);
  }
}
