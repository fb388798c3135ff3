// @ts-check
/**
 * What the page says of the model in use: its lead, how it works, and "About this model".
 *
 * @typedef {import("./state.js").PageState} PageState
 * @typedef {import("./methods.js").Methods} Methods
 */
import { leadWords, methodWords, modelEntries, skipsWords } from "../lib/model-words.js";
import { lineOf, lineWords, setOf } from "../lib/sets.js";
import { byId, element } from "./dom.js";
import { modelUrl } from "./methods.js";

/** @param {{ state: PageState, methods: Methods }} page */
export function describeModel({ state, methods }) {
  const list = byId("about-list");
  state.addEventListener("loaded", () => {
    if (!state.loaded) return;
    const { info, build } = state.loaded;
    const { explanation, header } = info;
    list.replaceChildren(...modelEntries(info, state.file).map(([term, value]) => element("div", {}, element("dt", {}, term), element("dd", {}, value))));
    for (const [id, words] of [
      ["model-said", `${state.file.name}: ${info.method}, ${info.size} × ${info.size} pixels, ${info.parameters.toLocaleString("en")} parameters.`],
      ["method-words", methodWords(header)],
      ["formula", explanation.formula],
      ["residual-words", explanation.residual],
      ["skips-words", skipsWords(header)],
      ["latent-words", explanation.latent],
      ["version", `skip-ganomaly ${build.version}`],
    ]) byId(id).textContent = words;
  });
  methods.addEventListener("list", () => {
    if (!state.loaded || !methods.inUse) return;
    const { set, url } = methods.inUse;
    const line = lineOf(set);
    byId("lead-words").textContent = line ? lineWords(line, url === modelUrl(line)) : leadWords(state.loaded.info, setOf(set)?.normals);
  });
}
