// @ts-check
/**
 * A part of a product line, large: its picture, what the model makes of it, and a slider that makes its fault grow. One
 * request is on its way at a time; what was wanted last comes next.
 *
 * @typedef {import("../lib/sets.js").Line} Line
 * @typedef {import("../lib/sets.js").Part} Part
 * @typedef {import("../lib/scorer.js").Answer} Answer
 * @typedef {import("../lib/protocol.js").Picture} Picture
 * @typedef {{ line: Line, part: Part, since: number }} Wanted
 */
import { short } from "../lib/format.js";
import { nameOf } from "../lib/model-files.js";
import { dataUrl } from "../lib/png.js";
import { FAULT_SIZES, FIRST_PART, RENDERED, itemOf, kindWords } from "../lib/sets.js";
import { VERDICT_WORDS, verdictOf } from "../lib/verdict.js";
import { byId, find } from "./dom.js";
import { showVerdict } from "./result-card.js";

/** An image that can be shown at once. @param {Uint8Array} png */
async function decoded(png) {
  const image = new Image();
  image.src = dataUrl(png);
  await image.decode().catch(() => {}); // then it is shown a little later
  return image.src;
}

/** Event: `first`, when the first score of the page can be seen. */
export class ProductLook extends EventTarget {
  #page;
  #root = byId("product");
  #wear = byId("wear", HTMLInputElement);
  #kind = byId("part-fault", HTMLSelectElement);
  #size = byId("part-size", HTMLSelectElement);
  #another = byId("part-another", HTMLButtonElement);
  #outline = byId("part-outline", HTMLInputElement);
  #controls = byId("part-controls", HTMLFieldSetElement);
  #parts;
  /** @type {Line | null} what is shown; null while something else is */ #line = null;
  /** @type {Part | null} */ #part = null;
  /** Each line's part, for when it is shown again. @type {Map<Line, Part>} */ #kept = new Map();
  /** @type {Wanted | null} */ #wanted = null;
  /** @type {Wanted | null} */ #drawn = null;
  /** @type {{ name: string, wear: number, generation: number, picture: Picture } | null} */ #shown = null;
  #asking = false;
  #said = "";
  /** Whether the next verdict is told, though it may be the same. */ #tellNext = false;

