// @ts-check
/**
 * Which model the page scores with: its own, one that the address names, one of the list, or a visitor's file.
 *
 * @typedef {import("../lib/model-files.js").Method} Method
 * @typedef {import("../lib/sets.js").PictureSet} PictureSet
 */
import { fileOf, modelOf } from "../lib/address.js";
import { asSentence, reasonOf } from "../lib/format.js";
import { byId } from "./dom.js";
import { Methods, modelUrl } from "./methods.js";

export class ModelLoader {
  #scorer;
  #state;
  #notice;

  /**
   * @param {{
   *   scorer: import("../lib/scorer.js").Scorer, state: import("./state.js").PageState,
   *   notice: import("./notices.js").Notice, announce: import("./announce.js").Announce, set: PictureSet,
   * }} page `set`: what the page opens with
   */
  constructor({ scorer, state, notice, announce, set }) {
    this.#scorer = scorer;
    this.#state = state;
    this.#notice = notice;
    this.methods = new Methods({
      select: byId("method", HTMLSelectElement),
      said: byId("method-said"),
      again: byId("method-again"),
      notice,
      announce,
      set,
      load: async (method, quiet) => {
        const taken = await this.#load(/** @type {Blob} */ (method.blob), method.url === null ? method.title : fileOf(new URL(method.url)), quiet);
        if (taken) this.methods.use(method);
        return taken;
      },
    });
  }

  /** A model file of the visitor's, or one that was trained here. @param {Blob} blob @param {string} name */
  async use(blob, name) {
    if (await this.#load(blob, name)) this.methods.use(this.methods.take(blob, name));
  }

  /** @param {PictureSet} set @param {string | null} asked the model that the address asks for */
  async loadFirst(set, asked) {
    let url = new URL(modelUrl(set));
    if (asked) {
      const ownUrl = modelOf(asked, location.href);
      if (ownUrl) url = ownUrl;
      else this.#notice("The address asks for a model from another site. This page only loads models from its own site, so it uses the bundled model.", { bad: true, about: "address-model" });
    }
    const name = fileOf(url);
    let blob;
    try {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      blob = await response.blob();
    } catch (error) {
      this.#state.fail(`The model at ${url.pathname} could not be fetched (${reasonOf(error)}). Check the address and the connection, or choose a model file below.`);
      if (!this.#state.loaded) this.methods.fail();
      return;
    }
    if (await this.#load(blob, name, true)) this.methods.use(this.methods.take(blob, name, url.href));
    else if (!this.#state.loaded) this.methods.fail();
  }

  /** @param {Blob} blob @param {string} name @param {boolean} [quiet] @returns {Promise<boolean>} whether it is in use now */
  async #load(blob, name, quiet = false) {
    const state = this.#state;
    const before = state.file;
    state.file = { name, bytes: blob.size };
    try {
      await this.#scorer.loadModel(blob);
    } catch (error) {
      state.file = before;
      const reason = asSentence(error);
      if (state.loaded) this.#notice(`${name} was not loaded: ${reason} The previous model remains in use.`, { bad: true, about: "model" });
      else if (state.phase !== "failed" || !quiet) state.fail(`${name} could not be loaded: ${reason} Choose another model file below, or reload the page.`);
      return false;
    }
    if (!quiet) this.#notice(`The model ${name} is now in use.`, { about: "model" });
    return true;
  }
}
