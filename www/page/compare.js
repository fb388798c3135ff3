// @ts-check
/**
 * A second method beside the first: every picture of the table is scored by both. It has a worker of
 * its own, cells of its own in the rows, and a side of its own where a row is shown large. Loaded
 * when a second method is first chosen.
 *
 * @typedef {import("./table-row.js").Row} Row
 * @typedef {import("./compare/cells.js").Second} Second
 * @typedef {import("../lib/scorer.js").Loaded} Loaded
 * @typedef {import("../lib/model-files.js").Method} Method
 * @typedef {{
 *   table: import("./table.js").ResultsTable, rowDialog: import("./row-dialog.js").RowDialog,
 *   queue: import("./scoring-queue.js").ScoringQueue, notice: import("./notices.js").Notice,
 *   dismiss: (about: string) => void, announce: import("./announce.js").Announce,
 *   device: "auto" | "cpu" | "webgpu", first: () => Method | null,
 *   select: HTMLSelectElement, said: HTMLElement, sort: HTMLSelectElement,
 * }} Page  what the rest of the page does for this part
 */
import { secondOf } from "../lib/csv.js";
import { asSentence } from "../lib/format.js";
import { fetchModel, fetchingWords, nameOf, wholeNameOf } from "../lib/model-files.js";
import { Scorer } from "../lib/scorer.js";
import { verdictOf } from "../lib/verdict.js";
import { Agreement } from "./compare/agreement.js";
import { addHeads, clearCells, showCells } from "./compare/cells.js";
import { SecondSide } from "./compare/side.js";
import { byId, loadStyle } from "./dom.js";
import { byScore } from "./table-order.js";

/** An order that follows scores as they come is made anew this often. */
const SORT_MS = 400;

/** @param {Page} page @returns {Promise<Comparison>} */
export async function initialise(page) {
  await loadStyle(new URL("./compare.css", import.meta.url));
  return new Comparison(page);
}

