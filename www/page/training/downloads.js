// @ts-check
/**
 * What can be downloaded of a run: the model, the checkpoint, and the commands that repeat or resume
 * it in the program.
 *
 * @typedef {import("../../lib/training/records.js").Run} Run
 * @typedef {import("../../lib/training/url-settings.js").Schema} Schema
 */
import { element } from "../dom.js";
import { resumeCommand, trainCommand } from "../../lib/training/url-settings.js";
import { fileName } from "../../lib/format.js";

/** @param {Run} run */
export const checkpointName = (run) => `${fileName(run.name)}-checkpoint.safetensors`;

/** Events: `model`, `checkpoint`, and `copy` (detail: the line). */
export class DownloadsView extends EventTarget {
  #root;
  #schema;
  #model = element("button", { type: "button", className: "button", id: "download-model", disabled: true }, "Download model");
  #checkpoint = element("button", { type: "button", className: "button", id: "download-checkpoint", disabled: true }, "Download checkpoint");
  #words = element("p", { className: "hint" });
  #commands = element("div", { className: "commands" });
  #shown = "";

  /** @param {HTMLElement} root @param {Schema} schema */
  constructor(root, schema) {
    super();
    this.#root = root;
    this.#schema = schema;
    this.#model.addEventListener("click", () => this.dispatchEvent(new CustomEvent("model")));
    this.#checkpoint.addEventListener("click", () => this.dispatchEvent(new CustomEvent("checkpoint")));
    root.append(
      element("h3", {}, "Download"),
      element("div", { className: "actions" }, this.#model, this.#checkpoint),
      this.#words,
      this.#commands,
    );
    root.hidden = true;
  }

  /**
   * @param {Run | null} run
   * @param {{ finished: boolean, open: boolean, folder: string }} now `open`: a checkpoint can be asked for
   */
  show(run, { finished, open, folder }) {
    this.#root.hidden = run === null;
    if (run === null) return;
    this.#model.disabled = !finished;
    this.#checkpoint.disabled = !finished && !open;
    this.#words.textContent = finished
      ? "The model file scores images here and in the program. Use the checkpoint to resume training, here or in the program."
      : "The model can be downloaded once the run ends or is stopped, a checkpoint at any step.";
    /** @type {[string, string, string][]} */
    const lines = [["resume-command", "Resume in the program from the downloaded checkpoint", resumeCommand(checkpointName(run), folder)]];
    // A run from a checkpoint file has no settings before it is stored.
    if (run.settings.size !== undefined) lines.unshift(["train-command", "The same run in the program", trainCommand(run.settings, this.#schema, folder)]);
    const key = JSON.stringify(lines);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#commands.replaceChildren(...lines.map(([id, words, line]) => {
      const copy = element("button", { type: "button", className: "quiet", "aria-label": `Copy: ${words}` }, "Copy");
      copy.addEventListener("click", () => this.dispatchEvent(new CustomEvent("copy", { detail: line })));
      return element("div", {}, element("p", { className: "command-head" }, words, copy), element("pre", { tabIndex: 0 }, element("code", { id }, line)));
    }));
  }

  /** While a checkpoint is on its way. */
  wait() {
    this.#checkpoint.disabled = true;
  }
}
