// @ts-check
/**
 * Which set is looked at: a product line, or the real pictures. With it come its model, its samples, and what is shown
 * large. The address names it, so that it can be opened again.
 *
 * @typedef {import("../lib/sets.js").PictureSet} PictureSet
 */
import { SETS, lineOf, trainingParts, trainingSource } from "../lib/sets.js";
import { byId, element } from "./dom.js";

/** Event: `change`, when another set is looked at. */
export class SetChoice extends EventTarget {
  /** @type {PictureSet} */ current;
  #page;
  /** What was chosen last. @type {PictureSet} */ #aim;
  #buttons;
  #turn = 0;

  /**
   * @param {{
   *   set: PictureSet, state: import("./state.js").PageState, scorer: import("../lib/scorer.js").Scorer,
   *   methods: import("./methods.js").Methods, samples: import("./samples.js").Samples,
   *   firstLook: import("./first-look.js").FirstLook, productLook: import("./product-look.js").ProductLook,
   *   announce: import("./announce.js").Announce,
   * }} page `set`: what the page opens with
   */
  constructor(page) {
    super();
    this.#page = page;
    this.current = this.#aim = page.set;
    this.#buttons = SETS.map((set) => {
      const button = element("button", { type: "button", "data-set": set.id, disabled: true }, set.title);
      button.addEventListener("click", () => void this.#choose(set));
      return { set, button };
    });
    byId("sets").replaceChildren(...this.#buttons.map(({ button }) => button));
    for (const event of ["ready", "failed"]) page.state.addEventListener(event, () => this.#press(this.current));
    this.#press(page.set);
    void this.#show();
    // What samples a line has, only the program knows.
    page.state.addEventListener("ready", () => {
      if (lineOf(this.current.id)) this.#showLine();
      this.dispatchEvent(new Event("change"));
    });
  }

  /** Parts of the line that is looked at, to train on; null where it is no line, or the program is not there yet. */
  trainingParts() {
    const line = lineOf(this.current.id);
    const product = this.#product();
    return line && product && { files: trainingParts(line, product), folder: trainingSource(line), left: 0 };
  }

  #product() {
    return this.#page.state.loaded?.lines.find(({ product }) => product === this.current.id) ?? null;
  }

  /** @param {PictureSet} pressed */
  #press(pressed) {
    for (const { set, button } of this.#buttons) {
      button.disabled = this.#page.state.phase === "loading";
      button.setAttribute("aria-pressed", String(set === pressed));
    }
  }

  /** @param {PictureSet} set */
  async #choose(set) {
    const { methods, firstLook, productLook, announce } = this.#page;
    if (set === this.#aim) return;
    this.#aim = set;
    const turn = ++this.#turn;
    this.#press(set);
    firstLook.leave();
    productLook.leave();
    const taken = await methods.useSet(set, this.current);
    if (turn !== this.#turn) return;
    if (taken) {
      this.current = set;
      const url = new URL(location.href);
      url.searchParams.set("set", set.id);
      // A model that the address asks for is no longer the one in use.
      if (methods.inUse?.set === set.id) url.searchParams.delete("model");
      history.replaceState(history.state, "", url);
      announce(`Now showing: ${set.title}.`, "set");
      this.dispatchEvent(new Event("change"));
      void this.#show();
    } else {
      this.#aim = this.current;
      this.#enter();
    }
    this.#press(this.current);
  }

  /** Shows the set's picture large. */
  #enter() {
    const { firstLook, productLook } = this.#page;
    const line = lineOf(this.current.id);
    (line ? firstLook : productLook).hide();
    if (line) productLook.enter(line);
    else firstLook.enter();
  }

  /** The same, and its samples. */
  async #show() {
    const { samples, scorer, firstLook } = this.#page;
    document.documentElement.dataset.set = this.current.id;
    this.#enter();
    if (lineOf(this.current.id)) {
      this.#showLine();
      return;
    }
    const turn = this.#turn;
    const example = await samples.showReal();
    if (!example || firstLook.shows) return;
    const answer = await scorer.score(example.source);
    if (turn === this.#turn && !firstLook.shows) await firstLook.show(example, answer, true);
  }

  #showLine() {
    const line = lineOf(this.current.id);
    const product = this.#product();
    if (line && product) void this.#page.samples.showLine(line, product);
  }
}
