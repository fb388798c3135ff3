// @ts-check
/**
 * The real picture that is shown large: first the example, then the one that was chosen last. When another model comes into
 * use, it is scored again once nothing else waits.
 *
 * @typedef {import("./table-row.js").Item} Item
 * @typedef {import("../lib/scorer.js").Answer} Answer
 */
import { verdictOf } from "../lib/verdict.js";
import { byId } from "./dom.js";
import { ResultCard } from "./result-card.js";

/** Event: `first`, when the first score of the page can be seen. */
export class FirstLook extends EventTarget {
  #page;
  #section = byId("look");
  #card = new ResultCard(this.#section);
  /** What is shown, and the count of the model that it is from. @type {{ item: Item, example: boolean, generation: number } | null} */ #shown = null;
  /** @type {AbortController | null} of the sample that is scored again */ #refreshing = null;
  #active = false;

  /**
   * @param {{
   *   state: import("./state.js").PageState, scorer: import("../lib/scorer.js").Scorer,
   *   queue: import("./scoring-queue.js").ScoringQueue, table: import("./table.js").ResultsTable,
   * }} page
   */
  constructor(page) {
    super();
    this.#page = page;
    page.state.addEventListener("loaded", () => void this.#refresh());
    page.queue.addEventListener("asked", () => this.#refreshing?.abort()); // what a person asks for comes first
    page.queue.addEventListener("empty", () => void this.#refresh());
  }

  /** Whether there is something to show. */
  get shows() {
    return this.#shown !== null;
  }

  /** Shows what was shown last. */
  enter() {
    this.#active = true;
    this.#card.hidden = !this.shows;
    this.#head();
    void this.#refresh();
  }

  /** Something else is to be shown. */
  leave() {
    this.#active = false;
    this.#refreshing?.abort();
  }

  hide() {
    this.#card.hidden = true;
    byId("look-wait").hidden = true;
    byId("look-stale").hidden = true;
  }

  #head() {
    const example = this.#shown?.example ?? true;
    this.#section.toggleAttribute("data-example", example);
    byId("look-title").textContent = example ? "First look" : "Last sample";
    byId("look-tag").textContent = "example";
    byId("look-tag").hidden = !example;
    byId("look-wait").hidden = this.#shown !== null;
  }

  /** @param {Item} item @param {Answer} answer @param {boolean} example */
  async show(item, answer, example) {
    const { state, table } = this.#page;
    const { result, generation } = answer;
    // What cannot be drawn now counts as another model's, so that it is scored again when it can.
    this.#shown = { item, example, generation: this.#active ? generation : -1 };
    if (!this.#active) return;
    this.#head();
    void this.#refresh();
    const picture = "error" in result ? null : result;
    const { threshold } = table;
    await this.#card.show({
      item,
      picture,
      error: "error" in result ? result.error : null,
      threshold,
      verdict: picture ? verdictOf(picture.score, threshold) : "error",
      display: picture && picture.threshold === threshold ? picture.display : null,
    });
    if (picture && state.firstScoreMs === null) {
      requestAnimationFrame(() => state.setScored() && this.dispatchEvent(new Event("first")));
    }
  }

  async #refresh() {
    const { state: { loaded }, queue, scorer } = this.#page;
    if (!this.#active) return;
    const old = this.#shown !== null && loaded !== null && this.#shown.generation !== loaded.generation;
    byId("look-stale").hidden = !old;
    if (!this.#shown || !loaded || !old || this.#refreshing || !queue.isEmpty) return;
    const { item, example } = this.#shown;
    const { generation } = loaded;
    const own = (this.#refreshing = new AbortController());
    /** @type {Answer} */
    let answer;
    try {
      answer = await scorer.score(item.source, own.signal);
    } catch {
      return; // cancelled: it is tried again when the queue is empty
    } finally {
      this.#refreshing = null;
    }
    if (this.#shown.item === item) await this.show(item, { ...answer, generation }, example);
    else void this.#refresh();
  }
}
