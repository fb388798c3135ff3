// @ts-check
/**
 * The models that the page offers: its own, those of other methods, which are fetched when they are
 * chosen, and a file of the visitor's. The list is models/index.json.
 *
 * @typedef {import("../lib/model-files.js").Method} Method
 */
import { reasonOf } from "../lib/format.js";
import { fetchModel, fetchingWords, nameOf, sizeWords } from "../lib/model-files.js";

const LIST = new URL("./models/index.json", document.baseURI);
export const BUNDLED = new URL("./models/solar-ir.safetensors", document.baseURI).href;

/** Event: `list`, when what is offered or in use has changed. */
export class Methods extends EventTarget {
  /** @type {Method} */
  #bundled = { id: "skip-ganomaly", title: "Skip-GANomaly (2019)", words: "The bundled model.", url: BUNDLED, bytes: 0, blob: null };
  /** What can be chosen. @type {Method[]} */
  offered = [this.#bundled];
  /** The model that pictures are scored with; null where none could be loaded. @type {Method | null} */
  inUse = this.#bundled;
  /** @type {Method | null} the visitor's file, or the address's */ #own = null;
  #select;
  #said;
  #again;
  #load;
  #notice;
  #announce;
  /** @type {AbortController | null} of what is being fetched */ #fetching = null;

  /**
   * @param {{
   *   select: HTMLSelectElement, said: HTMLElement, again: HTMLElement,
   *   load: (method: Method) => Promise<boolean>, notice: import("./notices.js").Notice,
   *   announce: (words: string, kind?: string) => void,
   * }} page `load` loads a model whose file is here, and says what became of it
   */
  constructor({ select, said, again, load, notice, announce }) {
    super();
    this.#select = select;
    this.#said = said;
    this.#again = again;
    this.#load = load;
    this.#notice = notice;
    this.#announce = announce;
    select.addEventListener("change", () => void this.#choose(select.value));
    again.addEventListener("click", () => void this.read());
  }

  /** Reads the list. Without it the page goes on with what it has. */
  async read() {
    this.#again.hidden = true;
    try {
      const response = await fetch(LIST);
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      /** @type {{ method: string, file: string, bytes: number, title: string, words: string }[]} */
      const list = await response.json();
      const known = new Map(this.offered.map((method) => [method.url, method]));
      this.offered = list.filter(({ file }) => file).map(({ method, file, bytes, title, words }) => {
        const url = new URL(file, LIST).href;
        return Object.assign(known.get(url) ?? { blob: null }, { id: method, url, bytes, title, words });
      });
      if (!this.offered.includes(this.#bundled)) this.offered.unshift(this.#bundled);
      // A model that the address asks for may be one of these.
      const same = this.#own?.url && this.offered.find(({ url }) => url === this.#own?.url);
      if (same) {
        same.blob = this.#own?.blob ?? null;
        if (this.inUse === this.#own) this.inUse = same;
        this.#own = null;
      }
      if (this.#own) this.offered.push(this.#own);
      this.#show();
    } catch (error) {
      this.#show(`The list of other methods could not be loaded (${reasonOf(error)}). ${this.#stays()}`);
      this.#again.hidden = false;
    }
  }

  /** A model that came by another way than the list: its place in the list. @param {Blob} blob @param {string} name @param {string | null} url */
  take(blob, name, url = null) {
    const method = url === null ? undefined : this.offered.find((one) => one.url === url);
    if (method) {
      method.blob = blob;
      return method;
    }
    this.offered = this.offered.filter((one) => one !== this.#own);
    this.#own = {
      id: `own-${name}`, title: name, url, bytes: blob.size, blob,
      words: url === null ? "Your file; it stays on this device." : "The model named in the address.",
    };
    this.offered.push(this.#own);
    return this.#own;
  }

  /** The model is in use now. @param {Method} method */
  use(method) {
    this.#fetching?.abort();
    this.inUse = method;
    this.#show();
  }

  /** The page's first model could not be loaded. */
  fail() {
    this.inUse = null;
    this.#show();
  }

  /** Whether a model comes with the page. @param {Method} method */
  comesWithPage = (method) => method.url !== null && method !== this.#own;

  #stays() {
    return this.inUse ? `${nameOf(this.inUse)} remains in use.` : "No model is in use.";
  }

  /** @param {string} id */
  async #choose(id) {
    this.#fetching?.abort();
    const method = this.offered.find((one) => one.id === id);
    if (!method || method === this.inUse) {
      this.#show();
      return;
    }
    const fetching = (this.#fetching = new AbortController());
    const tell = (/** @type {string} */ words) => {
      if (!fetching.signal.aborted) this.#said.textContent = words;
    };
    if (!method.blob) this.#announce(fetchingWords(method), "method");
    try {
      await fetchModel(method, { signal: fetching.signal, tell });
    } catch (error) {
      if (fetching.signal.aborted) return;
      this.#notice(`${reasonOf(error)} ${this.#stays()}`, { bad: true, about: "model" });
      this.#show();
      return;
    }
    if (fetching.signal.aborted) return;
    tell(`Loading ${nameOf(method)}…`);
    this.#fetching = null;
    if (!(await this.#load(method))) this.#show();
  }

  /** @param {string} [words] in place of what the model in use says of itself */
  #show(words = this.inUse?.words ?? "No model is in use.") {
    fill(this.#select, this.offered, this.inUse ? [] : [new Option("Choose a method", "")]);
    this.#select.value = this.inUse?.id ?? "";
    this.#select.disabled = this.offered.length < 2;
    this.#said.textContent = words;
    this.dispatchEvent(new CustomEvent("list"));
  }
}

/** @param {HTMLSelectElement} select @param {Method[]} methods @param {HTMLOptionElement[]} before */
export function fill(select, methods, before = []) {
  select.replaceChildren(...before, ...methods.map((method) => {
    const { id, title, url, bytes } = method;
    const words = url === BUNDLED ? `${nameOf(method)}, bundled` : `${title}, ${url === null ? "your file" : sizeWords(bytes)}`;
    return new Option(words, id);
  }));
}
