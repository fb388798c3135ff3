// @ts-check
/**
 * The results table. Rows are inserted a few at a time within a time budget, and pictures are
 * drawn only for rows near the viewport, so that a thousand rows cost little.
 *
 * @typedef {import("../lib/scorer.js").Answer} Answer
 * @typedef {import("./table-row.js").Item} Item
 * @typedef {import("./table-row.js").Row} Row
 * @typedef {{ show: (row: Row) => void }} Companion  adds to rows, after each was built or brought up to date
 */
import { lineOf } from "../lib/csv.js";
import { verdictOf } from "../lib/verdict.js";
import { ORDERS, placeOf } from "./table-order.js";
import { buildRow, drawRow, releaseRow, showRow } from "./table-row.js";

/** Work on rows stops after this long, or this many new rows, and goes on in the next frame. */
const FRAME_BUDGET_MS = 5;
const FRAME_ROWS = 8;
/** A frame that takes longer, with layout and paint, makes the next one smaller. */
const FRAME_TARGET_MS = 20;
/** The first rows keep their pictures wherever the viewport is. */
const ALWAYS_DRAWN = 64;
/** From here on the browser skips the rows that are far from the viewport. */
const MANY = 100;
const DRAW_MARGIN = "1200px 0px";

/** Events: `change` after rows were added, changed or removed; `open` (detail: Row). */
export class ResultsTable extends EventTarget {
  /** @type {Row[]} all rows, in the order they are shown */ rows = [];
  /** @type {Companion | null} */ companion = null;
  /** @type {Row[]} not in the document yet */ #coming = [];
  /** @type {Set<Row>} rows whose cells are out of date */ #dirty = new Set();
  /** @type {Set<Row>} rows whose pictures are to be drawn */ #undrawn = new Set();
  #frame = 0;
  #frameRows = FRAME_ROWS;
  #order = 0;
  /** Orders by name. @type {Record<string, (a: Row, b: Row) => number>} */ sorts = { ...ORDERS };
  #sort = "order";
  /** @type {number | null} */ #threshold = null;
  #generation = 0;
  #body;
  /** @type {WeakMap<Element, Row>} */ #byElement = new WeakMap();
  #observer = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: DRAW_MARGIN });

