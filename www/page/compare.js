// @ts-check
/**
 * A second method beside the first: every picture of the table is scored by both. It has a worker of
 * its own, cells of its own in the rows, and a side of its own where a row is shown large. Loaded
 * when a second method is first chosen.
 *
 * @typedef {import("./table.js").Row} Row
 * @typedef {import("./table.js").Item} Item
 * @typedef {import("./table.js").Verdict} Verdict
 * @typedef {import("../lib/protocol.js").Picture} Picture
 * @typedef {import("../lib/scorer.js").Answer} Answer
 * @typedef {import("../lib/scorer.js").Loaded} Loaded
 * @typedef {import("../lib/model-files.js").Method} Method
 * @typedef {{
 *   state: "waiting" | "stopped" | "done", answer: Answer | null, picture: Picture | null, error: string | null,
 *   threshold: number | null, verdict: Verdict, display: number | null,
 * }} Second  what the second method says of a row
 * @typedef {{
 *   table: import("./table.js").ResultsTable, dialog: HTMLDialogElement,
 *   notice: import("./notices.js").Notice, dismiss: (about: string) => void, announce: (words: string, kind?: string) => void,
 *   watchOptimisation: (of: Scorer) => void,
 *   request: (item: Item, of: Scorer, signal: AbortSignal) => Promise<Answer | null>,
 *   device: "auto" | "cpu" | "webgpu", first: () => Method | null, openRow: () => Row | null,
 *   select: HTMLSelectElement, said: HTMLElement, sort: HTMLSelectElement,
 * }} Page  what the rest of the page does for this part
 */
import { secondOf } from "../lib/csv.js";
import { short } from "../lib/format.js";
import { fetchModel, fetchingWords, nameOf, wholeNameOf } from "../lib/model-files.js";
import { Scorer } from "../lib/scorer.js";
import { ResultCard } from "./result-card.js";
import { VERDICT_WORDS, showName, verdictOf } from "./table.js";

/** An order that follows scores as they come is made anew this often. */
const SORT_MS = 400;

/** @template {keyof HTMLElementTagNameMap} K @param {K} tag @param {Record<string, any>} [properties] @param {(Node | string)[]} children */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "scope") made.setAttribute(name, value);
    else /** @type {any} */ (made)[name] = value;
  }
  made.append(...children);
  return made;
}

/** @param {unknown} error */
const reasonOf = (error) => (error instanceof Error ? error.message : String(error)).trim().replace(/[^.!?]$/, "$&.");