export class Comparison {
  #page;
  /** The second method; null where there is none. @type {Method | null} */
  method = null;
  /** The one that was asked for last. @type {Method | null} */ #wanted = null;
  /** @type {Scorer | null} */ #scorer = null;
  /** @type {Loaded | null} */ #loaded = null;
  #device = "cpu";
  /** @type {AbortController | null} */ #fetching = null;
  #controller = new AbortController();
  /** @type {WeakMap<Row, Second>} */ #seconds = new WeakMap();
  /** @type {HTMLElement[]} */ #heads = [];
  #agreement;
  #side;
  #sortTimer = 0;

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    const { table, rowDialog } = page;
    this.#side = new SecondSide(rowDialog.root);
    this.#agreement = new Agreement(page.announce);
    table.table.before(this.#agreement.root);
    table.companion = { show: (row) => this.#show(row) };
    table.addEventListener("change", () => this.#tell());
    this.#agreement.addEventListener("rest", () => {
      for (const row of table.rows) if (this.#seconds.get(row)?.state === "stopped") this.#seconds.delete(row);
      table.refresh();
      byId("results-title").focus({ preventScroll: true });
    });
    const { high, low } = byScore((row) => this.#seconds.get(row)?.picture?.score);
    Object.assign(table.sorts, { "second-high": high, "second-low": low });
  }

  // --- Choosing

  /** The second method from now on; null for none. @param {Method | null} method */
  async use(method) {
    this.#fetching?.abort();
    const fetching = (this.#fetching = new AbortController());
    this.#wanted = method;
    const { said, notice, announce } = this.#page;
    if (!method) {
      this.#off();
      return;
    }
    if (method === this.method) {
      this.rename();
      return;
    }
    const tell = (/** @type {string} */ words) => {
      if (this.#wanted === method) said.textContent = words;
    };
    try {
      if (!method.blob) announce(fetchingWords(method), "method");
      const blob = await fetchModel(method, { signal: fetching.signal, tell });
      if (this.#wanted !== method) return;
      tell(`Loading ${nameOf(method)}…`);
      const scorer = (this.#scorer ??= this.#start());
      const loaded = await scorer.loadModel(blob);
      if (this.#wanted !== method || scorer !== this.#scorer) return;
      this.#loaded = loaded;
    } catch (error) {
      if (this.#wanted !== method) return;
      this.#wanted = this.method;
      const stays = this.method ? `${nameOf(this.method)} remains the second method.` : "Scoring continues with the first method only.";
      if (this.method) this.rename();
      else this.#off();
      notice(`${nameOf(method)} cannot be used for the comparison: ${asSentence(error)} ${stays}`, { bad: true, about: "compare" });
      return;
    }
    this.#forget();
    this.method = method;
    this.#on();
    notice(`Images are now also scored with ${nameOf(method)}.`, { about: "compare" });
  }

  /** What the method before said, or was asked for, is of no use. */
  #forget() {
    this.stop();
    this.#seconds = new WeakMap();
  }

  #start() {
    const { device, queue, notice } = this.#page;
    const scorer = new Scorer(device);
    queue.watchOptimisation(scorer);
    /** @template T @param {string} type @param {(detail: T) => void} take */
    const on = (type, take) => scorer.addEventListener(type, (event) => {
      if (scorer === this.#scorer) take(/** @type {CustomEvent<T>} */ (event).detail);
    });
    on("device", (/** @type {{ device: "cpu" | "webgpu" }} */ detail) => (this.#device = detail.device));
    on("restart", (/** @type {string} */ words) => notice(`Second method: ${words}`, { about: "second-restart" }));
    on("failed", (/** @type {string} */ reason) => {
      if (!this.method) return; // the load that failed with it says so
      const name = nameOf(this.method);
      this.#off();
      notice(`${name} stopped: ${asSentence(reason)} Scoring continues with the first method only.`, { bad: true, about: "compare" });
    });
    return scorer;
  }

  #on() {
    const { table } = this.#page;
    if (this.#heads.length === 0) {
      this.#heads = addHeads(table.table);
      table.table.classList.add("paired");
      this.#side.attach();
    }
    this.rename();
    table.refresh();
    this.#tell();
  }

  #off() {
    const { table, dismiss, select, said, sort } = this.#page;
    dismiss("compare");
    const scorer = this.#scorer;
    this.#scorer = null;
    this.#loaded = null;
    this.method = this.#wanted = null;
    this.#forget();
    scorer?.close();
    for (const head of this.#heads) head.remove();
    this.#heads = [];
    table.table.classList.remove("paired");
    this.#side.detach();
    for (const option of sort.querySelectorAll("[value^=second]")) option.remove();
    if (table.sort.startsWith("second")) {
      sort.value = "order";
      table.setSort("order");
    }
    select.value = "";
    said.textContent = "Scores the same images with a second method and shows both side by side.";
    table.refresh();
    this.#tell();
  }

  /** The names as they are now: the first method, or the list, may have changed. */
  rename() {
    const { method } = this;
    if (!method) return;
    const { first, select, said, sort, table } = this.#page;
    select.value = method.id;
    said.textContent = method.words;
    this.#side.setNames([first(), method]);
    for (const [value, words] of [["second-high", "highest first"], ["second-low", "lowest first"]]) {
      let option = /** @type {HTMLOptionElement | null} */ (sort.querySelector(`[value=${value}]`));
      if (!option) sort.append((option = new Option("", value)));
      option.textContent = `${nameOf(method)}'s score, ${words}`;
    }
    sort.value = table.sort;
    table.refresh();
  }

  /** Nothing more is scored that was not yet. */
  stop() {
    this.#controller.abort();
    this.#controller = new AbortController();
  }

  // --- Scoring

  /** @param {Row} row */
  async #ask(row) {
    const scorer = /** @type {Scorer} */ (this.#scorer);
    /** @type {Second} */
    const second = { state: "waiting", picture: null, error: null, threshold: null, verdict: "error", display: null };
    this.#seconds.set(row, second);
    const answer = await this.#page.queue.request(row.item, scorer, this.#controller.signal);
    if (this.#seconds.get(row) !== second) return; // of a method, or a time, before
    second.state = answer ? "done" : "stopped";
    if (answer) {
      const { result } = answer;
      if ("error" in result) second.error = result.error;
      else {
        second.picture = result;
        second.threshold = result.threshold;
        second.display = result.display;
        second.verdict = verdictOf(result.score, result.threshold);
      }
    }
    const { table, rowDialog } = this.#page;
    table.refresh([row]);
    if (rowDialog.row === row) this.showRow(row);
    if (table.sort.startsWith("second") && !this.#sortTimer) {
      this.#sortTimer = setTimeout(() => {
        this.#sortTimer = 0;
        table.setSort(table.sort);
      }, SORT_MS);
    }
  }

  // --- Rows

  /** The cells of a row. @param {Row} row */
  #show(row) {
    const { method } = this;
    if (!method) {
      clearCells(row);
      return;
    }
    if (!this.#seconds.has(row)) void this.#ask(row);
    showCells(row, /** @type {Second} */ (this.#seconds.get(row)), { first: this.#page.first(), method });
  }

  #tell() {
    const { table, first } = this.#page;
    this.#agreement.show(table.rows, this.#seconds, { first: first(), method: this.method });
  }

  // --- One row, large

  /** The second's side of the row that is shown large. @param {Row} row */
  showRow(row) {
    if (this.method) this.#side.show(row, this.#seconds.get(row), this.method);
  }

  // --- What is exported

  /** The second method's columns, one object a row; empty where there is no second method. @param {Row[]} rows @returns {Record<string, string | number | null>[]} */
  columns(rows) {
    const { method } = this;
    if (!method) return [];
    return rows.map((row) => secondOf(wholeNameOf(method), this.#seconds.get(row)));
  }

  /** @param {Row} row */
  pictureOf(row) {
    return (this.method && this.#seconds.get(row)?.picture) || null;
  }

  about() {
    if (!this.method || !this.#loaded) return {};
    const { info } = this.#loaded;
    return {
      second_model: { name: wholeNameOf(this.method), method: info.method, size: info.size, channels: info.channels, threshold: info.threshold, device: this.#device },
    };
  }
}
