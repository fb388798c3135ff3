// @ts-check
/**
 * The second method's side of a row that is shown large, and the names over both sides.
 *
 * @typedef {import("../table-row.js").Row} Row
 * @typedef {import("./cells.js").Second} Second
 * @typedef {import("../../lib/model-files.js").Method} Method
 */
import { nameOf, wholeNameOf } from "../../lib/model-files.js";
import { byId, element, showName } from "../dom.js";
import { ResultCard } from "../result-card.js";

/** So much of an image's name is the dialog's title. */
const TITLE_LENGTH = 60;

export class SecondSide {
  #dialog;
  #titles = [element("h3", { className: "side-title" }), element("h3", { className: "side-title" })];
  #wait = element("p", { className: "side-wait" });
  #side = element("section", { className: "side" }, this.#titles[1], this.#wait);
  #card = new ResultCard(this.#side);

  /** @param {HTMLElement} dialog */
  constructor(dialog) {
    this.#dialog = dialog;
    byId("row-first").prepend(this.#titles[0]);
  }

  attach() {
    this.#dialog.classList.add("paired");
    byId("row-sides").append(this.#side);
  }

  detach() {
    this.#dialog.classList.remove("paired");
    this.#side.remove();
    showName(byId("row-dialog-title"), "Image");
  }

  /** @param {(Method | null)[]} methods */
  setNames(methods) {
    methods.forEach((method, i) => {
      this.#titles[i].textContent = method ? nameOf(method) : "";
      this.#titles[i].title = method ? wholeNameOf(method) : "";
    });
  }

  /** @param {Row} row @param {Second | undefined} second @param {Method} method */
  show(row, second, method) {
    showName(byId("row-dialog-title"), row.item.name, TITLE_LENGTH);
    const there = second?.state === "done";
    this.#wait.hidden = there;
    this.#wait.textContent = second?.state === "stopped" ? `${nameOf(method)} did not score this image.` : `${nameOf(method)} has not scored this image yet.`;
    this.#side.classList.toggle("waits", !there);
    if (there) void this.#card.show({ ...second, item: row.item });
  }
}
