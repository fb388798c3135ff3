// @ts-check
/**
 * What was asked for and is not answered yet: the requests, the bar and the words under it.
 *
 * @typedef {import("./table-row.js").Item} Item
 * @typedef {import("../lib/scorer.js").Answer} Answer
 * @typedef {import("../lib/scorer.js").Scorer} Scorer
 * @typedef {import("../lib/protocol.js").Optimisation} Optimisation
 */
import { byId, find } from "./dom.js";

/** Events: `asked`, before something is asked for; `empty`, once nothing waits; `stop`, when a person ended all that waited. */
export class ScoringQueue extends EventTarget {
  #scorer;
  #state;
  #controller = new AbortController();
  /** Since the queue was last empty. */
  #total = 0;
  #done = 0;
  /** @type {Map<number, { item: Item, of: Scorer }>} */ #waiting = new Map();
  #next = 0;
  /** How far the latent optimisations of those that optimise are. @type {Map<Scorer, Optimisation>} */ #optimisations = new Map();
  #frame = 0;
  #box = byId("queue");
  #words = byId("queue-words");
  #names = byId("queue-names");
  #bar = byId("progress");
  #fill = find(this.#bar, "span");

  /** @param {{ scorer: Scorer, state: import("./state.js").PageState, notice: import("./notices.js").Notice }} page */
  constructor({ scorer, state, notice }) {
    super();
    this.#scorer = scorer;
    this.#state = state;
    this.watchOptimisation(scorer);
    state.addEventListener("loaded", () => this.#show());
    byId("stop").addEventListener("click", () => {
      const left = this.#items().size;
      this.#controller.abort();
      this.#controller = new AbortController();
      this.dispatchEvent(new Event("stop"));
      notice(`Stopped: ${left} ${left === 1 ? "image was" : "images were"} not scored.`, { about: "stop" });
    });
  }

  get isEmpty() {
    return this.#waiting.size === 0;
  }

  /** Aborted when a person ends all that waits. */
  get signal() {
    return this.#controller.signal;
  }

  /** Shows the latent optimisations of a scorer. @param {Scorer} of */
  watchOptimisation = (of) => of.addEventListener("optimisation", (event) => {
    const optimisation = /** @type {CustomEvent<Optimisation | null>} */ (event).detail;
    if (optimisation) this.#optimisations.set(of, optimisation);
    else if (!this.#optimisations.delete(of)) return;
    this.#show();
  });

  /** @param {Item} item @param {Scorer} [of] @param {AbortSignal} [signal] @returns {Promise<Answer | null>} null when it was stopped */
  request = async (item, of = this.#scorer, signal = this.signal) => {
    this.dispatchEvent(new Event("asked"));
    const key = this.#next++;
    this.#total++;
    this.#waiting.set(key, { item, of });
    this.#show();
    try {
      return await of.score(item.source, signal);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return null;
      return { result: { error: String(error) }, generation: 0, device: "cpu" };
    } finally {
      this.#waiting.delete(key);
      this.#done++;
      if (this.isEmpty) {
        this.#total = this.#done = 0;
        this.dispatchEvent(new Event("empty"));
      }
      this.#show();
    }
  };

  /** An image counts once, however many methods it waits for. */
  #items() {
    return new Set([...this.#waiting.values()].map(({ item }) => item));
  }

  #show() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#box.hidden = this.isEmpty;
      if (!this.isEmpty) this.#draw();
    });
  }

  #draw() {
    const waiting = this.#waiting;
    const waits = this.#state.phase !== "ready";
    const both = [...waiting.values()].some(({ of }) => of !== this.#scorer) ? " with both methods" : "";
    const [optimisation] = this.#optimisations.values();
    const optimised = optimisation ? `, optimising latent codes: step ${optimisation.step} of ${optimisation.steps}` : "";
    this.#words.textContent = waits
      ? `${waiting.size} ${waiting.size === 1 ? "image is" : "images are"} waiting for the model.`
      : `Scoring${both}: ${this.#done} of ${this.#total} done${optimised}.`;
    let part = this.#done;
    for (const { step, steps, pictures } of this.#optimisations.values()) part += (pictures * step) / Math.max(steps, 1);
    part = Math.min(part, this.#total);
    this.#bar.setAttribute("aria-valuemax", String(this.#total));
    this.#bar.setAttribute("aria-valuenow", String(Number(part.toFixed(2))));
    this.#fill.style.inlineSize = `${(100 * part) / Math.max(this.#total, 1)}%`;
    const items = this.#items();
    /** @type {Set<string>} */
    const first = new Set();
    for (const { name } of items) if (first.add(name).size === 3) break;
    const more = items.size - first.size;
    this.#names.textContent = `${waits ? "Waiting" : "Next"}: ${[...first].join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  }
}