  /** @param {HTMLTableElement} table */
  constructor(table) {
    super();
    this.table = table;
    this.#body = table.tBodies[0];
    this.#body.addEventListener("click", (event) => {
      const button = event.target instanceof Element && event.target.closest("button.name");
      const found = button && this.#byElement.get(/** @type {Element} */ (button.closest("tr")));
      if (found) this.dispatchEvent(new CustomEvent("open", { detail: found }));
    });
  }

  /** The threshold in force, or null. */
  get threshold() {
    return this.#threshold;
  }

  /** @param {Item} item @param {Answer} answer */
  add(item, answer) {
    const row = /** @type {Row} */ ({ order: this.#order++, item, parts: null, drawn: false });
    this.#fill(row, answer);
    this.#coming.push(row);
    this.#schedule();
  }

  /** A new answer for a row that is there. @param {Row} row @param {Answer} answer */
  update(row, answer) {
    this.#fill(row, answer);
    if (!row.tr?.isConnected) return;
    const old = row.tr;
    this.#observer.unobserve(old);
    this.#build(row);
    old.replaceWith(row.tr);
    this.#watch(row);
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** @param {Row} row @param {Answer} answer */
  #fill(row, answer) {
    const { result } = answer;
    row.answer = answer;
    row.error = "error" in result ? result.error : null;
    row.picture = "error" in result ? null : result;
    row.stale = false;
    row.drawn = false;
    row.display = row.picture?.display ?? null;
    row.displayFor = row.picture?.threshold ?? null;
    this.#judge(row);
  }

  /** @param {Row} row */
  #judge(row) {
    const { picture } = row;
    if (!picture) {
      row.verdict = "error";
      row.threshold = null;
      return;
    }
    row.stale = row.answer.generation !== this.#generation;
    // A result from an earlier model keeps what that model said.
    row.threshold = row.stale ? (row.threshold ?? picture.threshold) : this.#threshold;
    row.verdict = verdictOf(picture.score, row.threshold);
  }

  /** @param {Row} row */
  #build(row) {
    buildRow(row);
    this.#byElement.set(row.tr, row);
    this.companion?.show(row);
  }

  /** Brings the cells that change with the threshold up to date. @param {Row} row */
  #show(row) {
    showRow(row);
    this.companion?.show(row);
  }

  /** @param {Row} row */
  #watch(row) {
    if (!row.picture) return;
    if (row.order < ALWAYS_DRAWN) this.#undrawn.add(row);
    else this.#observer.observe(row.tr);
    this.#schedule();
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const row = this.#byElement.get(target);
      if (!row) continue;
      if (isIntersecting) {
        this.#undrawn.add(row);
      } else {
        this.#undrawn.delete(row);
        releaseRow(row);
      }
    }
    this.#schedule();
  }

  #schedule() {
    if (this.#frame) return;
    const run = () => {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
      this.#frame = 0;
      this.#work();
    };
    const frame = requestAnimationFrame(run);
    // A tab in the background gets no frames; its results still come in.
    const timer = setTimeout(run, 250);
    this.#frame = frame;
  }

  #work() {
    const began = performance.now();
    const end = began + FRAME_BUDGET_MS;
    /** @type {Row[]} */
    const added = [];
    const compare = this.sorts[this.#sort];
    let taken = 0;
    for (const row of this.#undrawn) {
      if (performance.now() >= end) break;
      this.#undrawn.delete(row);
      drawRow(row);
    }
    while (taken < Math.min(this.#coming.length, this.#frameRows) && performance.now() < end) {
      const row = this.#coming[taken++];
      this.#judge(row); // the threshold or the model may have changed while it waited
      this.#build(row);
      const last = this.rows.at(-1);
      if (!last || compare(last, row) <= 0) {
        this.rows.push(row);
        this.#body.append(row.tr);
      } else {
        const at = placeOf(row, this.rows, compare);
        this.#body.insertBefore(row.tr, this.rows[at].tr);
        this.rows.splice(at, 0, row);
      }
      added.push(row);
    }
    this.#coming.splice(0, taken);
    this.table.classList.toggle("empty", this.rows.length === 0);
    this.table.classList.toggle("many", this.rows.length > MANY);
    for (const row of added) this.#watch(row);
    const stale = this.#dirty.size;
    for (const row of this.#dirty) {
      if (performance.now() >= end) break;
      this.#dirty.delete(row);
      this.#show(row);
    }
    if (taken > 0 || (stale > 0 && this.#dirty.size === 0)) this.dispatchEvent(new CustomEvent("change"));
    if (taken > 0) {
      // Runs once the frame is laid out and painted.
      setTimeout(() => {
        const slow = performance.now() - began > FRAME_TARGET_MS;
        this.#frameRows = slow ? Math.ceil(this.#frameRows / 2) : Math.min(this.#frameRows + 1, FRAME_ROWS);
      });
    }
    if (this.#coming.length > 0 || this.#dirty.size > 0 || this.#undrawn.size > 0) this.#schedule();
  }

  get sort() {
    return this.#sort;
  }

  /** @param {string} sort */
  setSort(sort) {
    if (!(sort in this.sorts)) return;
    this.#sort = sort;
    const before = this.rows;
    this.rows = before.slice().sort(this.sorts[sort]);
    if (this.rows.some((row, i) => row !== before[i])) this.#body.append(...this.rows.map((row) => row.tr));
  }

  /** Brings rows up to date, a few at a time; `change` follows. @param {Iterable<Row>} [rows] all, unless given */
  refresh(rows = this.rows) {
    for (const row of rows) this.#dirty.add(row);
    this.#schedule();
  }

  /** @param {string} filter `all` or a verdict */
  setFilter(filter) {
    this.table.dataset.filter = filter;
  }

  /** @param {number | null} threshold */
  setThreshold(threshold) {
    this.#threshold = threshold;
    this.#judgeAll();
    // What is shown large has no row: it is judged too.
    if (this.rows.length === 0) this.dispatchEvent(new CustomEvent("change"));
  }

  /** A model was loaded: rows from another one are marked. @param {number} generation @param {number | null} threshold */
  setModel(generation, threshold) {
    this.#generation = generation;
    this.#threshold = threshold;
    this.#judgeAll();
  }

  #judgeAll() {
    for (const row of this.rows) this.#judge(row);
    this.refresh();
  }

  /** Rows whose place between 0 and 1 belongs to another threshold than the one in force. */
  rowsWithoutDisplay() {
    if (this.#threshold === null) return [];
    return this.rows.filter((row) => row.picture && !row.stale && row.displayFor !== this.#threshold);
  }

  /** @param {Row[]} rows @param {ArrayLike<number>} values @param {number} threshold */
  setDisplays(rows, values, threshold) {
    rows.forEach((row, i) => {
      row.display = Number.isFinite(values[i]) ? values[i] : null;
      row.displayFor = threshold;
      this.#dirty.add(row);
    });
    this.#schedule();
  }

  counts() {
    const counts = { all: this.rows.length, normal: 0, anomalous: 0, uncalibrated: 0, error: 0, stale: 0 };
    for (const row of this.rows) {
      counts[row.verdict]++;
      if (row.stale) counts.stale++;
    }
    return counts;
  }

  /** Everything that is shown, in the order shown, for the files that are exported. */
  lines() {
    return this.rows.map(lineOf);
  }

  clear() {
    this.#observer.disconnect();
    this.rows = [];
    this.#coming = [];
    this.#dirty.clear();
    this.#undrawn.clear();
    this.#order = 0;
    this.#body.replaceChildren();
    this.table.classList.remove("many");
    this.table.classList.add("empty");
    this.dispatchEvent(new CustomEvent("change"));
  }
}
