// @ts-check
/**
 * The results table. Rows are inserted a few at a time within a time budget, and pictures are
 * drawn only for rows near the viewport, so that a thousand rows cost little.
 *
 * @typedef {import("../lib/protocol.js").Source} Source
 * @typedef {import("../lib/protocol.js").Picture} Picture
 * @typedef {import("../lib/scorer.js").Answer} Answer
 * @typedef {"normal" | "anomalous" | "uncalibrated" | "error"} Verdict
 * @typedef {{ name: string, path: string, label?: string, source: Source }} Item
 * @typedef {{
 *   order: number, item: Item, answer: Answer, picture: Picture | null, error: string | null,
 *   verdict: Verdict, threshold: number | null, display: number | null, displayFor: number | null,
 *   stale: boolean, tr: HTMLTableRowElement, parts: Parts | null, drawn: boolean,
 * }} Row
 * @typedef {{ show: (row: Row) => void }} Companion  adds to rows, after each was built or brought up to date
 * @typedef {{
 *   score: HTMLElement, meter: HTMLElement, display: HTMLElement, threshold: HTMLElement, verdict: HTMLElement,
 *   icon: SVGUseElement, stale: HTMLElement,
 *   input: HTMLImageElement, reconstruction: HTMLImageElement, heat: HTMLImageElement, stack: HTMLElement,
 * }} Parts
 */
import { lineOf } from "../lib/csv.js";
import { short } from "../lib/format.js";
import { NAME_LENGTH, shortName } from "../lib/names.js";

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

export const VERDICT_WORDS = { normal: "Normal", anomalous: "Anomalous", uncalibrated: "Not calibrated", error: "Unreadable" };

/** Shows a name, shortened where it is long; the whole is then its title. @param {HTMLElement} element @param {string} name */
export function showName(element, name, most = NAME_LENGTH) {
  const shown = shortName(name, most);
  element.textContent = shown;
  if (shown === name) element.removeAttribute("title");
  else element.title = name;
}

/** @param {Uint8Array} png */
export function dataUrl(png) {
  let binary = "";
  for (let i = 0; i < png.length; i += 0x8000) binary += String.fromCharCode(...png.subarray(i, i + 0x8000));
  return `data:image/png;base64,${btoa(binary)}`;
}

/** @param {number} score @param {number | null} threshold @returns {Verdict} */
export function verdictOf(score, threshold) {
  if (threshold === null) return "uncalibrated";
  return score > threshold ? "anomalous" : "normal";
}

