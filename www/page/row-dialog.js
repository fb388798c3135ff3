// @ts-check
/**
 * One row of the table, large, with ways to the rows before and after it.
 *
 * @typedef {import("./table-row.js").Row} Row
 */
import { byId } from "./dom.js";
import { ResultCard } from "./result-card.js";

/** Event: `show` (detail: Row), when a row is shown. */
export class RowDialog extends EventTarget {
  root = byId("row-dialog", HTMLDialogElement);
  #table;
  #card = new ResultCard(byId("row-first"));
  #before = byId("row-before", HTMLButtonElement);
  #after = byId("row-after", HTMLButtonElement);
  #close = byId("row-close", HTMLButtonElement);
  /** @type {Row | null} */ #row = null;

  /** @param {import("./table.js").ResultsTable} table */
  constructor(table) {
    super();
    this.#table = table;
    table.addEventListener("open", (event) => {
      this.#show(/** @type {CustomEvent<Row>} */ (event).detail);
      this.root.showModal();
    });
    this.#before.addEventListener("click", () => this.#step(-1));
    this.#after.addEventListener("click", () => this.#step(1));
    this.#close.addEventListener("click", () => this.root.close());
    this.root.addEventListener("keydown", ({ key }) => {
      if (key === "ArrowLeft") this.#step(-1);
      if (key === "ArrowRight") this.#step(1);
    });
  }

  /** The row that is shown; null while the dialog is closed. */
  get row() {
    return this.root.open ? this.#row : null;
  }

  /** Those that the filter leaves. */
  #rows() {
    return this.#table.rows.filter(({ tr }) => tr.checkVisibility?.() ?? true);
  }

  /** @param {Row} row */
  #show(row) {
    this.#row = row;
    void this.#card.show(row);
    this.dispatchEvent(new CustomEvent("show", { detail: row }));
    const rows = this.#rows();
    const [before, after] = [this.#before, this.#after];
    const active = document.activeElement;
    before.disabled = rows[0] === row;
    after.disabled = rows.at(-1) === row;
    // A button that can no longer be pressed would take the arrow keys with it.
    if (active === before && before.disabled) (after.disabled ? this.#close : after).focus();
    if (active === after && after.disabled) (before.disabled ? this.#close : before).focus();
  }

  /** @param {number} by */
  #step(by) {
    const rows = this.#rows();
    const next = this.#row && rows[rows.indexOf(this.#row) + by];
    if (next) this.#show(next);
  }
}
