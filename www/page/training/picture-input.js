// @ts-check
/**
 * Which pictures to train on (files, a folder, the bundled folder, the camera) and what was made of them.
 *
 * @typedef {import("../../lib/training/protocol.js").TrainFile} TrainFile
 * @typedef {import("../../lib/walk.js").Found} Found
 * @typedef {{ files: TrainFile[], folder: string, left: number }} Choice
 *   `folder`: what to call the pictures' folder; `left`: files that are no pictures by name
 */
import { frameOf, hasCamera, openCamera } from "../camera.js";
import { PICTURE, found } from "../../lib/walk.js";
import { byId, element, onFiles } from "../dom.js";
import { plural, reasonOf } from "../../lib/format.js";

/** How many frames the camera takes, and how often. */
const FRAMES = 40;
const FRAME_EVERY_MS = 250;
/** Skipped files: so many are shown at once, so many at all. */
const SHORT_LIST = 3;
const LONG_LIST = 100;

/**
 * Paths below the folder that was given: a folder's own name is no part of its layout.
 * @param {Found[]} all @returns {Choice}
 */
export function choiceOf(all) {
  const pictures = all.filter(({ name }) => PICTURE.test(name));
  const tops = new Set(pictures.map(({ path }) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : null)));
  const [top] = tops;
  const one = tops.size === 1 && top ? top : "";
  return {
    files: pictures.map(({ path, blob }) => ({ path: one ? path.slice(one.length + 1) : path, source: { blob } })),
    folder: one || "IMAGES",
    left: all.length - pictures.length,
  };
}

/**
 * @param {{
 *   choose: (choice: Choice) => void, problem: (words: string) => void,
 *   parts: () => Choice | null, onSet: (changed: () => void) => void,
 * }} handlers `parts`: those of the product line that is looked at; `onSet`: when another set is looked at
 */
export function acceptTraining({ choose, problem, parts, onSet }) {
  for (const id of ["train-files", "train-folder"]) onFiles(id, (files) => choose(choiceOf(files.map((file) => found(file)))));

  byId("train-bundled").addEventListener("click", async () => {
    try {
      const response = await fetch(new URL("../../samples/solar-ir.json", import.meta.url));
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      const { folder, files } = await response.json();
      const base = new URL(`../../samples/${folder}/`, import.meta.url);
      choose({
        files: files.map((/** @type {string} */ path) => ({ path, source: { url: new URL(path, base).href } })),
        folder: `www/samples/${folder}`,
        left: 0,
      });
    } catch (error) {
      problem(`The bundled images could not be listed (${reasonOf(error)}). Check the connection, or use your own images.`);
    }
  });

  const button = byId("train-parts");
  const show = () => (button.hidden = parts() === null);
  onSet(show);
  show();
  button.addEventListener("click", () => {
    const choice = parts();
    if (choice) choose(choice);
  });

  acceptFrames(choose, problem);
}

/** Frames of the camera, one after another. @param {(choice: Choice) => void} choose @param {(words: string) => void} problem */
function acceptFrames(choose, problem) {
  const button = byId("train-camera");
  if (!hasCamera()) {
    button.hidden = true;
    return;
  }
  const video = element("video", { muted: true, playsInline: true });
  const count = element("input", { id: "train-frames", type: "number", min: "20", max: "2000", step: "1", value: String(FRAMES) });
  const said = element("p", { className: "small", role: "status" });
  const take = element("button", { type: "button", className: "button primary", id: "train-capture" }, "Capture");
  const close = element("button", { type: "button", className: "button" }, "Close");
  const dialog = element("dialog", { id: "train-camera-dialog", "aria-labelledby": "train-camera-title" },
    element("h2", { id: "train-camera-title" }, "Normal images from the camera"),
    video,
    element("p", { className: "small" }, "Move the object or the camera slightly during the capture: identical images add nothing to learn from."),
    element("div", { className: "field" }, element("label", { for: count.id }, "Frames (four per second)"), count),
    said,
    element("div", { className: "actions" }, take, close));
  document.body.append(dialog);

  /** @type {MediaStream | null} */
  let stream = null;
  let capturing = false;
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    capturing = false;
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
  });
  button.addEventListener("click", async () => {
    try {
      stream = await openCamera();
    } catch (error) {
      problem(reasonOf(error));
      return;
    }
    said.textContent = "";
    take.disabled = false;
    video.srcObject = stream;
    dialog.showModal();
    await video.play().catch(() => {});
  });
  take.addEventListener("click", async () => {
    const wanted = count.valueAsNumber;
    if (!Number.isInteger(wanted) || wanted < 20 || wanted > 2000) {
      said.textContent = "Enter a number of frames from 20 to 2,000.";
      return;
    }
    capturing = true;
    take.disabled = true;
    /** @type {TrainFile[]} */
    const files = [];
    while (capturing && files.length < wanted) {
      const due = performance.now() + FRAME_EVERY_MS;
      const blob = video.videoWidth > 0 ? await frameOf(video) : null;
      if (blob) files.push({ path: `camera-${String(files.length + 1).padStart(4, "0")}.png`, source: { blob } });
      said.textContent = `${files.length} of ${wanted} frames captured.`;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    }
    if (!capturing) return; // closed before the end
    choose({ files, folder: "IMAGES", left: 0 });
    dialog.close();
  });
}

/**
 * What was made of the chosen pictures, as it stands on the page.
 * @param {import("../../lib/training/protocol.js").Prepared} prepared @param {number} left files that were no pictures by name
 * @returns {HTMLElement[]}
 */
export function saidOf(prepared, left) {
  const { heldOut } = prepared;
  const leftOut = prepared.leftOut + left;
  const list = element("ul", { className: "said" }, ...[
    prepared.said,
    `${plural(prepared.pictures, "normal image")}: about ${(prepared.pictures - heldOut).toLocaleString("en")} to train on, ${heldOut.toLocaleString("en")} held out.`,
    prepared.labelled
      ? `${prepared.labelled.normal.toLocaleString("en")} normal and ${prepared.labelled.abnormal.toLocaleString("en")} abnormal labelled images: for information only; no choice is based on them.`
      : "No labelled test images.",
    leftOut > 0 ? `${plural(leftOut, "file")} ignored.` : "",
  ].filter(Boolean).map((words) => element("li", {}, words)));
  if (prepared.alike) list.append(element("li", { className: "bad-words" }, "All images are identical: a model would learn only that image."));
  const { skipped } = prepared;
  if (skipped.length === 0) return [list];
  return [list, element("details", { open: skipped.length <= SHORT_LIST },
    element("summary", {}, `${plural(skipped.length, "file")} could not be read`),
    element("ul", { className: "said" }, ...skipped.slice(0, LONG_LIST).map(({ path, reason }) => element("li", {}, `${path}: ${reason}`))))];
}
