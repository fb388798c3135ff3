// @ts-check
/** The numbers of a chart, as a table. */
import { element } from "../dom.js";

const TABLE_EVERY_MS = 1000;

/** @typedef {{ head: string[], rows: (string | number)[][], note?: string }} Content */

/** A fold with a table that is filled while it is open. */
export class DataTable {
  root = element("details", { className: "data-table" });
  #body = element("tbody");
  #head = element("tr");
  #note = element("p", { className: "hint" });
  /** @type {(() => Content) | null} */ #make = null;
  #filled = 0;
  #timer = 0;

  /** @param {string} what */
  constructor(what) {
    const table = element("table", {}, element("caption", { className: "visually-hidden" }, what), element("thead", {}, this.#head), this.#body);
    this.root.append(
      element("summary", {}, `${what} as a table`),
      element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": `${what} as a table` }, table),
      this.#note,
    );
    this.root.addEventListener("toggle", () => this.root.open && this.#fill());
  }

  /** @param {() => Content} make called when the table is seen */
  set(make) {
    this.#make = make;
    if (!this.root.open || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#fill();
    }, Math.max(0, this.#filled + TABLE_EVERY_MS - performance.now()));
  }

  #fill() {
    if (!this.#make || !this.root.open) return;
    this.#filled = performance.now();
    const { head, rows, note = "" } = this.#make();
    this.#head.replaceChildren(...head.map((words) => element("th", { scope: "col" }, words)));
    this.#body.replaceChildren(...rows.map(([first, ...rest]) =>
      element("tr", {}, element("th", { scope: "row" }, String(first)), ...rest.map((value) => element("td", {}, String(value))))));
    this.#note.textContent = note;
  }
}
