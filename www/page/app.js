// @ts-check
/**
 * Puts the page together: what is added goes to the scorer, what comes back goes to the table.
 *
 * @typedef {import("./table.js").Item} Item
 * @typedef {import("./table.js").Row} Row
 * @typedef {import("../lib/scorer.js").Answer} Answer
 * @typedef {import("../lib/scorer.js").Loaded} Loaded
 * @typedef {import("../lib/protocol.js").Optimisation} Optimisation
 * @typedef {import("../lib/model-files.js").Method} Method
 */
import { asksForTraining, deviceOf, fileOf, modelOf } from "../lib/address.js";
import { COLUMNS, toCsv, toJson } from "../lib/csv.js";
import { short } from "../lib/format.js";
import { Scorer } from "../lib/scorer.js";
import { ZipWriter } from "../lib/zip.js";
import { latentWords, leadWords, methodWords, residualWords, scoreFormula, showModel, skipsWords, thresholdSource } from "./about.js";
import { download } from "./export.js";
import { acceptFiles } from "./files.js";
import { BUNDLED, Methods, fill } from "./methods.js";
import { makeNotices } from "./notices.js";
import { keepOffline } from "./offline.js";
import { ResultCard } from "./result-card.js";
import { ResultsTable, verdictOf } from "./table.js";

const root = document.documentElement;
/** @param {string} id */
const byId = (id) => /** @type {any} */ (document.getElementById(id));
const parameters = new URLSearchParams(location.search);

// --- Words for people ------------------------------------------------------------------------

const ANNOUNCE_EVERY_MS = 1500;
let announceTimer = 0;
/** @type {Map<string, string>} */
const announcements = new Map();
/** For screen readers, in turns: the last of each kind of message. @param {string} words @param {string} [kind] */
function announce(words, kind = "news") {
  announcements.delete(kind);
  announcements.set(kind, words);
  if (announceTimer) return;
  announceTimer = setTimeout(() => {
    announceTimer = 0;
    byId("status").textContent = [...announcements.values()].map(reasonOf).join(" ");
    announcements.clear();
  }, ANNOUNCE_EVERY_MS);
}

const { notice, dismiss } = makeNotices(byId("notices"), announce);

/** @param {string} reason */
function fail(reason) {
  root.dataset.state = "failed";
  byId("failure").textContent = reason;
  byId("failure").hidden = false;
  byId("device-words").textContent = "The model is not running.";
}

/** A reason, ready to have a sentence after it. @param {unknown} error */
function reasonOf(error) {
  const reason = (error instanceof Error ? error.message : String(error)).trim();
  return /[.!?]$/.test(reason) ? reason : `${reason}.`;
}

// --- Theme -----------------------------------------------------------------------------------

const dark = matchMedia("(prefers-color-scheme: dark)");
function showTheme() {
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  byId("theme").setAttribute("aria-pressed", String(isDark));
}
byId("theme").addEventListener("click", () => {
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch {
    // The choice then lasts as long as the page.
  }
  showTheme();
});
dark.addEventListener("change", showTheme);
showTheme();

// --- The model -------------------------------------------------------------------------------

const askedDevice = parameters.get("device");
const scorer = new Scorer(deviceOf(askedDevice));
if (askedDevice && askedDevice !== "cpu" && askedDevice !== "webgpu") {
  notice(`The address asks for the device "${askedDevice}". Expected cpu or webgpu; the page chooses a device itself.`, { about: "address-device" });
}

if (askedDevice === "webgpu") byId("device-words").textContent = "Loading the model and starting WebGPU…";

let model = { name: "", bytes: 0 };
/** @type {Loaded | null} */
let loaded = null;
let modelThreshold = /** @type {number | null} */ (null);
let thresholdMoved = false;

/** @param {Blob} blob @param {string} name @param {boolean} [first] @returns {Promise<boolean>} whether it is in use now */
async function loadModel(blob, name, first = false) {
  const before = model;
  model = { name, bytes: blob.size };
  try {
    await scorer.loadModel(blob);
  } catch (error) {
    model = before;
    const reason = reasonOf(error);
    if (loaded) notice(`${name} was not loaded: ${reason} The previous model remains in use.`, { bad: true, about: "model" });
    else if (root.dataset.state !== "failed" || !first) fail(`${name} could not be loaded: ${reason} Choose another model file below, or reload the page.`);
    return false;
  }
  if (!first) notice(`The model ${name} is now in use.`, { about: "model" });
  return true;
}

