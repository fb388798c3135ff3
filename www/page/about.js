// @ts-check
/**
 * What the page says of the model in use: its lead, how it works, and "About this model".
 *
 * @typedef {import("./state.js").PageState} PageState
 * @typedef {import("./methods.js").Methods} Methods
 */
import { foundWords } from "../lib/found.js";
import { heatWords, leadWords, methodWords, modelEntries, skipsWords } from "../lib/model-words.js";
import { lineOf, lineWords, setOf } from "../lib/sets.js";
import { byId, element } from "./dom.js";
import { modelUrl } from "./methods.js";

/** What the lines' models find, as scripts/train-lines.sh measured it. */
const FOUND = new URL("./models/lines/found.json", document.baseURI);

/** @param {{ state: PageState, methods: Methods }} page */
export function describeModel({ state, methods }) {
  const list = byId("about-list");
  /** @type {Record<string, import("../lib/found.js").InShort>} */
  let found = {};
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
      ["marks-words", explanation.marks ?? ""],
      ["heat-words", explanation.heat_map],
      ["part-heat-words", heatWords(info)],
      ["version", `skip-ganomaly ${build.version}`],
    ]) byId(id).textContent = words;
    byId("marks-part").hidden = !explanation.marks;
  });
  const lead = () => {
    if (!state.loaded || !methods.inUse) return;
    const { set, url } = methods.inUse;
    const line = lineOf(set);
    byId("lead-words").textContent = line ? lineWords(line, url === modelUrl(line) && found[line.id] ? foundWords(found[line.id]) : "") : leadWords(state.loaded.info, setOf(set)?.normals);
  };
  methods.addEventListener("list", lead);
  // Behind the model: until it is there, and where it is not, the lead says nothing of it.
  state.addEventListener("ready", async () => {
    const response = await fetch(FOUND).catch(() => null);
    if (!response?.ok) return;
    found = await response.json();
    lead();
  }, { once: true });
}