const COMPARE = {
  order: (/** @type {Row} */ a, /** @type {Row} */ b) => a.order - b.order,
  name: (/** @type {Row} */ a, /** @type {Row} */ b) => COLLATOR.compare(a.item.path, b.item.path) || a.order - b.order,
  high: (/** @type {Row} */ a, /** @type {Row} */ b) => (b.picture?.score ?? -Infinity) - (a.picture?.score ?? -Infinity) || a.order - b.order,
  low: (/** @type {Row} */ a, /** @type {Row} */ b) => (a.picture?.score ?? Infinity) - (b.picture?.score ?? Infinity) || a.order - b.order,
};
const COLLATOR = new Intl.Collator("en", { numeric: true });

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
  /** Orders by name. @type {Record<string, (a: Row, b: Row) => number>} */ sorts = { ...COMPARE };
  #sort = "order";
  /** @type {number | null} */ #threshold = null;
  #generation = 0;
  #body;
  #pictureRow;
  #errorRow;
  /** @type {WeakMap<Element, Row>} */ #byElement = new WeakMap();
  #observer = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: DRAW_MARGIN });

  /** @param {HTMLTableElement} table */
  constructor(table) {
    super();
    this.table = table;
    this.#body = table.tBodies[0];
    const row = (/** @type {string} */ id) =>
      /** @type {HTMLTableRowElement} */ (/** @type {HTMLTemplateElement} */ (document.getElementById(id)).content.firstElementChild);
    this.#pictureRow = row("row-template");
    this.#errorRow = row("error-row-template");
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
    const row = /** @type {Row} */ ({ order: this.#order++, item, tr: /** @type {any} */ (null), parts: null, drawn: false });
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
    const { picture, item, error } = row;
    const tr = /** @type {HTMLTableRowElement} */ ((picture ? this.#pictureRow : this.#errorRow).cloneNode(true));
    row.tr = tr;
    this.#byElement.set(tr, row);
    tr.dataset.name = item.name;
    if (item.path !== item.name) tr.dataset.path = item.path;
    tr.dataset.verdict = row.verdict;
    /** @param {string} selector */
    const part = (selector) => /** @type {any} */ (tr.querySelector(selector));
    showName(part(".name"), item.name);
    if (part(".name").title) part(".name").setAttribute("aria-label", item.name);
    const folder = item.path.slice(0, Math.max(0, item.path.lastIndexOf("/")));
    const facts = [folder, picture ? `${picture.width} × ${picture.height}` : "", item.label ? `labelled ${item.label}` : ""];
    if (folder !== shortName(folder)) part(".facts").title = folder;
    facts[0] = shortName(folder);
    part(".facts").textContent = facts.filter(Boolean).join(" · ");
    if (!picture) {
      part(".reason").textContent = error;
      row.parts = null;
      this.companion?.show(row);
      return;
    }
    tr.dataset.score = String(picture.score);
    tr.dataset.residual = String(picture.residual);
    if (picture.latent !== null) tr.dataset.latent = String(picture.latent);
    part(".residual").textContent = short(picture.residual);
    part(".latent").textContent = picture.latent === null ? "none" : short(picture.latent);
    /** @type {Parts} */
    const parts = {
      score: part(".score"), meter: part(".meter"), display: part(".display"), threshold: part(".threshold"),
      verdict: part(".verdict-word"), icon: part("use"), stale: part(".stale"),
      input: part(".input"), reconstruction: part(".reconstruction"), heat: part(".heat"), stack: part(".stack"),
    };
    row.parts = parts;
    for (const image of [parts.input, parts.reconstruction, parts.heat]) image.width = image.height = picture.size;
    parts.input.alt = `Input: ${item.name}`;
    parts.reconstruction.alt = picture.reconstruction ? `Reconstruction of ${item.name}` : "This method makes no reconstruction";
    parts.heat.alt = `Heat map over ${item.name}`;
    parts.score.textContent = short(picture.score);
    parts.score.title = String(picture.score);
    this.#show(row);
  }

  /** Brings the cells that change with the threshold up to date. @param {Row} row */
  #show(row) {
    const { parts, tr } = row;
    if (!parts) {
      this.companion?.show(row);
      return;
    }
    const { verdict, threshold, display, stale } = row;
    tr.dataset.verdict = verdict;
    tr.toggleAttribute("data-stale", stale);
    parts.verdict.textContent = VERDICT_WORDS[verdict];
    parts.icon.setAttribute("href", `#icon-${verdict}`);
    parts.threshold.textContent = threshold === null ? "none" : short(threshold);
    parts.display.textContent = display === null ? "" : display.toFixed(2);
    parts.meter.hidden = display === null;
    if (display !== null) parts.meter.style.setProperty("--value", display.toFixed(4));
    parts.stale.hidden = !stale;
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
        this.#release(row);
      }
    }
    this.#schedule();
  }

  /** @param {Row} row */
  #draw(row) {
    const { parts, picture } = row;
    if (row.drawn || !parts || !picture) return;
    row.drawn = true;
    const input = dataUrl(picture.input);
    parts.input.src = input;
    if (picture.reconstruction) parts.reconstruction.src = dataUrl(picture.reconstruction);
    // The input lies under the heat map as a background, so that one style property of the table
    // changes the opacity of all heat maps.
    parts.stack.style.backgroundImage = `url(${input})`;
    parts.heat.src = dataUrl(picture.heat);
  }

  /** @param {Row} row */
  #release(row) {
    const { parts } = row;
    if (!row.drawn || !parts) return;
    row.drawn = false;
    parts.input.removeAttribute("src");
    parts.reconstruction.removeAttribute("src");
    parts.heat.removeAttribute("src");
    parts.stack.style.backgroundImage = "";
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
      this.#draw(row);
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
        const at = this.#place(row);
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

  /** @param {Row} row */
  #place(row) {
    const compare = this.sorts[this.#sort];
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.rows[middle], row) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
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
    this.table.className = "empty";
    this.dispatchEvent(new CustomEvent("change"));
  }
}