/** A model file of the visitor's, or one that was trained here. @param {Blob} blob @param {string} name */
async function useModel(blob, name) {
  if (await loadModel(blob, name)) methods.use(methods.take(blob, name));
}

const methods = new Methods({
  select: byId("method"),
  said: byId("method-said"),
  again: byId("method-again"),
  notice,
  announce,
  load: async (method) => {
    const taken = await loadModel(/** @type {Blob} */ (method.blob), fileNameOf(method));
    if (taken) methods.use(method);
    return taken;
  },
});

/** @param {Method} method */
const fileNameOf = ({ url, title }) => (url === null ? title : fileOf(new URL(url)));

async function loadFirstModel() {
  const asked = parameters.get("model");
  let url = new URL(BUNDLED);
  if (asked) {
    const ownUrl = modelOf(asked, location.href);
    if (ownUrl) url = ownUrl;
    else notice("The address asks for a model from another site. This page only loads models from its own site, so it uses the bundled model.", { bad: true, about: "address-model" });
  }
  const name = fileOf(url);
  let blob;
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    blob = await response.blob();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    fail(`The model at ${url.pathname} could not be fetched (${reason}). Check the address and the connection, or choose a model file below.`);
    if (!loaded) methods.fail();
    return;
  }
  if (await loadModel(blob, name, true)) methods.use(methods.take(blob, name, url.href));
  else if (!loaded) methods.fail();
}

scorer.addEventListener("loaded", (event) => {
  loaded = /** @type {CustomEvent<Loaded>} */ (event).detail;
  const { info, build, generation } = loaded;
  modelThreshold = info.threshold;
  thresholdMoved = false;
  slider.max = "1";
  table.setModel(generation, modelThreshold);
  showThreshold();
  showModel(byId("about-list"), info, model);
  byId("model-said").textContent = `${model.name}: ${info.method}, ${info.size} × ${info.size} pixels, ${info.parameters.toLocaleString("en")} parameters.`;
  byId("method-words").textContent = methodWords(info.header);
  byId("formula").textContent = scoreFormula(info.header);
  byId("residual-words").textContent = residualWords(info.header);
  byId("skips-words").textContent = skipsWords(info.header);
  byId("latent-words").textContent = latentWords(info.header);
  byId("version").textContent = `skip-ganomaly ${build.version}`;
  byId("failure").hidden = true;
  if (root.dataset.state !== "ready") {
    root.dataset.readyMs = String(performance.now());
    root.dataset.state = "ready";
    announce("The model is ready.");
  }
  showQueue();
  void refreshSampleCard();
});

/** What is said of the model in use at the top of the page and over the samples. */
function showInUse() {
  if (!loaded || !methods.inUse) return;
  byId("lead-words").textContent = leadWords(loaded.info.header, methods.comesWithPage(methods.inUse) ? "thermal images of normal solar modules" : undefined);
  showGalleryWords();
}

scorer.addEventListener("device", (event) => {
  const { device, reason } = /** @type {CustomEvent<{ device: string, reason: string }>} */ (event).detail;
  root.dataset.device = device;
  const words = reason || "Runs on your CPU.";
  if (byId("device-words").textContent !== words) {
    byId("device-words").textContent = words;
    if (reason) announce(words, "device");
  }
});
scorer.addEventListener("restart", (event) => notice(/** @type {CustomEvent<string>} */ (event).detail, { about: "restart" }));
scorer.addEventListener("failed", (event) => fail(/** @type {CustomEvent<string>} */ (event).detail));

// --- Queue -----------------------------------------------------------------------------------

let controller = new AbortController();
/** What was asked for since the queue was last empty; what is not answered yet, and of whom. */
const asked = { total: 0, done: 0, waiting: /** @type {Map<number, { item: Item, of: Scorer }>} */ (new Map()) };
let ask = 0;
/** How far the latent optimisations of those that optimise are. @type {Map<Scorer, Optimisation>} */
const optimisations = new Map();
/** @param {Scorer} of */
function watchOptimisation(of) {
  of.addEventListener("optimisation", (event) => {
    const optimisation = /** @type {CustomEvent<Optimisation | null>} */ (event).detail;
    if (optimisation) optimisations.set(of, optimisation);
    else if (!optimisations.delete(of)) return;
    showQueue();
  });
}
watchOptimisation(scorer);