/** @param {Page} page @returns {Promise<Comparison>} */
export async function initialise(page) {
  await new Promise((resolve, reject) => {
    const link = element("link", { rel: "stylesheet", href: new URL("./compare.css", import.meta.url).href });
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => {
      link.remove();
      reject(new Error("compare.css could not be fetched"));
    });
    document.head.append(link);
  });
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
  #cells;
  #side;
  #card;
  #titles = [element("h3", { className: "side-title" }), element("h3", { className: "side-title" })];
  #wait = element("p", { className: "side-wait" });
  #agree = element("p", {});
  #rest = element("button", { type: "button", className: "button" }, "Score the remaining images");
  #box = element("div", { id: "agree", className: "notice", hidden: true }, this.#agree, this.#rest);
  #sortTimer = 0;

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    const { table, dialog } = page;
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("row-template")).content;
    this.#cells = [".cell-score", ".cell-parts", ".cell-threshold", ".cell-verdict"].map((selector) => /** @type {HTMLElement} */ (template.querySelector(selector)));
    this.#side = element("section", { className: "side" }, this.#titles[1], this.#wait);
    this.#card = new ResultCard(this.#side);
    /** @type {HTMLElement} */ (dialog.querySelector("#row-first")).prepend(this.#titles[0]);
    table.table.before(this.#box);
    table.companion = { show: (row) => this.#show(row) };
    table.addEventListener("change", () => this.#tell());
    this.#rest.addEventListener("click", () => {
      for (const row of table.rows) if (this.#seconds.get(row)?.state === "stopped") this.#seconds.delete(row);
      table.refresh();
      document.getElementById("results-title")?.focus({ preventScroll: true });
    });
    const score = (/** @type {Row} */ row) => this.#seconds.get(row)?.picture?.score ?? null;
    table.sorts["second-high"] = (a, b) => (score(b) ?? -Infinity) - (score(a) ?? -Infinity) || a.order - b.order;
    table.sorts["second-low"] = (a, b) => (score(a) ?? Infinity) - (score(b) ?? Infinity) || a.order - b.order;
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
      notice(`${nameOf(method)} cannot be used for the comparison: ${reasonOf(error)} ${stays}`, { bad: true, about: "compare" });
      return;
    }
    // What the one before said, or was asked for, is of no use.
    this.#controller.abort();
    this.#controller = new AbortController();
    this.#seconds = new WeakMap();
    this.method = method;
    this.#on();
    notice(`Images are now also scored with ${nameOf(method)}.`, { about: "compare" });
  }

  #start() {
    const { device, watchOptimisation, notice } = this.#page;
    const scorer = new Scorer(device);
    watchOptimisation(scorer);
    /** @param {string} type @param {(detail: any) => void} take */
    const on = (type, take) => scorer.addEventListener(type, (event) => {
      if (scorer === this.#scorer) take(/** @type {CustomEvent} */ (event).detail);
    });
    on("device", (detail) => (this.#device = detail.device));
    on("restart", (words) => notice(`Second method: ${words}`, { about: "second-restart" }));
    on("failed", (reason) => {
      if (!this.method) return; // the load that failed with it says so
      const name = nameOf(this.method);
      this.#off();
      notice(`${name} stopped: ${reasonOf(reason)} Scoring continues with the first method only.`, { bad: true, about: "compare" });
    });
    return scorer;
  }

  #on() {
    const { table, dialog } = this.#page;
    if (this.#heads.length === 0) {
      const head = /** @type {HTMLElement} */ (table.table.querySelector("thead tr"));
      const make = (/** @type {string} */ words, /** @type {boolean} */ hidden) => element("th", { role: "columnheader", scope: "col", className: hidden ? "visually-hidden" : "" }, words);
      const by = make("Method", false);
      head.children[4].before(by);
      const others = ["Second method", "Second score", "Second residual, latent", "Second threshold", "Second verdict"].map((words) => make(words, true));
      head.append(...others);
      this.#heads = [by, ...others];
      table.table.classList.add("paired");
      dialog.classList.add("paired");
      document.getElementById("row-sides")?.append(this.#side);
    }
    this.rename();
    table.refresh();
    this.#tell();
  }

  #off() {
    const { table, dialog, dismiss, select, said, sort } = this.#page;
    dismiss("compare");
    const scorer = this.#scorer;
    this.#scorer = null;
    this.#loaded = null;
    this.method = this.#wanted = null;
    this.#controller.abort();
    this.#controller = new AbortController();
    this.#seconds = new WeakMap();
    scorer?.close();
    for (const head of this.#heads) head.remove();
    this.#heads = [];
    table.table.classList.remove("paired");
    dialog.classList.remove("paired");
    this.#side.remove();
    /** @type {HTMLElement} */ (dialog.querySelector("#row-dialog-title")).textContent = "Image";
    dialog.querySelector("#row-dialog-title")?.removeAttribute("title");
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
    const [a, b] = [first(), method];
    select.value = method.id;
    said.textContent = method.words;
    [this.#titles[0].textContent, this.#titles[1].textContent] = [a ? nameOf(a) : "", nameOf(b)];
    [this.#titles[0].title, this.#titles[1].title] = [a ? wholeNameOf(a) : "", wholeNameOf(b)];
    for (const [value, words] of [["second-high", "highest first"], ["second-low", "lowest first"]]) {
      let option = /** @type {HTMLOptionElement | null} */ (sort.querySelector(`[value=${value}]`));
      if (!option) sort.append((option = new Option("", value)));
      option.textContent = `${nameOf(b)}'s score, ${words}`;
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
    const second = { state: "waiting", answer: null, picture: null, error: null, threshold: null, verdict: "error", display: null };
    this.#seconds.set(row, second);
    const answer = await this.#page.request(row.item, scorer, this.#controller.signal);
    if (this.#seconds.get(row) !== second) return; // of a method, or a time, before
    second.state = answer ? "done" : "stopped";
    if (answer) {
      const { result } = answer;
      second.answer = answer;
      if ("error" in result) second.error = result.error;
      else {
        second.picture = result;
        second.threshold = result.threshold;
        second.display = result.display;
        second.verdict = verdictOf(result.score, result.threshold);
      }
    }
    const { table, openRow } = this.#page;
    table.refresh([row]);
    if (openRow() === row) this.showRow(row);
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
    const { tr } = row;
    const { method } = this;
    if (!method) {
      for (const cell of tr.querySelectorAll(".second, .cell-by")) cell.remove();
      delete tr.dataset.secondScore;
      delete tr.dataset.secondVerdict;
      delete tr.dataset.secondState;
      delete tr.dataset.agrees;
      return;
    }
    if (!this.#seconds.has(row)) void this.#ask(row);
    const second = /** @type {Second} */ (this.#seconds.get(row));
    const first = this.#page.first();
    if (!tr.querySelector(".second")) this.#build(row);
    const part = (/** @type {string} */ selector) => /** @type {any} */ (tr.querySelector(selector));
    const { picture, verdict, state } = second;
    const words = second.error ?? (state === "stopped" ? "not scored" : "waiting to be scored");
    if (row.picture) {
      for (const [cell, by] of /** @type {[HTMLElement, Method | null][]} */ ([[part(".cell-by:not(.second)"), first], [part(".cell-by.second"), method]])) {
        cell.textContent = by ? nameOf(by) : "";
        cell.title = by && nameOf(by) !== wholeNameOf(by) ? wholeNameOf(by) : "";
      }
      part(".cell-note").hidden = picture !== null;
      part(".cell-note").textContent = words;
      for (const cell of tr.querySelectorAll(".second.value")) /** @type {HTMLElement} */ (cell).hidden = picture === null;
    } else {
      // The reason is the first's; a second that is the same is not worth a line.
      const said = picture ? `${short(picture.score)}, ${VERDICT_WORDS[verdict].toLowerCase()}` : words;
      part(".second").textContent = `${nameOf(method)}: ${said}`;
      part(".second").hidden = second.error !== null && second.error === row.error;
    }
    tr.dataset.secondState = state;
    if (picture) {
      tr.dataset.secondScore = String(picture.score);
      tr.dataset.secondVerdict = verdict;
    } else {
      delete tr.dataset.secondScore;
      delete tr.dataset.secondVerdict;
    }
    const agrees = this.#agrees(row);
    if (agrees === null) delete tr.dataset.agrees;
    else tr.dataset.agrees = agrees ? "yes" : "no";
    if (!picture || !row.picture) return;
    part(".second .score").textContent = short(picture.score);
    part(".second .score").title = String(picture.score);
    part(".second .display").textContent = second.display === null ? "" : second.display.toFixed(2);
    part(".second .meter").hidden = second.display === null;
    if (second.display !== null) part(".second .meter").style.setProperty("--value", second.display.toFixed(4));
    part(".second .residual").textContent = short(picture.residual);
    part(".second .latent").textContent = picture.latent === null ? "none" : short(picture.latent);
    part(".second .threshold").textContent = second.threshold === null ? "none" : short(second.threshold);
    part(".second .verdict-word").textContent = VERDICT_WORDS[verdict];
    part(".second use").setAttribute("href", `#icon-${verdict}`);
    for (const cell of tr.querySelectorAll(".second.value")) /** @type {HTMLElement} */ (cell).dataset.verdict = verdict;
  }

  /** @param {Row} row */
  #build({ tr, picture }) {
    if (!picture) {
      tr.append(element("td", { role: "cell", className: "second cell-reason" }));
      return;
    }
    /** @type {HTMLElement} */ (tr.querySelector(".cell-score")).before(element("td", { role: "cell", className: "cell-by" }));
    const cells = this.#cells.map((cell) => /** @type {HTMLElement} */ (cell.cloneNode(true)));
    for (const cell of cells) cell.classList.add("second", "value");
    tr.append(element("td", { role: "cell", className: "cell-by second" }), element("td", { role: "cell", className: "cell-note second" }), ...cells);
  }

  /** Whether both verdicts are there and the same; null where one is missing. @param {Row} row */
  #agrees(row) {
    const second = this.#seconds.get(row);
    if (!second?.picture || !row.picture || row.stale) return null;
    const verdicts = [row.verdict, second.verdict];
    return verdicts.includes("uncalibrated") ? null : verdicts[0] === verdicts[1];
  }

  /** On how many pictures the two agree. */
  #tell() {
    const { method } = this;
    const { table, first, announce } = this.#page;
    this.#box.hidden = !method || table.rows.length === 0;
    if (!method) return;
    const counts = { yes: 0, both: 0, stopped: 0 };
    for (const row of table.rows) {
      const agrees = this.#agrees(row);
      if (agrees !== null) counts.both++;
      if (agrees) counts.yes++;
      if (this.#seconds.get(row)?.state === "stopped") counts.stopped++;
    }
    const one = first();
    const names = `${one ? nameOf(one) : "The first method"} and ${nameOf(method)}`;
    const rest = counts.stopped > 0 ? ` ${counts.stopped} ${counts.stopped === 1 ? "was" : "were"} not scored by ${nameOf(method)}.` : "";
    const words = counts.both === 0
      ? `No image has a verdict from both ${names} yet.${rest}`
      : `${names} agree on ${counts.yes} of ${counts.both} ${counts.both === 1 ? "image" : "images"}, each with its own threshold.${rest}`;
    this.#rest.hidden = counts.stopped === 0;
    if (this.#agree.textContent === words) return;
    this.#agree.textContent = words;
    if (table.rows.length > 0) announce(words, "agree");
  }

  // --- One row, large

  /** The second's side of the row that is shown large. @param {Row} row */
  showRow(row) {
    const { method } = this;
    if (!method) return;
    const title = /** @type {HTMLElement} */ (this.#page.dialog.querySelector("#row-dialog-title"));
    showName(title, row.item.name, 60);
    const second = this.#seconds.get(row);
    const there = second?.state === "done";
    this.#wait.hidden = there;
    this.#wait.textContent = second?.state === "stopped" ? `${nameOf(method)} did not score this image.` : `${nameOf(method)} has not scored this image yet.`;
    this.#side.classList.toggle("waits", !there);
    if (there) void this.#card.show({ ...second, item: row.item });
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
