// @ts-check
/**
 * What a run will take, before it starts: time, and memory by part; and what to change where it does
 * not fit.
 *
 * @typedef {import("../../lib/training/protocol.js").Planned} Planned
 */
import { byId, element } from "../dom.js";
import { bytesWords } from "../../lib/format.js";

/** Event: `would` (detail: the settings that would fit), when a person takes them. */
export class PlanView extends EventTarget {
  #root = byId("train-plan");

  clear() {
    this.#root.replaceChildren();
  }

  /** @param {Planned} plan */
  show({ memory, fits, words, would }) {
    const parts = element("dl", { className: "plan-parts" });
    for (const [name, bytes] of /** @type {[string, number][]} */ ([
      ["networks", memory.weights], ["optimisers", memory.optimisers], ["activations", memory.activations], ["images", memory.pictures],
      ["total", memory.total], ["limit", memory.limit],
    ])) {
      parts.append(element("div", {}, element("dt", {}, name), element("dd", {}, bytesWords(bytes))));
    }
    const box = element("div", { className: fits ? "plan" : "plan notice bad" }, element("p", { id: "plan-words" }, words), parts);
    if (!fits && would) {
      const change = Object.entries(would).map(([key, value]) => `${key.replaceAll("_", " ")} ${value}`).join(" and ");
      const use = element("button", { type: "button", className: "button", id: "plan-would" }, `Use ${change} instead`);
      use.addEventListener("click", () => this.dispatchEvent(new CustomEvent("would", { detail: would })));
      box.append(use);
    }
    this.#root.replaceChildren(box);
  }
}
