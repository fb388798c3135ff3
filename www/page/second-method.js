// @ts-check
/**
 * The choice of a second method. What compares the two is loaded when one is first chosen.
 *
 * @typedef {import("./compare.js").Comparison} Comparison
 */
import { asSentence } from "../lib/format.js";
import { byId } from "./dom.js";
import { fill } from "./methods.js";

export class SecondMethod {
  /** @type {Comparison | null} */ comparison = null;
  #page;
  #select = byId("compare", HTMLSelectElement);
  /** @type {Promise<Comparison> | null} */ #starting = null;

  /**
   * @param {{
   *   scorer: import("../lib/scorer.js").Scorer, methods: import("./methods.js").Methods,
   *   queue: import("./scoring-queue.js").ScoringQueue, table: import("./table.js").ResultsTable,
   *   rowDialog: import("./row-dialog.js").RowDialog, notice: import("./notices.js").Notice,
   *   dismiss: (about: string) => void, announce: import("./announce.js").Announce,
   * }} page
   */
  constructor(page) {
    this.#page = page;
    const { methods, queue, rowDialog } = page;
    methods.addEventListener("list", () => this.#showList());
    queue.addEventListener("stop", () => this.comparison?.stop());
    rowDialog.addEventListener("show", (event) => this.comparison?.showRow(/** @type {CustomEvent<import("./table-row.js").Row>} */ (event).detail));
    this.#select.addEventListener("change", () => void this.#choose(this.#select.value));
  }

  #showList() {
    const { methods } = this.#page;
    const { value } = this.#select;
    const second = this.comparison?.method;
    // What is compared with stays, where another file of the visitor's took its place in the list.
    const offered = !second || methods.offered.includes(second) ? methods.offered : [...methods.offered, second];
    fill(this.#select, offered, [new Option("None", "")]);
    this.#select.value = value;
    this.#select.disabled = offered.length < 2;
    this.comparison?.rename();
  }

  /** @param {string} id */
  async #choose(id) {
    const { methods, notice } = this.#page;
    const method = [...methods.offered, this.comparison?.method].find((one) => one?.id === id) ?? null;
    if (!method && !this.#starting) return;
    try {
      await (this.#starting ??= this.#start());
    } catch (error) {
      this.#starting = null; // the next choice tries again
      this.#select.value = "";
      notice(`The comparison of two methods could not be loaded: ${asSentence(error)} Check the connection.`, { bad: true, about: "compare" });
      return;
    }
    await this.comparison?.use(method);
  }

  async #start() {
    const { initialise } = await import("./compare.js");
    const { scorer, methods, queue, table, rowDialog, notice, dismiss, announce } = this.#page;
    this.comparison = await initialise({
      table, notice, dismiss, announce, rowDialog, queue,
      device: scorer.wanted,
      first: () => methods.inUse,
      select: this.#select,
      said: byId("compare-said"),
      sort: byId("sort", HTMLSelectElement),
    });
    return this.comparison;
  }
}
