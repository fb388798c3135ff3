// @ts-check
/**
 * What the browser keeps of training: unfinished runs to resume or discard, and a way to clear all.
 *
 * @typedef {import("../../lib/training/protocol.js").StoredRun} StoredRun
 */
import { element } from "../dom.js";
import { clearAll, listRuns, removeRun, storedSizes } from "../../lib/training/store.js";
import { bytesWords, plural, reasonOf } from "../../lib/format.js";

/** Tells the next visit to load the training part at once. */
const MARK = "training";

/** @param {boolean} left whether a run is left unfinished */
export function markUnfinished(left) {
  try {
    if (left) localStorage.setItem(MARK, "unfinished");
    else localStorage.removeItem(MARK);
  } catch {
    // Then the offer waits until someone comes to the training part.
  }
}

/**
 * Events: `resume` (detail: StoredRun), `problem` (detail: words), `cleared`, `left` (detail: the ids of the unfinished
 * runs that can be resumed here).
 */
export class SavedRunsView extends EventTarget {
  #root;
  #list = element("ul", { className: "runs" });
  #sizes = element("p", { className: "small" });
  #clear = element("button", { type: "button", className: "button", id: "train-clear" }, "Clear everything stored");
  /** @type {string | null} the run that this page has open */ #current = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    super();
    this.#root = root;
    this.#clear.addEventListener("click", () => this.#do(async () => {
      await clearAll();
      this.dispatchEvent(new CustomEvent("cleared"));
    }));
    root.append(element("h3", {}, "Stored in this browser"), this.#list, this.#sizes, element("div", { className: "actions" }, this.#clear));
    root.hidden = true;
  }

  /** @param {() => Promise<unknown>} work */
  async #do(work) {
    try {
      await work();
    } catch (error) {
      this.dispatchEvent(new CustomEvent("problem", { detail: reasonOf(error) }));
    }
    await this.refresh(this.#current);
  }

  /** Reads the store again. @param {string | null} current @returns {Promise<StoredRun[]>} all stored runs */
  async refresh(current) {
    this.#current = current;
    /** @type {StoredRun[]} */
    let runs = [];
    let sizes;
    try {
      [runs, sizes] = await Promise.all([listRuns(), storedSizes()]);
    } catch {
      // A browser that keeps nothing: the worker says so when a run is to be saved.
    }
    const others = runs.filter(({ id }) => id !== this.#current);
    this.#root.hidden = runs.length === 0;
    this.#list.replaceChildren(...others.sort((a, b) => b.changed - a.changed).map((run) => this.#entry(run)));
    const total = sizes?.bytes ?? 0;
    this.#sizes.textContent = `${plural(runs.length, "run")} with checkpoints and prepared images: ${bytesWords(total)} in total.`;
    markUnfinished(runs.some(({ state }) => state !== "done"));
    this.dispatchEvent(new CustomEvent("left", { detail: others.filter(({ state }) => state !== "done").map(({ id }) => id) }));
    return runs;
  }

  /** @param {StoredRun} run */
  #entry(run) {
    const done = run.state === "done";
    const discard = element("button", { type: "button", className: "button" }, done ? "Remove" : "Discard");
    discard.addEventListener("click", () => this.#do(() => removeRun(run.id)));
    const buttons = element("div", { className: "actions" }, discard);
    if (!done) {
      const resume = element("button", { type: "button", className: "button primary" }, "Resume");
      resume.addEventListener("click", () => this.dispatchEvent(new CustomEvent("resume", { detail: run })));
      buttons.prepend(resume);
    }
    const date = new Date(run.changed).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
    for (const button of buttons.children) button.setAttribute("aria-label", `${button.textContent} ${run.name}`);
    return element("li", { "data-run": run.id },
      element("p", {}, element("strong", {}, run.name), done ? ", finished" : ", unfinished"),
      element("p", { className: "hint" }, `Step ${run.step.toLocaleString("en")} of ${run.totalSteps.toLocaleString("en")} · ${bytesWords(run.bytes)} · ${date}`),
      buttons);
  }
}
