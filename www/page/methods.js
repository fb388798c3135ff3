// @ts-check
/**
 * The models that the page offers for what it shows: the set's own, those of other methods, which are fetched when they
 * are chosen, and a file of the visitor's. The list is models/index.json.
 *
 * @typedef {import("../lib/model-files.js").Method} Method
 * @typedef {import("../lib/sets.js").PictureSet} PictureSet
 */
import { reasonOf } from "../lib/format.js";
import { fetchModel, fetchingWords, nameOf, sizeWords } from "../lib/model-files.js";
import { SETS, SOLAR } from "../lib/sets.js";

const LIST = new URL("./models/index.json", document.baseURI);

/** Where a set's own model is. @param {PictureSet} set */
export const modelUrl = (set) => new URL(set.model, LIST).href;

/** Event: `list`, when what is offered or in use has changed. */
export class Methods extends EventTarget {
  /** The models that come with the page; until the list is read, each set's own. @type {Method[]} */
  #listed = SETS.map((set) => ({ id: idOf(set.id, set.method.id), set: set.id, title: set.method.title, words: "The bundled model.", url: modelUrl(set), bytes: 0, blob: null }));
  /** What can be chosen. @type {Method[]} */
  offered = [];
  /** The model that pictures are scored with; null where none could be loaded. @type {Method | null} */
  inUse = null;
  /** @type {Method | null} the visitor's file, or the address's */ #own = null;
  #set;
  #select;
  #said;
  #again;
  #load;
  #notice;
  #announce;
  /** @type {AbortController | null} of what is being fetched */ #fetching = null;
  /** Whether what was loaded last is in use. @type {Promise<boolean>} */ #loading = Promise.resolve(true);

  /**
   * @param {{
   *   select: HTMLSelectElement, said: HTMLElement, again: HTMLElement,
   *   load: (method: Method, quiet: boolean) => Promise<boolean>, notice: import("./notices.js").Notice,
   *   announce: (words: string, kind?: string) => void, set: PictureSet,
   * }} page `load` loads a model whose file is here, and says what became of it, where it is to be quiet only if that failed; `set` is what the page opens with
   */
  constructor({ select, said, again, load, notice, announce, set }) {
    super();
    this.#set = set;
    this.#offer();
    [this.inUse] = this.offered;
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
      /** @type {{ set: string, method: string, file: string, bytes: number, title: string, words: string }[]} */
      const list = await response.json();
      const known = new Map(this.#listed.map((method) => [method.url, method]));
      const listed = list.filter(({ file }) => file).map(({ set, method, file, bytes, title, words }) => {
        const url = new URL(file, LIST).href;
        const given = { id: idOf(set, method), set, url, bytes, title, words };
        /** @type {Method} */
        const one = known.get(url) ?? { ...given, blob: null };
        Object.assign(one, given);
        return one;
      });
      this.#listed = [...this.#listed.filter((one) => !listed.includes(one)), ...listed];
      // A model that the address asks for may be one of these.
      const same = this.#own?.url && this.#listed.find(({ url }) => url === this.#own?.url);
      if (same && same.set === this.#set.id) {
        same.blob = this.#own?.blob ?? null;
        if (this.inUse === this.#own) this.inUse = same;
        this.#own = null;
      }
      this.#offer();
      this.#show();
    } catch (error) {
      this.#show(`The list of other methods could not be loaded (${reasonOf(error)}). ${this.#stays()}`);
      this.#again.hidden = false;
    }
  }

  #offer() {
    this.offered = this.#listed.filter(({ set }) => set === this.#set.id);
    if (this.#own) this.offered.push(this.#own);
  }

  /**
   * Offers the models of another set and uses its own, unless a visitor's model is in use.
   * @param {PictureSet} set @param {PictureSet} before what is looked at, and stays so where that fails
   * @returns {Promise<boolean>} false where that failed, or another set was chosen meanwhile
   */
  async useSet(set, before) {
    this.#fetching?.abort();
    this.#set = set;
    this.#offer();
    await this.#loading; // so that what is in use is known
    if (this.#set !== set) return false; // another was chosen meanwhile
    const fits = () => this.inUse !== null && this.offered.includes(this.inUse);
    if (fits()) this.#show();
    else await this.#choose(this.offered[0].id, true);
    if (this.#set !== set) return false;
    if (fits()) return true;
    this.#set = before;
    this.#offer();
    this.#show();
    return false;
  }

  /** A model that came by another way than the list: its place in the list. @param {Blob} blob @param {string} name @param {string | null} url */
  take(blob, name, url = null) {
    const method = url === null ? undefined : this.offered.find((one) => one.url === url);
    if (method) {
      method.blob = blob;
      return method;
    }
    this.#own = {
      id: `own-${name}`, set: null, title: name, url, bytes: blob.size, blob,
      words: url === null ? "Your file; it stays on this device." : "The model named in the address.",
    };
    this.#offer();
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

  #stays() {
    return this.inUse ? `${nameOf(this.inUse)} remains in use.` : "No model is in use.";
  }

  /** @param {string} id @param {boolean} [quiet] says nothing of it once it is in use */
  async #choose(id, quiet = false) {
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
    this.#loading = this.#load(method, quiet);
    if (!(await this.#loading)) this.#show();
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

/** A method of the real pictures goes by its name alone. @param {string} set @param {string} method */
const idOf = (set, method) => (set === SOLAR ? method : `${set}-${method}`);

/** @param {HTMLSelectElement} select @param {Method[]} methods @param {HTMLOptionElement[]} before */
export function fill(select, methods, before = []) {
  select.replaceChildren(...before, ...methods.map((method) => {
    const { id, title, url, bytes } = method;
    const words = SETS.some((set) => modelUrl(set) === url) ? `${nameOf(method)}, bundled` : `${title}, ${url === null ? "your file" : sizeWords(bytes)}`;
    return new Option(words, id);
  }));
}
