// @ts-check
/**
 * On how many images the two methods agree, over the table.
 *
 * @typedef {import("../table-row.js").Row} Row
 * @typedef {import("./cells.js").Second} Second
 * @typedef {import("../../lib/model-files.js").Method} Method
 */
import { nameOf } from "../../lib/model-files.js";
import { element } from "../dom.js";
import { agrees } from "./cells.js";

/** Event: `rest`, when the images that were not scored are to be. */
export class Agreement extends EventTarget {
  #words = element("p", {});
  #rest = element("button", { type: "button", className: "button" }, "Score the remaining images");
  root = element("div", { id: "agree", className: "notice", hidden: true }, this.#words, this.#rest);
  #announce;

  /** @param {import("../announce.js").Announce} announce */
  constructor(announce) {
    super();
    this.#announce = announce;
    this.#rest.addEventListener("click", () => this.dispatchEvent(new Event("rest")));
  }

  /** @param {Row[]} rows @param {WeakMap<Row, Second>} seconds @param {{ first: Method | null, method: Method | null }} methods */
  show(rows, seconds, { first, method }) {
    this.root.hidden = !method || rows.length === 0;
    if (!method) return;
    const counts = { yes: 0, both: 0, stopped: 0 };
    for (const row of rows) {
      const second = seconds.get(row);
      const same = agrees(row, second);
      if (same !== null) counts.both++;
      if (same) counts.yes++;
      if (second?.state === "stopped") counts.stopped++;
    }
    const names = `${first ? nameOf(first) : "The first method"} and ${nameOf(method)}`;
    const rest = counts.stopped > 0 ? ` ${counts.stopped} ${counts.stopped === 1 ? "was" : "were"} not scored by ${nameOf(method)}.` : "";
    const words = counts.both === 0
      ? `No image has a verdict from both ${names} yet.${rest}`
      : `${names} agree on ${counts.yes} of ${counts.both} ${counts.both === 1 ? "image" : "images"}, each with its own threshold.${rest}`;
    this.#rest.hidden = counts.stopped === 0;
    if (this.#words.textContent === words) return;
    this.#words.textContent = words;
    if (rows.length > 0) this.#announce(words, "agree");
  }
}
