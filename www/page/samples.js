// @ts-check
/**
 * The samples of the set that is shown: a small picture each, scored when it is chosen. Those of a product line are
 * rendered, one after another; the real ones are fetched when they are first shown.
 *
 * @typedef {import("./table-row.js").Item} Item
 * @typedef {import("../lib/sets.js").Line} Line
 * @typedef {import("../lib/sets.js").Part} Part
 * @typedef {import("../lib/scorer.js").Answer} Answer
 * @typedef {{ title: string, note?: string, example: string, pictures: { file: string, label: string }[] }} Index
 */
import { dataUrl } from "../lib/png.js";
import { SOLAR, itemOf, samplesOf, setOf, thumbOf } from "../lib/sets.js";
import { byId, element } from "./dom.js";
import { modelUrl } from "./methods.js";

const FOLDER = new URL("./samples/gallery/", document.baseURI);

export class Samples {
  #page;
  #words = byId("gallery-words");
  #scoreAll = byId("score-all", HTMLButtonElement);
  #thumbs = byId("thumbs");
  /** @type {Item[]} */ #shown = [];
  /** Ended when something else is shown. */ #turn = new AbortController();
  /** @type {Index | null} */ #index = null;

  /**
   * @param {{
   *   scorer: import("../lib/scorer.js").Scorer, methods: import("./methods.js").Methods,
   *   added: import("./added-images.js").AddedImages, chosen: (item: Item, answer: Answer) => void,
   * }} page `chosen`: a sample was chosen, and scored
   */
  constructor(page) {
    this.#page = page;
    page.methods.addEventListener("list", () => this.#tellOfReal());
    this.#scoreAll.addEventListener("click", () => {
      for (const item of this.#shown) void page.added.score(item);
      page.added.showResults();
    });
  }

  /** @param {Line} line @param {import("../lib/protocol.js").ProductLine} product */
  async showLine(line, product) {
    const { signal } = this.#begin();
    const parts = samplesOf(product);
    this.#words.textContent = `${line.title}: rendered images of ${parts.filter(({ kind }) => kind === null).length} sound parts and of each kind of fault. Select one to score it.`;
    const images = this.#fill(parts.map((part) => itemOf(line, part)));
    for (const [i, part] of parts.entries()) {
      if (signal.aborted) return;
      try {
        const { file } = await this.#page.scorer.render(thumbOf(line, part));
        if (!signal.aborted) images[i].src = dataUrl(file);
      } catch {
        // The others may do; a scorer that has ended says so elsewhere.
      }
    }
  }

  /** @returns {Promise<Item | null>} the example among them; null where they could not be fetched */
  async showReal() {
    const { signal } = this.#begin();
    try {
      if (!this.#index) {
        const response = await fetch(new URL("index.json", FOLDER));
        if (!response.ok) throw new Error(String(response.status));
        this.#index = await response.json();
      }
    } catch {
      if (!signal.aborted) this.#words.textContent = "The samples could not be loaded. You can still score your own images.";
      return null;
    }
    if (signal.aborted) return null;
    const { pictures, example } = /** @type {Index} */ (this.#index);
    const items = pictures.map(({ file, label }) => ({ name: file, path: file, label, source: { url: new URL(file, FOLDER).href } }));
    this.#fill(items).forEach((image, i) => (image.src = items[i].source.url));
    this.#real = true;
    this.#tellOfReal();
    return items.find(({ name }) => name === example) ?? items[0] ?? null;
  }
  #real = false;

  /** What the index notes of the samples is true with their own model only. */
  #tellOfReal() {
    if (!this.#real || !this.#index) return;
    const { title, note } = this.#index;
    const { inUse } = this.#page.methods;
    const own = inUse?.url === modelUrl(/** @type {import("../lib/sets.js").PictureSet} */ (setOf(SOLAR)));
    this.#words.textContent = `${title}. Select one to score it. The label under each image comes from the data set. ${own ? (note ?? "") : ""}`.trim();
  }

  #begin() {
    this.#turn.abort();
    this.#turn = new AbortController();
    this.#real = false;
    this.#fill([]);
    this.#words.textContent = "Loading the samples…";
    return this.#turn;
  }

  /** @param {Item[]} items @returns {HTMLImageElement[]} their pictures, without a source yet */
  #fill(items) {
    this.#shown = items;
    this.#scoreAll.disabled = items.length === 0;
    const images = items.map(() => element("img", { alt: "", width: 64, height: 64 }));
    this.#thumbs.replaceChildren(...items.map((item, i) => {
      const button = element("button", { type: "button", "data-sample": item.name, "aria-label": `Score ${item.name}, labelled ${item.label}` },
        images[i], element("span", {}, item.label ?? ""));
      button.addEventListener("click", async () => {
        const answer = await this.#page.added.score(item);
        if (answer) this.#page.chosen(item, answer);
      });
      return element("li", {}, button);
    }));
    return images;
  }
}
