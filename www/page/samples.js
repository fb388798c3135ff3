// @ts-check
/**
 * The samples that come with the page: a thumbnail each, scored when it is chosen.
 *
 * @typedef {import("./table-row.js").Item} Item
 */
import { byId, element } from "./dom.js";
import { BUNDLED } from "./methods.js";

/**
 * @param {{
 *   scorer: import("../lib/scorer.js").Scorer, state: import("./state.js").PageState,
 *   methods: import("./methods.js").Methods, added: import("./added-images.js").AddedImages,
 *   firstLook: import("./first-look.js").FirstLook,
 * }} page
 */
export async function showSamples({ scorer, state, methods, added, firstLook }) {
  const folder = new URL("./samples/gallery/", location.href);
  let index;
  try {
    const response = await fetch(new URL("index.json", folder));
    if (!response.ok) throw new Error(String(response.status));
    index = await response.json();
  } catch {
    byId("gallery-words").textContent = "The samples could not be loaded. You can still score your own images.";
    return;
  }
  /** @type {(Item & { source: { url: string } })[]} */
  const samples = index.pictures.map((/** @type {{ file: string, label: string }} */ { file, label }) => ({
    name: file, path: file, label, source: { url: new URL(file, folder).href },
  }));

  // What the index notes of the samples is true with the bundled model only.
  const showWords = () => {
    const note = methods.inUse?.url === BUNDLED ? (index.note ?? "") : "";
    byId("gallery-words").textContent = `${index.title}. Select one to score it. The label under each image comes from the data set. ${note}`.trim();
  };
  methods.addEventListener("list", () => methods.inUse && showWords());
  showWords();

  const scoreAll = byId("score-all", HTMLButtonElement);
  scoreAll.disabled = samples.length === 0;
  scoreAll.addEventListener("click", () => {
    for (const item of samples) void added.score(item);
    added.showResults();
  });
  byId("thumbs").replaceChildren(...samples.map((item) => {
    const button = element("button", { type: "button", "data-sample": item.name, "aria-label": `Score ${item.name}, labelled ${item.label}` },
      element("img", { src: item.source.url, alt: "", width: 64, height: 64 }), element("span", {}, item.label ?? ""));
    button.addEventListener("click", async () => {
      const answer = await added.score(item);
      if (answer) await firstLook.show(item, answer, false);
    });
    return element("li", {}, button);
  }));

  const example = samples.find(({ name }) => name === index.example) ?? samples[0];
  if (!example) return;
  const answer = await scorer.score(example.source);
  if (state.firstScoreMs === null) await firstLook.show(example, answer, true);
}
