// @ts-check
/**
 * What the training is doing: a line that is told to screen readers, a bar, the count of steps, and
 * problems, which stay until they are dismissed.
 *
 * @typedef {import("../../lib/training/records.js").Run} Run
 */
import { bytesWords, timeWords } from "../../lib/format.js";
import { byId, element } from "../dom.js";

const MOST_PROBLEMS = 3;

const PHASES = {
  reading: "Reading the images", compiling: "Preparing the GPU (first time only)", planning: "Timing a few steps",
  previewing: "Reconstructing held-out images", calibrating: "Calibrating the model", resuming: "Resuming from the last checkpoint",
  measuring: "Drawing faults on the held-out images and looking for them",
};

export class Status {
  line = byId("train-status");
  #bar = byId("train-progress");
  #count = byId("train-count");
  #problems = element("div", { id: "train-problems" });
  #heapBytes = 0;
  /** What the worker was last said to be doing beside the steps. @type {keyof typeof PHASES} */ #phase = "previewing";

  constructor() {
    this.line.before(this.#problems);
  }

  /** @param {string} words */
  tell(words) {
    if (this.line.textContent !== words) this.line.textContent = words;
  }

  /** @param {number} done @param {number} total @param {string} [words] */
  progress(done, total, words = "") {
    this.#bar.setAttribute("aria-valuemax", String(total));
    this.#bar.setAttribute("aria-valuenow", String(done));
    this.#bar.setAttribute("aria-valuetext", `${words ? `${words}: ` : ""}${done} of ${total}`);
    const [fill] = this.#bar.children;
    if (fill instanceof HTMLElement) fill.style.inlineSize = `${(100 * done) / Math.max(total, 1)}%`;
  }

  /** Something beside the steps: not told, as it comes often. @param {string} words */
  note(words) {
    this.#count.textContent = words;
  }

  /** Work beside the steps. @param {{ phase: keyof typeof PHASES, done: number, total: number }} progress @param {Run | null} run the run that is open */
  work({ phase, done, total }, run) {
    const words = PHASES[phase];
    this.#phase = phase;
    if (!run) {
      this.tell(`${words}…`);
      this.progress(done, total, words);
      return;
    }
    if (phase === "calibrating") this.progress(done, total, words);
    if (done < total) this.note(`${words}…`);
    else this.steps(run);
  }

  /** How far a latent optimisation is that the work waits for. @param {{ step: number, steps: number }} at */
  optimisation({ step, steps }) {
    this.note(`${PHASES[this.#phase]}, optimising latent codes: step ${step} of ${steps}…`);
  }

  /** @param {Run} run @param {number | null} [heapBytes] what the module's memory has grown to */
  steps(run, heapBytes) {
    if (heapBytes) this.#heapBytes = heapBytes;
    this.progress(run.step, run.totalSteps, "Step");
    this.note([
      `Step ${run.step.toLocaleString("en")} of ${run.totalSteps.toLocaleString("en")}`,
      run.stepMs > 0 ? `${run.stepMs.toFixed(0)} ms per step` : "",
      run.state === "running" && run.step < run.totalSteps && run.stepMs > 0 ? `about ${timeWords((run.totalSteps - run.step) * run.stepMs)} left` : "",
      this.#heapBytes > 0 ? `${bytesWords(this.#heapBytes)} of memory` : "",
    ].filter(Boolean).join(" · "));
  }

  /** @param {string} words */
  problem(words) {
    const shown = [...this.#problems.children].some((box) => box.firstElementChild?.textContent === words);
    if (shown) return;
    const close = element("button", { type: "button", className: "quiet" }, "Dismiss");
    const box = element("div", { className: "notice bad", role: "alert" }, element("p", {}, words), close);
    close.addEventListener("click", () => {
      box.remove();
      this.keepFocus();
    });
    this.#problems.append(box);
    while (this.#problems.children.length > MOST_PROBLEMS) this.#problems.firstElementChild?.remove();
  }

  /** To the line, where the keyboard's place would be lost otherwise. */
  keepFocus() {
    this.line.tabIndex = -1;
    this.line.focus({ preventScroll: true });
  }

  /** Copies, or where the browser does not, shows what to copy. @param {string} text @param {string} what */
  async copy(text, what) {
    try {
      await navigator.clipboard.writeText(text);
      this.tell(`${what} was copied.`);
    } catch {
      const field = element("input", { type: "text", value: text, readOnly: true, className: "copy-field", "aria-label": `${what}, to copy` });
      this.#problems.append(field);
      field.select();
      field.focus();
      field.addEventListener("blur", () => field.remove());
    }
  }
}
