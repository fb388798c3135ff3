// @ts-check
/**
 * One result, large: the three images, the score against the threshold, and what it means.
 *
 * @typedef {import("./table-row.js").Item} Item
 * @typedef {import("../lib/verdict.js").Verdict} Verdict
 * @typedef {import("../lib/protocol.js").Picture} Picture
 * @typedef {{
 *   item: Item, picture: Picture | null, error: string | null,
 *   verdict: Verdict, threshold: number | null, display: number | null,
 * }} Shown
 */
import { short } from "../lib/format.js";
import { RENDERED } from "../lib/sets.js";
import { dataUrl } from "../lib/png.js";
import { VERDICT_WORDS } from "../lib/verdict.js";
import { byId, find, showName } from "./dom.js";

/** What a score means, against its threshold. @param {Pick<Shown, "picture" | "verdict" | "threshold">} shown */
function sentence({ picture, verdict, threshold }) {
  if (!picture) return "";
  if (threshold === null) return "This model is not calibrated: there is a score, but no threshold to compare it with.";
  const times = picture.score / threshold;
  const size = threshold > 0 && times >= 0.01 ? `, at ${times.toFixed(2)} times its value` : "";
  return verdict === "anomalous"
    ? `The score is above the threshold${size}.`
    : `The score is at or below the threshold${size}.`;
}

/**
 * Writes score, threshold and verdict into their places; `root` gets the verdict as its data.
 * @param {{ root: HTMLElement, word: HTMLElement, icon: Element, says: HTMLElement, meter: HTMLElement, score: HTMLElement, threshold: HTMLElement }} places
 * @param {Pick<Shown, "picture" | "verdict" | "threshold" | "display">} shown
 */
export function showVerdict(places, { picture, verdict, threshold, display }) {
  places.root.dataset.verdict = verdict;
  places.word.textContent = VERDICT_WORDS[verdict];
  places.icon.setAttribute("href", `#icon-${verdict}`);
  places.says.textContent = sentence({ picture, verdict, threshold });
  places.meter.hidden = display === null;
  if (display !== null) places.meter.style.setProperty("--value", display.toFixed(4));
  places.score.textContent = picture ? short(picture.score) : "none";
  places.threshold.textContent = threshold === null ? "none" : short(threshold);
}

export class ResultCard {
  #parts;

  /** @param {HTMLElement} container */
  constructor(container) {
    // The container may hold other pictures, so that what is sought is sought in the card alone.
    const root = find(/** @type {DocumentFragment} */ (byId("look-template", HTMLTemplateElement).content.cloneNode(true)), ".look");
    container.append(root);
    const part = (/** @type {string} */ selector) => find(root, selector);
    const image = (/** @type {string} */ selector) => find(root, selector, HTMLImageElement);
    this.#parts = {
      root,
      name: part(".look-name"), facts: part(".look-facts"), reason: part(".look-reason"), says: part(".look-says"),
      input: image(".input"), reconstruction: image(".reconstruction"), heat: image(".heat"), stack: part(".stack"),
      word: part(".verdict-word"), icon: find(root, "use", SVGUseElement), meter: part(".meter"),
      score: part(".look-score"), threshold: part(".look-threshold"), residual: part(".look-residual"), latent: part(".look-latent"), marks: part(".look-marks"),
    };
  }

  /** @param {boolean} hidden */
  set hidden(hidden) {
    this.#parts.root.hidden = hidden;
  }

  /** @param {Shown} shown @returns {Promise<void>} when the pictures can be seen */
  async show(shown) {
    const { item, picture, error } = shown;
    const parts = this.#parts;
    parts.root.hidden = false;
    showName(parts.name, item.name);
    parts.facts.textContent = ["part" in item.source ? RENDERED : "", picture ? `${picture.width} × ${picture.height} pixels` : "", item.label ? `labelled ${item.label}` : ""].filter(Boolean).join(" · ");
    showVerdict(parts, shown);
    parts.reason.textContent = error ?? "";
    parts.reason.hidden = error === null;
    parts.residual.textContent = picture ? short(picture.residual) : "none";
    parts.latent.textContent = picture?.latent == null ? "none" : short(picture.latent);
    parts.marks.textContent = picture?.marks == null ? "none" : short(picture.marks);
    if (!picture) {
      for (const image of [parts.input, parts.reconstruction, parts.heat]) image.removeAttribute("src");
      parts.stack.style.backgroundImage = "";
      return;
    }
    const input = dataUrl(picture.input);
    parts.input.src = input;
    parts.input.alt = `Input: ${item.name}`;
    if (picture.reconstruction) parts.reconstruction.src = dataUrl(picture.reconstruction);
    else parts.reconstruction.removeAttribute("src");
    parts.reconstruction.alt = picture.reconstruction ? `Reconstruction of ${item.name}` : "This method makes no reconstruction";
    parts.stack.style.backgroundImage = `url(${input})`;
    parts.heat.src = dataUrl(picture.heat);
    parts.heat.alt = `Heat map over ${item.name}`;
    await Promise.allSettled([parts.input.decode(), parts.heat.decode()]);
  }
}
