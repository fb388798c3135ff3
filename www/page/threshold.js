// @ts-check
/** The threshold: the model's own, or one that a person sets with the slider or as a number. */
import { short } from "../lib/format.js";
import { thresholdSource } from "../lib/model-words.js";
import { byId } from "./dom.js";

/** After the last move the program is asked where the scores lie. */
const PLACE_AFTER_MS = 120;
/** Rows that the program is asked for at a time. */
const PLACED = 500;

export class ThresholdControl {
  #page;
  #slider = byId("threshold", HTMLInputElement);
  #number = byId("threshold-number", HTMLInputElement);
  #reset = byId("threshold-reset", HTMLButtonElement);
  /** The slider's end; 0 where neither a threshold nor a score says what it should be. */
  #max = 0;
  #timer = 0;

  /**
   * @param {{
   *   state: import("./state.js").PageState, scorer: import("../lib/scorer.js").Scorer, table: import("./table.js").ResultsTable,
   * }} page
   */
  constructor(page) {
    this.#page = page;
    const { state, table } = page;
    state.addEventListener("loaded", () => {
      if (!state.loaded) return;
      this.#max = 0;
      table.setModel(state.loaded.generation, state.modelThreshold);
      this.#show();
    });
    table.addEventListener("change", () => {
      this.#grow();
      if (this.#moved && table.rowsWithoutDisplay().length > 0) void this.placeScores();
    });
    this.#slider.addEventListener("input", () => this.#move(Number(this.#slider.value)));
    this.#number.addEventListener("change", () => {
      if (this.#number.value.trim() === "") this.#move(state.modelThreshold);
      else if (Number.isFinite(this.#number.valueAsNumber)) this.#move(this.#number.valueAsNumber);
    });
    this.#reset.addEventListener("click", () => {
      this.#move(state.modelThreshold);
      this.#slider.focus();
    });
  }

  get #moved() {
    return this.#page.table.threshold !== this.#page.state.modelThreshold;
  }

  /** @param {number} max */
  #setMax(max) {
    this.#max = max;
    this.#slider.max = String(max || 1);
  }

  #show() {
    const { table: { threshold }, state: { loaded, modelThreshold } } = this.#page;
    const moved = this.#moved;
    this.#slider.disabled = this.#number.disabled = !loaded;
    this.#setMax(Math.max((modelThreshold ?? 0) * 3, this.#max, threshold ?? 0));
    this.#slider.value = String(threshold ?? 0);
    this.#slider.setAttribute("aria-valuetext", threshold === null ? "none" : short(threshold));
    this.#number.value = threshold === null ? "" : String(Number(threshold.toPrecision(6)));
    this.#reset.disabled = !moved;
    const source = loaded ? thresholdSource(loaded.info.header) : "";
    byId("threshold-source").textContent = modelThreshold === null
      ? moved ? "Set by you; this model is not calibrated." : "This model is not calibrated: set a threshold yourself, or compare the scores."
      : moved ? `Set by you. The model's own threshold is ${short(modelThreshold)}: ${source}.` : `The model's own threshold: ${source}.`;
  }

  /** Scores beyond the slider's end move the end, but not under someone's hand. */
  #grow() {
    const { table, state: { loaded, modelThreshold } } = this.#page;
    if (document.activeElement === this.#slider || !loaded) return;
    let highest = 0;
    for (const { picture, stale } of table.rows) if (picture && !stale && picture.score > highest) highest = picture.score;
    if (highest > Number(this.#slider.max) || (modelThreshold === null && table.rows.length > 0)) {
      const max = Math.max(highest * 1.05, this.#max);
      if (max > 0) this.#setMax(max);
    }
  }

  /** @param {number | null} value */
  #move(value) {
    this.#page.table.setThreshold(value);
    this.#show();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.placeScores(), PLACE_AFTER_MS);
  }

  /** Asks the program where the scores lie on the scale from 0 to 1 for the threshold in force. */
  async placeScores() {
    const { table, scorer } = this.#page;
    for (;;) {
      const { threshold } = table;
      const rows = table.rowsWithoutDisplay().slice(0, PLACED);
      if (threshold === null || rows.length === 0) return;
      let values;
      try {
        values = await scorer.display(threshold, Float64Array.from(rows, (row) => row.picture?.score ?? NaN));
      } catch {
        return;
      }
      if (table.threshold === threshold) table.setDisplays(rows, values, threshold);
    }
  }
}