/** @param {Item} item @param {Scorer} of @param {AbortSignal} signal @returns {Promise<Answer | null>} null when it was stopped */
async function request(item, of = scorer, signal = controller.signal) {
  refreshing?.abort(); // what a person asks for comes first
  const key = ask++;
  asked.total++;
  asked.waiting.set(key, { item, of });
  showQueue();
  try {
    return await of.score(item.source, signal);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return null;
    return { result: { error: String(error) }, generation: 0, device: "cpu" };
  } finally {
    asked.waiting.delete(key);
    asked.done++;
    if (asked.waiting.size === 0) {
      asked.total = asked.done = 0;
      void refreshSampleCard();
    }
    showQueue();
  }
}

/** @param {Item} item */
async function scoreItem(item) {
  const answer = await request(item);
  if (answer) table.add(item, answer);
  return answer;
}

let queueFrame = 0;
function showQueue() {
  if (queueFrame) return;
  queueFrame = requestAnimationFrame(() => {
    queueFrame = 0;
    const { total, done, waiting } = asked;
    byId("queue").hidden = waiting.size === 0;
    if (waiting.size === 0) return;
    const waits = root.dataset.state !== "ready";
    const both = [...waiting.values()].some(({ of }) => of !== scorer) ? " with both methods" : "";
    const [optimisation] = optimisations.values();
    const optimised = optimisation ? `, optimising latent codes: step ${optimisation.step} of ${optimisation.steps}` : "";
    byId("queue-words").textContent = waits
      ? `${waiting.size} ${waiting.size === 1 ? "image is" : "images are"} waiting for the model.`
      : `Scoring${both}: ${done} of ${total} done${optimised}.`;
    let part = done;
    for (const { step, steps, pictures } of optimisations.values()) part += (pictures * step) / Math.max(steps, 1);
    part = Math.min(part, total);
    const bar = byId("progress");
    bar.setAttribute("aria-valuemax", String(total));
    bar.setAttribute("aria-valuenow", String(Number(part.toFixed(2))));
    bar.firstElementChild.style.inlineSize = `${(100 * part) / Math.max(total, 1)}%`;
    /** @type {Set<string>} */
    const first = new Set();
    for (const { item } of waiting.values()) {
      if (first.size === 3) break;
      first.add(item.name);
    }
    const more = new Set([...waiting.values()].map(({ item }) => item)).size - first.size;
    byId("queue-names").textContent = `${waits ? "Waiting" : "Next"}: ${[...first].join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  });
}

byId("stop").addEventListener("click", () => {
  const left = new Set([...asked.waiting.values()].map(({ item }) => item)).size;
  controller.abort();
  controller = new AbortController();
  comparison?.stop();
  notice(`Stopped: ${left} ${left === 1 ? "image was" : "images were"} not scored.`, { about: "stop" });
});

// --- First look ------------------------------------------------------------------------------

const sampleCard = new ResultCard(byId("look"));
const rowCard = new ResultCard(byId("row-first"));

/** @param {Item} item @param {Answer} answer */
function shownFrom(item, { result }) {
  const picture = "error" in result ? null : result;
  const threshold = table.threshold;
  return {
    item,
    picture,
    error: "error" in result ? result.error : null,
    threshold,
    verdict: picture ? verdictOf(picture.score, threshold) : /** @type {const} */ ("error"),
    display: picture && picture.threshold === threshold ? picture.display : null,
  };
}

/** What the first look shows, and the count of the model that it is from. @type {{ item: Item, example: boolean, generation: number } | null} */
let sampleShown = null;
/** @type {AbortController | null} of the sample that is scored again */
let refreshing = null;

/** Another model is in use: the sample is scored again, once nothing else waits. */
async function refreshSampleCard() {
  const old = sampleShown !== null && loaded !== null && sampleShown.generation !== loaded.generation;
  byId("look-stale").hidden = !old;
  if (!sampleShown || !loaded || !old || refreshing || asked.waiting.size > 0) return;
  const { item, example } = sampleShown;
  const { generation } = loaded;
  const own = (refreshing = new AbortController());
  /** @type {Answer} */
  let answer;
  try {
    answer = await scorer.score(item.source, own.signal);
  } catch {
    return; // cancelled: it is tried again when the queue is empty
  } finally {
    refreshing = null;
  }
  if (sampleShown.item === item) await showSampleCard(item, { ...answer, generation }, example);
  else void refreshSampleCard();
}

/** @param {Item} item @param {Answer} answer @param {boolean} example */
async function showSampleCard(item, answer, example) {
  sampleShown = { item, example, generation: answer.generation };
  const section = byId("look");
  section.toggleAttribute("data-example", example);
  byId("look-title").textContent = example ? "First look" : "Last sample";
  byId("look-tag").hidden = !example;
  byId("look-wait").hidden = true;
  void refreshSampleCard();
  await sampleCard.show(shownFrom(item, answer));
  if (!root.dataset.firstScoreMs && !("error" in answer.result)) {
    requestAnimationFrame(() => {
      root.dataset.firstScoreMs ??= String(performance.now());
      setTimeout(() => void keepOffline({ idle: () => table.rows.length === 0 && asked.waiting.size === 0 }), 500);
    });
  }
}

// --- Samples ---------------------------------------------------------------------------------

/** @type {Item[]} */
let samples = [];
/** What the samples are, and what is true of them with the bundled model only. */
let galleryWords = { title: "", note: "" };
function showGalleryWords() {
  const { title, note } = galleryWords;
  if (!title) return;
  byId("gallery-words").textContent = `${title}. Select one to score it. The label under each image comes from the data set. ${methods.inUse?.url === BUNDLED ? note : ""}`.trim();
}

async function loadSamples() {
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
  samples = index.pictures.map((/** @type {{ file: string, label: string }} */ { file, label }) => ({
    name: file,
    path: file,
    label,
    source: { url: new URL(file, folder).href },
  }));
  galleryWords = { title: index.title, note: index.note ?? "" };
  showGalleryWords();
  byId("score-all").disabled = samples.length === 0;
  const list = document.createDocumentFragment();
  for (const item of samples) {
    const entry = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.sample = item.name;
    const image = document.createElement("img");
    image.src = "url" in item.source ? item.source.url : "";
    image.alt = "";
    image.width = image.height = 64;
    const label = document.createElement("span");
    label.textContent = item.label ?? "";
    button.append(image, label);
    button.setAttribute("aria-label", `Score ${item.name}, labelled ${item.label}`);
    button.addEventListener("click", async () => {
      const answer = await scoreItem(item);
      if (answer) await showSampleCard(item, answer, false);
    });
    entry.append(button);
    list.append(entry);
  }
  byId("thumbs").replaceChildren(list);
  const example = samples.find(({ name }) => name === index.example) ?? samples[0];
  if (example) {
    const answer = await scorer.score(example.source);
    if (!root.dataset.firstScoreMs) await showSampleCard(example, answer, true);
  }
}
byId("score-all").addEventListener("click", () => {
  for (const item of samples) void scoreItem(item);
  toResults();
});

// --- Pictures in -----------------------------------------------------------------------------

let scrolled = false;
/** Shows the results to someone who just added pictures and is above them. */
function toResults() {
  if (scrolled) return;
  const heading = byId("results-title");
  if (heading.getBoundingClientRect().top > innerHeight * 0.75) {
    scrolled = true;
    // Not smoothly: such a scroll goes on under a press of Tab, and ends where the focus is out of sight.
    heading.scrollIntoView({ block: "start" });
  }
}

/** Milliseconds that pictures are added for at a time: thousands in one go would hold up the page. */
const ADDING_MS = 8;
let adding = Promise.resolve();
/** @param {import("../lib/walk.js").Found[]} pictures @param {AbortSignal} signal */
async function addPictures(pictures, signal) {
  let until = performance.now() + ADDING_MS;
  for (const { name, path, blob } of pictures) {
    if (performance.now() > until) {
      await new Promise((resolve) => setTimeout(resolve));
      until = performance.now() + ADDING_MS;
    }
    if (signal.aborted) return;
    void scoreItem({ name, path, source: { blob } });
  }
  announce(`${pictures.length} ${pictures.length === 1 ? "image" : "images"} added.`);
}

acceptFiles({
  onPictures: (pictures) => {
    if (root.dataset.state === "ready") toResults();
    const { signal } = controller;
    adding = adding.then(() => addPictures(pictures, signal));
  },
  onTraining: (files) => void training().then((panel) => panel?.take(files)),
  onModel: (file) => void useModel(file, file.name),
  onNotice: notice,
});

// --- Training: loaded when someone comes near it or uses it, or the address or an earlier visit asks for it

const trainSection = byId("train");
/** Buttons pressed before the part is there, to be pressed again once it is. @type {Set<HTMLButtonElement>} */
const pressed = new Set();
/** @param {Event} event */
function early(event) {
  const button = event.target instanceof Element ? event.target.closest("button") : null;
  if (event.type === "click" && !button) return;
  if (button) pressed.add(button);
  void training();
}

/** @type {Promise<import("./training/panel.js").Panel | null> | null} */
let panel = null;
const training = () => (panel ??= startTraining());
async function startTraining() {
  try {
    const { initialise } = await import("./training/panel.js");
    const made = await initialise({ useModel, notice, dismiss, announce });
    for (const type of ["click", "change"]) trainSection.removeEventListener(type, early);
    for (const button of pressed) button.click();
    // The parts that came may have pushed what has the focus out of sight.
    const focused = document.activeElement;
    if (focused && trainSection.contains(focused)) focused.scrollIntoView({ block: "nearest" });
    return made;
  } catch (error) {
    panel = null; // the next use tries again
    notice(`The training section could not be loaded: ${reasonOf(error)} Check the connection.`, { bad: true, about: "training" });
    return null;
  } finally {
    pressed.clear();
  }
}
for (const type of ["click", "change"]) trainSection.addEventListener(type, early);

function trainingIsAskedFor() {
  if (asksForTraining(parameters)) return true;
  try {
    return localStorage.getItem("training") !== null; // a run was left unfinished
  } catch {
    return false;
  }
}
if (trainingIsAskedFor()) {
  void training();
} else {
  const near = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    near.disconnect();
    void training();
  }, { rootMargin: "300px" });
  near.observe(trainSection);
}

// --- Results ---------------------------------------------------------------------------------

const table = new ResultsTable(byId("results"));

table.addEventListener("change", () => {
  const counts = table.counts();
  const scored = counts.all - counts.error;
  const parts = [`${scored} scored`];
  if (counts.uncalibrated < scored || scored === 0) parts.push(`${counts.anomalous} anomalous`);
  if (counts.uncalibrated > 0) parts.push(`${counts.uncalibrated} not calibrated`);
  if (counts.error > 0) parts.push(`${counts.error} unreadable`);
  const words = counts.all === 0 ? "No images scored yet." : parts.join(", ");
  if (byId("counts").textContent !== words) {
    byId("counts").textContent = words;
    if (counts.all > 0) announce(words, "counts");
  }
  for (const button of byId("filter").children) button.lastElementChild.textContent = String(counts[/** @type {"all"} */ (button.dataset.filter)]);
  for (const id of ["export-csv", "export-json", "export-zip", "clear"]) byId(id).disabled = counts.all === 0;
  byId("nothing").hidden = counts.all > 0;
  byId("stale").hidden = counts.stale === 0;
  byId("stale-words").textContent = `${counts.stale} ${counts.stale === 1 ? "result is" : "results are"} from an earlier model and ${counts.stale === 1 ? "is" : "are"} marked. Moving the threshold does not change ${counts.stale === 1 ? "its verdict" : "their verdicts"}.`;
  growThreshold();
  if (thresholdMoved && table.rowsWithoutDisplay().length > 0) void placeScores();
});

byId("clear").addEventListener("click", () => {
  comparison?.stop();
  table.clear();
  byId("results-title").focus();
  announce("The results were cleared.");
});

byId("again").addEventListener("click", () => {
  for (const row of table.rows.filter((one) => one.stale)) {
    void request(row.item).then((answer) => {
      if (answer) table.update(row, answer);
    });
  }
});

byId("sort").addEventListener("change", () => table.setSort(byId("sort").value));
byId("filter").addEventListener("click", (/** @type {MouseEvent} */ event) => {
  const button = event.target instanceof Element ? /** @type {HTMLElement | null} */ (event.target.closest("button")) : null;
  if (!button) return;
  for (const other of byId("filter").children) other.setAttribute("aria-pressed", String(other === button));
  table.setFilter(/** @type {string} */ (button.dataset.filter));
});

const overlay = byId("overlay");
const showOverlay = () => {
  root.style.setProperty("--overlay", String(overlay.value / 100));
  byId("overlay-value").textContent = `${overlay.value} %`;
};
overlay.addEventListener("input", showOverlay);
showOverlay();

// --- One row, large

const dialog = byId("row-dialog");
/** @type {Row | null} */
let openRow = null;
/** @param {Row} row */
function showRow(row) {
  openRow = row;
  void rowCard.show({ ...row, display: row.display });
  comparison?.showRow(row);
  const rows = table.rows.filter((one) => one.tr.checkVisibility?.() ?? true);
  const before = byId("row-before");
  const after = byId("row-after");
  const active = document.activeElement;
  before.disabled = rows[0] === row;
  after.disabled = rows.at(-1) === row;
  // A button that can no longer be pressed would take the arrow keys with it.
  if (active === before && before.disabled) (after.disabled ? byId("row-close") : after).focus();
  if (active === after && after.disabled) (before.disabled ? byId("row-close") : before).focus();
}
/** @param {number} by */
function step(by) {
  const rows = table.rows.filter((one) => one.tr.checkVisibility?.() ?? true);
  const next = openRow && rows[rows.indexOf(openRow) + by];
  if (next) showRow(next);
}
table.addEventListener("open", (event) => {
  showRow(/** @type {CustomEvent<Row>} */ (event).detail);
  dialog.showModal();
});
byId("row-before").addEventListener("click", () => step(-1));
byId("row-after").addEventListener("click", () => step(1));
byId("row-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});

// --- A second method: loaded when one is first chosen

/** @type {import("./compare.js").Comparison | null} */
let comparison = null;
/** @type {Promise<import("./compare.js").Comparison> | null} */
let comparing = null;
async function startComparison() {
  const { initialise } = await import("./compare.js");
  comparison = await initialise({
    table, dialog, notice, dismiss, announce, watchOptimisation, request,
    device: scorer.wanted,
    first: () => methods.inUse,
    openRow: () => (dialog.open ? openRow : null),
    select: byId("compare"),
    said: byId("compare-said"),
    sort: byId("sort"),
  });
  return comparison;
}

methods.addEventListener("list", () => {
  const select = byId("compare");
  const { value } = select;
  const second = comparison?.method;
  // What is compared with stays, where another file of the visitor's took its place in the list.
  const offered = !second || methods.offered.includes(second) ? methods.offered : [...methods.offered, second];
  fill(select, offered, [new Option("None", "")]);
  select.value = value;
  select.disabled = methods.offered.length < 2;
  comparison?.rename();
  showInUse();
});

byId("compare").addEventListener("change", async () => {
  const { value } = byId("compare");
  const method = [...methods.offered, comparison?.method].find((one) => one?.id === value) ?? null;
  if (!method && !comparing) return;
  try {
    await (comparing ??= startComparison());
  } catch (error) {
    comparing = null; // the next choice tries again
    byId("compare").value = "";
    notice(`The comparison of two methods could not be loaded: ${reasonOf(error)} Check the connection.`, { bad: true, about: "compare" });
    return;
  }
  await comparison?.use(method);
});

// --- Threshold -------------------------------------------------------------------------------

const slider = byId("threshold");
const number = byId("threshold-number");

function showThreshold() {
  const threshold = table.threshold;
  const off = !loaded;
  slider.disabled = number.disabled = off;
  const base = modelThreshold ?? 0;
  slider.max = String(Math.max(base * 3, Number(slider.max) === 1 ? 0 : Number(slider.max), threshold ?? 0) || 1);
  slider.value = String(threshold ?? 0);
  slider.setAttribute("aria-valuetext", threshold === null ? "none" : short(threshold));
  number.value = threshold === null ? "" : String(Number(threshold.toPrecision(6)));
  byId("threshold-reset").disabled = !thresholdMoved;
  const source = loaded ? thresholdSource(loaded.info.header) : "";
  byId("threshold-source").textContent = modelThreshold === null
    ? thresholdMoved ? "Set by you; this model is not calibrated." : "This model is not calibrated: set a threshold yourself, or compare the scores."
    : thresholdMoved ? `Set by you. The model's own threshold is ${short(modelThreshold)}: ${source}.` : `The model's own threshold: ${source}.`;
}

/** Scores beyond the slider's end move the end, but not under someone's hand. */
function growThreshold() {
  if (document.activeElement === slider || !loaded) return;
  let highest = 0;
  for (const { picture, stale } of table.rows) if (picture && !stale && picture.score > highest) highest = picture.score;
  if (highest > Number(slider.max) || (modelThreshold === null && table.rows.length > 0)) {
    const max = Math.max(highest * 1.05, Number(slider.max) === 1 ? 0 : Number(slider.max));
    if (max > 0 && max !== Number(slider.max)) slider.max = String(max);
  }
}

/** @param {number | null} value */
function moveThreshold(value) {
  thresholdMoved = value !== modelThreshold;
  table.setThreshold(value);
  showThreshold();
  clearTimeout(placeTimer);
  placeTimer = setTimeout(() => void placeScores(), 120);
}
let placeTimer = 0;

/** Asks the program where the scores lie on the scale from 0 to 1 for the threshold in force. */
async function placeScores() {
  for (;;) {
    const threshold = table.threshold;
    const rows = table.rowsWithoutDisplay();
    if (threshold === null || rows.length === 0) return;
    const part = rows.slice(0, 500);
    let values;
    try {
      values = await scorer.display(threshold, Float64Array.from(part, (row) => row.picture?.score ?? NaN));
    } catch {
      return;
    }
    if (table.threshold === threshold) table.setDisplays(part, values, threshold);
  }
}

slider.addEventListener("input", () => moveThreshold(Number(slider.value)));
number.addEventListener("change", () => {
  if (number.value.trim() === "") moveThreshold(modelThreshold);
  else if (Number.isFinite(number.valueAsNumber)) moveThreshold(number.valueAsNumber);
});
byId("threshold-reset").addEventListener("click", () => {
  moveThreshold(modelThreshold);
  slider.focus();
});

// --- Results out -----------------------------------------------------------------------------

function about() {
  return {
    program: `skip-ganomaly ${loaded?.build.version ?? ""}`.trim(),
    model: loaded && { file: model.name, method: loaded.info.method, size: loaded.info.size, channels: loaded.info.channels, threshold: modelThreshold },
    threshold: table.threshold,
    device: root.dataset.device ?? null,
    ...comparison?.about(),
  };
}

/** The rows as lines, and the columns that they have. */
async function lines() {
  await placeScores();
  const lines = table.lines();
  const more = comparison?.columns(table.rows) ?? [];
  return { lines: lines.map((line, i) => ({ ...line, ...more[i] })), columns: [...COLUMNS, ...Object.keys(more[0] ?? {})] };
}

byId("export-csv").addEventListener("click", async () => {
  const { lines: all, columns } = await lines();
  download("skip-ganomaly.csv", new Blob([toCsv(all, columns)], { type: "text/csv;charset=utf-8" }));
});
byId("export-json").addEventListener("click", async () => {
  const { lines: all, columns } = await lines();
  download("skip-ganomaly.json", new Blob([toJson(all, about(), columns)], { type: "application/json" }));
});
byId("export-zip").addEventListener("click", async () => {
  const button = byId("export-zip");
  button.disabled = true;
  try {
    const { lines: all, columns } = await lines();
    const rows = table.rows.slice();
    const zip = new ZipWriter();
    const encoder = new TextEncoder();
    zip.add("scores.csv", encoder.encode(toCsv(all, columns)));
    zip.add("scores.json", encoder.encode(toJson(all, about(), columns)));
    let pause = performance.now() + 20;
    for (const row of rows) {
      const stem = `pictures/${row.item.path.replace(/\.[^./]+$/, "")}`;
      const { picture } = row;
      const second = comparison?.pictureOf(row);
      const input = (picture ?? second)?.input;
      if (input) zip.add(`${stem}-input.png`, input);
      for (const [made, prefix] of /** @type {const} */ ([[picture, stem], [second, `${stem}-second`]])) {
        if (made?.reconstruction) zip.add(`${prefix}-reconstruction.png`, made.reconstruction);
        if (made) zip.add(`${prefix}-heat.png`, made.heat);
      }
      if (performance.now() > pause) {
        await new Promise((resolve) => setTimeout(resolve));
        pause = performance.now() + 20;
      }
    }
    download("skip-ganomaly.zip", zip.finish());
  } catch (error) {
    notice(error instanceof Error ? error.message : String(error), { bad: true, about: "export" });
  } finally {
    button.disabled = table.rows.length === 0;
  }
});

// --- Start -----------------------------------------------------------------------------------

// The list comes behind the model, which the first score waits for.
void loadFirstModel().then(() => methods.read());
void loadSamples();
