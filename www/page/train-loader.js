// @ts-check
/**
 * Loads the training section when someone comes near it or uses it, or the address or an earlier visit asks for it.
 *
 * @typedef {{ take: (files: Promise<import("../lib/walk.js").Found[]>) => unknown }} Panel
 */
import { asksForTraining } from "../lib/address.js";
import { asSentence } from "../lib/format.js";
import { byId } from "./dom.js";

const EVENTS = ["click", "change"];

export class TrainingLoader {
  #section = byId("train");
  #load;
  #notice;
  /** Buttons pressed before the section is there, to be pressed again once it is. @type {Set<HTMLButtonElement>} */ #pressed = new Set();
  /** @type {Promise<Panel | null> | null} */ #panel = null;

  /** @param {{ load: () => Promise<Panel>, notice: import("./notices.js").Notice, parameters: URLSearchParams }} page */
  constructor({ load, notice, parameters }) {
    this.#load = load;
    this.#notice = notice;
    for (const type of EVENTS) this.#section.addEventListener(type, this.#early);
    if (asksForTraining(parameters) || leftUnfinished()) {
      void this.panel();
      return;
    }
    const near = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      near.disconnect();
      void this.panel();
    }, { rootMargin: "300px" });
    near.observe(this.#section);
  }

  /** The section, loaded where it is not there yet; null where that fails. */
  panel() {
    return (this.#panel ??= this.#start());
  }

  /** Something was used before the section is there. @param {Event} event */
  #early = (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (event.type === "click" && !button) return;
    if (button) this.#pressed.add(button);
    void this.panel();
  };

  async #start() {
    try {
      const panel = await this.#load();
      for (const type of EVENTS) this.#section.removeEventListener(type, this.#early);
      for (const button of this.#pressed) button.click();
      // The parts that came may have pushed what has the focus out of sight.
      const focused = document.activeElement;
      if (focused && this.#section.contains(focused)) focused.scrollIntoView({ block: "nearest" });
      return panel;
    } catch (error) {
      this.#panel = null; // the next use tries again
      this.#notice(`The training section could not be loaded: ${asSentence(error)} Check the connection.`, { bad: true, about: "training" });
      return null;
    } finally {
      this.#pressed.clear();
    }
  }
}

function leftUnfinished() {
  try {
    return localStorage.getItem("training") !== null;
  } catch {
    return false;
  }
}