  /**
   * @param {{
   *   scorer: import("../lib/scorer.js").Scorer, state: import("./state.js").PageState, table: import("./table.js").ResultsTable,
   *   methods: import("./methods.js").Methods, announce: import("./announce.js").Announce,
   * }} page
   */
  constructor(page) {
    super();
    this.#page = page;
    const part = (/** @type {string} */ selector) => find(this.#root, selector);
    const image = (/** @type {string} */ selector) => find(this.#root, selector, HTMLImageElement);
    this.#parts = {
      root: this.#root,
      words: byId("part-words"), facts: byId("part-facts"), says: byId("part-says"), value: byId("wear-value"),
      input: image(".input"), reconstruction: image(".reconstruction"), heat: image(".heat"), stack: part(".stack"),
      outlines: [...this.#root.querySelectorAll("svg.outline")],
      word: part(".verdict-word"), icon: find(this.#root, "use", SVGUseElement), meter: part(".meter"),
      score: part(".part-score"), threshold: part(".part-threshold"),
    };
    this.#size.replaceChildren(...Object.keys(FAULT_SIZES).map((size) => new Option(size)));
    this.#wear.addEventListener("input", () => this.#change({ wear: this.#wear.valueAsNumber / 100 }));
    this.#kind.addEventListener("change", () => this.#change({ kind: this.#kind.value }));
    this.#size.addEventListener("change", () => this.#change({ size: /** @type {keyof typeof FAULT_SIZES} */ (this.#size.value) }));
    this.#another.addEventListener("click", () => this.#change({ number: (this.#part?.number ?? 0) + 1, purpose: "faulty" }));
    this.#outline.addEventListener("change", () => this.#root.toggleAttribute("data-outlined", this.#outline.checked));
    page.state.addEventListener("loaded", () => this.#line && this.#show());
    page.state.addEventListener("failed", () => (this.#parts.says.textContent = "No model is in use."));
    page.table.addEventListener("change", () => this.#judge());
    page.methods.addEventListener("list", () => this.#tell());
  }

  /** @param {Line} line */
  enter(line) {
    this.#line = line;
    this.#part = this.#kept.get(line) ?? FIRST_PART;
    this.#shown = null;
    this.#said = "";
    byId("look-title").textContent = "Watch it find a fault";
    byId("look-tag").textContent = RENDERED;
    byId("look-tag").hidden = false;
    this.#root.hidden = false;
    this.#root.dataset.waiting = "";
    if (this.#page.state.loaded) this.#show();
  }

  /** Something else is to be shown. */
  leave() {
    if (this.#line && this.#part) this.#kept.set(this.#line, this.#part);
    this.#line = this.#part = this.#wanted = this.#shown = null;
    this.#controls.disabled = true;
    this.#root.dataset.waiting = "";
  }

  hide() {
    this.#root.hidden = true;
  }

  /** A part that was scored elsewhere. @param {import("./table-row.js").Item} item @param {Part} part @param {Answer} answer */
  take({ source }, part, answer) {
    const line = this.#line;
    if (!line || !("part" in source) || source.part.product !== line.id) return;
    this.#part = { ...part, kind: part.kind ?? this.#part?.kind ?? null };
    this.#set();
    this.#wanted = { line, part: this.#part, since: performance.now() };
    void this.#draw(this.#wanted, answer);
  }

  /** @param {Partial<Part>} change */
  #change(change) {
    if (!this.#part) return;
    this.#part = { ...this.#part, ...change };
    if (!("wear" in change)) this.#tellNext = true;
    this.#set();
    this.#ask();
  }

  /** With a model that is loaded now. */
  #show() {
    const { state: { loaded } } = this.#page;
    const product = loaded?.lines.find(({ product }) => product === this.#line?.id);
    if (!product || !this.#part) return;
    if (!product.faults.includes(this.#part.kind ?? "")) this.#part = { ...this.#part, kind: product.faults[0] };
    this.#kind.replaceChildren(...product.faults.map((kind) => new Option(kindWords(kind), kind)));
    this.#controls.disabled = false;
    this.#root.dataset.waiting = "";
    this.#set();
    this.#tell();
    this.#ask();
  }

  #set() {
    if (!this.#part) return;
    const { wear, kind, size } = this.#part;
    const percent = Math.round(wear * 100);
    if (this.#wear.valueAsNumber !== percent) this.#wear.value = String(percent);
    this.#kind.value = kind ?? "";
    this.#size.value = size;
    this.#parts.value.textContent = `${percent} %`;
    // The score follows, once it is here.
    this.#wear.setAttribute("aria-valuetext", `${percent} %`);
  }

  /** Whether the model in use is another than the line's own. */
  #tell() {
    const { methods, state: { loaded } } = this.#page;
    const line = this.#line;
    if (!line || !loaded || !methods.inUse) return;
    this.#parts.words.hidden = methods.inUse.set === line.id;
    this.#parts.words.textContent = `The model in use is ${nameOf(methods.inUse)}, which was not trained on these ${line.normals}.`;
  }

  #ask() {
    const [line, part] = [this.#line, this.#part];
    if (!line || !part) return;
    this.#wanted = { line, part, since: performance.now() };
    void this.#follow();
  }

  async #follow() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      while (this.#wanted && this.#wanted !== this.#drawn) {
        const wanted = this.#wanted;
        const answer = await this.#page.scorer.score(itemOf(wanted.line, wanted.part).source, undefined, true).catch(() => null);
        if (!answer) break; // the page has ended its scorer
        await this.#draw(wanted, answer);
      }
    } finally {
      this.#asking = false;
    }
  }

  /** @param {Wanted} wanted @param {Answer} answer */
  async #draw(wanted, { result, generation }) {
    const { line, part, since } = wanted;
    // One that was chosen meanwhile is newer.
    if (line !== this.#line || (this.#drawn && this.#drawn.since > since)) return;
    this.#drawn = wanted;
    const parts = this.#parts;
    // An earlier model's: the one in use now has been asked.
    if (!("error" in result) && generation !== this.#page.state.loaded?.generation) return;
    if ("error" in result) {
      this.#shown = null;
      showVerdict(parts, { picture: null, verdict: "error", threshold: this.#page.table.threshold, display: null });
      parts.says.textContent = result.error;
      return;
    }
    const { rendered } = result;
    if (!rendered) return;
    const [input, reconstruction, heat] = await Promise.all([rendered.file, result.reconstruction, result.heat].map((png) => png && decoded(png)));
    if (line !== this.#line || this.#drawn !== wanted) return;
    parts.input.src = input;
    if (reconstruction) parts.reconstruction.src = reconstruction;
    else parts.reconstruction.removeAttribute("src");
    parts.heat.src = heat;
    parts.stack.style.backgroundImage = `url(${input})`;
    for (const outline of parts.outlines) {
      outline.setAttribute("viewBox", `0 0 ${rendered.size} ${rendered.size}`);
      for (const path of outline.children) path.setAttribute("d", rendered.outline);
    }
    const { name } = itemOf(line, part.wear > 0 ? part : { ...part, kind: null });
    parts.input.alt = `Input: ${name}, ${RENDERED.toLowerCase()}`;
    parts.reconstruction.alt = result.reconstruction ? `Reconstruction of ${name}` : "This method makes no reconstruction";
    parts.heat.alt = `Heat map over ${name}`;
    parts.facts.textContent = `${name}. ${RENDERED}, ${rendered.size} × ${rendered.size} pixels; the model sees it at ${result.size} × ${result.size}.`;
    this.#shown = { name, wear: part.wear, generation, picture: result };
    this.#judge();
    delete this.#root.dataset.waiting;
    Object.assign(this.#root.dataset, { wear: String(Math.round(part.wear * 100)), part: name, frameMs: (performance.now() - since).toFixed(1) });
    const { state } = this.#page;
    if (state.firstScoreMs === null) requestAnimationFrame(() => state.setScored() && this.dispatchEvent(new Event("first")));
  }

  /** The verdict with the threshold in force. */
  #judge() {
    if (!this.#shown) return;
    const { name, wear, generation, picture } = this.#shown;
    const { table: { threshold }, state: { loaded }, announce } = this.#page;
    // The threshold of another model says nothing of this score.
    if (generation !== loaded?.generation) return;
    const verdict = verdictOf(picture.score, threshold);
    const display = picture.threshold === threshold ? picture.display : null;
    this.#root.dataset.score = String(picture.score);
    showVerdict(this.#parts, { picture, verdict, threshold, display });
    const words = `score ${short(picture.score)}, ${VERDICT_WORDS[verdict].toLowerCase()}`;
    const percent = `${Math.round(wear * 100)} %`;
    if (wear === this.#part?.wear) this.#wear.setAttribute("aria-valuetext", `${percent}, ${words}`);
    // At each step would be too often: the slider says its value itself.
    if (this.#tellNext) announce(`${name}: ${words}.`, "wear");
    else if (this.#said && this.#said !== verdict) announce(`Wear ${percent}, ${words}.`, "wear");
    this.#said = verdict;
    this.#tellNext = false;
  }
}
