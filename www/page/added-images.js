// @ts-check
/**
 * Images on their way into the table.
 *
 * @typedef {import("./table-row.js").Item} Item
 */
import { byId } from "./dom.js";

/** Images are added for this long at a time: thousands in one go would hold up the page. */
const ADDING_MS = 8;

export class AddedImages {
  #page;
  #adding = Promise.resolve();
  #scrolled = false;

  /**
   * @param {{
   *   state: import("./state.js").PageState, queue: import("./scoring-queue.js").ScoringQueue,
   *   table: import("./table.js").ResultsTable, announce: import("./announce.js").Announce,
   * }} page
   */
  constructor(page) {
    this.#page = page;
  }

  /** Scores an image and adds its row. @param {Item} item */
  async score(item) {
    const { queue, table } = this.#page;
    const answer = await queue.request(item);
    if (answer) table.add(item, answer);
    return answer;
  }

  /** Images that a person added. @param {import("../lib/walk.js").Found[]} images */
  add = (images) => {
    const { state, queue } = this.#page;
    if (state.phase === "ready") this.showResults();
    const { signal } = queue;
    this.#adding = this.#adding.then(() => this.#addInParts(images, signal));
  };

  /** @param {import("../lib/walk.js").Found[]} images @param {AbortSignal} signal */
  async #addInParts(images, signal) {
    let until = performance.now() + ADDING_MS;
    for (const { name, path, blob } of images) {
      if (performance.now() > until) {
        await new Promise((resolve) => setTimeout(resolve));
        until = performance.now() + ADDING_MS;
      }
      if (signal.aborted) return;
      void this.score({ name, path, source: { blob } });
    }
    this.#page.announce(`${images.length} ${images.length === 1 ? "image" : "images"} added.`);
  }

  /** Shows the results to someone who just added images and is above them, once. */
  showResults() {
    const heading = byId("results-title");
    if (this.#scrolled || heading.getBoundingClientRect().top <= innerHeight * 0.75) return;
    this.#scrolled = true;
    // Not smoothly: such a scroll goes on under a press of Tab, and ends where the focus is out of sight.
    heading.scrollIntoView({ block: "start" });
  }
}
