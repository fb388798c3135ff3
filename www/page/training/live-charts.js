// @ts-check
/**
 * What a run looks like while it learns: losses, what the discriminator says, the held-out pictures'
 * residual and scores, and how some of them are reconstructed.
 *
 * @typedef {import("../../lib/training/protocol.js").Preview} Preview
 * @typedef {import("../../lib/training/records.js").Run} Run
 */
import { short } from "../../lib/format.js";
import { lossesOf } from "../../lib/training/records.js";
import { element, showName } from "../dom.js";
import { Curves } from "./curves.js";
import { ScoreHistogram } from "./score-histogram.js";

export class LiveCharts {
  #root;
  #renderQueue;
  #methods;
  #losses;
  /** The names of the losses that are drawn. @type {string[]} */ #drawn = [];
  #verdicts;
  #residual;
  #histogram;
  #pictures = element("ul", { className: "previews" });
  #pictureWords = element("p", { className: "hint" });
  /** @type {string[]} */ #urls = [];
  /** @type {Preview | null} */ #preview = null;
  /** @type {number | null} */ #threshold = null;
  /** Whether the run's method marks what it takes for damaged. */ #marks = false;

  /**
   * @param {HTMLElement} root @param {import("./render-queue.js").RenderQueue} renderQueue
   * @param {import("../../lib/training/url-settings.js").Method[]} methods
   */
  constructor(root, renderQueue, methods) {
    this.#root = root;
    this.#renderQueue = renderQueue;
    this.#methods = methods;
    this.#losses = new Curves("Losses", renderQueue, { lines: [], log: true, logSwitch: true });
    this.#verdicts = new Curves("D's estimate that an image is real", renderQueue, {
      lines: [{ key: "real", label: "D(x), images", colour: 0 }, { key: "fake", label: "D(x̂), reconstructions", colour: 1 }], range: [0, 1],
    });
    this.#residual = new Curves("Residual of held-out images", renderQueue, { lines: [{ key: "residual", label: "mean R", colour: 2 }] });
    this.#histogram = new ScoreHistogram(renderQueue);
    root.append(
      element("h3", {}, "Training progress"),
      element("div", { className: "charts" }, this.#losses.root, this.#verdicts.root, this.#residual.root, this.#histogram.root),
      element("h4", {}, "Reconstructions of held-out images"),
      this.#pictureWords,
      this.#pictures,
    );
    root.hidden = true;
  }

  /** Another run, or none. @param {Run | null} run */
  show(run) {
    this.#root.hidden = run === null;
    this.#preview = null;
    this.#threshold = null;
    this.#pictures.replaceChildren();
    this.#pictureWords.textContent = "Shown before the first step and about ten times during a run.";
    this.#histogram.root.hidden = true;
    if (run) this.update(run);
  }

  /** New losses or a new residual. @param {Run} run */
  update(run) {
    this.#marks = this.#methods.find(({ name }) => name === run.settings.method)?.marks === true;
    const { losses, points } = run;
    const own = lossesOf(run, this.#methods);
    const names = own.map(({ name }) => name);
    if (names.join() !== this.#drawn.join()) {
      this.#drawn = names;
      this.#losses.setLines(own.map(({ name, title, meaning }, colour) => ({ key: name, label: title, meaning, colour })));
    }
    const of = (/** @type {string[]} */ keys) => () => ({
      count: losses.length, x: (/** @type {number} */ i) => losses[i].step, y: (/** @type {number} */ line, /** @type {number} */ i) => losses[i][keys[line]] ?? null,
    });
    this.#losses.set(of(names));
    this.#verdicts.set(of(["real", "fake"]));
    this.#residual.set(() => ({ count: points.length, x: (i) => points[i].step, y: (_line, i) => points[i].residual }));
  }

  /** @param {Preview} preview */
  preview(preview) {
    this.#preview = preview;
    this.#scores();
    this.#renderQueue.ask(this.#pictures, () => this.#drawPictures(preview));
  }

  /** The finished model's threshold. @param {number | null} threshold @param {number[]} heldOut @param {import("../../lib/training/protocol.js").LabelledScores | null} labelled */
  finish(threshold, heldOut, labelled) {
    this.#threshold = threshold;
    if (this.#preview) this.#preview = { ...this.#preview, held_out: heldOut, labelled };
    this.#scores();
  }

  #scores() {
    const preview = this.#preview;
    if (!preview || preview.held_out.length === 0) return;
    this.#histogram.root.hidden = false;
    const { held_out, labelled } = preview;
    this.#histogram.set(
      { held_out, normal: labelled?.normal ?? [], abnormal: labelled?.abnormal ?? [], threshold: this.#threshold },
      labelled?.auroc ?? null,
    );
  }

  /** @param {Preview} preview */
  #drawPictures(preview) {
    if (this.#preview?.pictures !== preview.pictures) return; // of a run that was left
    const old = this.#urls;
    this.#urls = [];
    /** @param {Uint8Array<ArrayBuffer>} png @param {string} alt @param {string} className */
    const picture = (png, alt, className) => {
      const url = URL.createObjectURL(new Blob([png], { type: "image/png" }));
      this.#urls.push(url);
      return element("img", { src: url, alt, className, width: 96, height: 96 });
    };
    this.#pictures.replaceChildren(...preview.pictures.map(({ name, score, residual, input, reconstruction, heat }) => {
      const below = picture(input, "", "input");
      const named = element("span", { className: "preview-name" });
      showName(named, name);
      const over = picture(heat, `Heat map over ${name}`, "heat");
      return element("li", {},
        element("div", { className: "trio" },
          picture(input, `Input: ${name}`, "input"),
          reconstruction ? picture(reconstruction, `Reconstruction of ${name}`, "reconstruction") : element("span", { className: "small" }, "no reconstruction"),
          element("span", { className: "over" }, below, over)),
        element("p", { className: "hint" }, named, ` R ${short(residual)}, score ${short(score)}`));
    }));
    this.#pictureWords.textContent = `After step ${preview.step.toLocaleString("en")}: input, reconstruction and ${this.#marks ? "what the model marks as damaged, over the input" : "heat map over the input"}. The same images are shown each time; none of them is used for training.`;
    for (const url of old) URL.revokeObjectURL(url);
  }
}
