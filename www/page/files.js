// @ts-check
/**
 * The ways in: drop (with folders), paste, file and folder inputs, camera. Files are handed on as
 * they are found and not read here. What is dropped on the training section is handed on to that.
 *
 * @typedef {import("../lib/walk.js").Found} Found
 * @typedef {(pictures: Found[]) => void} OnPictures
 * @typedef {import("./notices.js").Notice} Notice
 */
import { reasonOf } from "../lib/format.js";
import { PICTURE, contents, everything, found, walk } from "../lib/walk.js";
import { acceptCamera } from "./camera.js";
import { onFiles } from "./dom.js";

const MODEL = /\.safetensors$/i;

/**
 * @param {{
 *   onPictures: OnPictures,
 *   onTraining: (files: Promise<Found[]>) => void,
 *   onModel: (file: File) => void,
 *   onNotice: Notice,
 * }} handlers
 */
export function acceptFiles({ onPictures, onTraining, onModel, onNotice }) {
  /** Files chosen one by one: everything that is not a model is tried as a picture. @param {File[]} files */
  const chosen = (files) => {
    const models = files.filter((file) => MODEL.test(file.name));
    const pictures = files.filter((file) => !MODEL.test(file.name));
    if (models.length > 1) onNotice(`You added ${models.length} model files; only ${models[0].name} is loaded.`, { about: "models" });
    if (models.length > 0) onModel(models[0]);
    if (pictures.length > 0) onPictures(pictures.map((file) => found(file)));
  };

  /** @param {number} skipped @param {number} taken */
  const tellSkipped = (skipped, taken) => {
    if (taken === 0) onNotice("The folder contains no image files (PNG, JPEG, WebP, GIF, BMP or TIFF).", { about: "folder" });
    else if (skipped > 0) onNotice(`Skipped ${skipped} ${skipped === 1 ? "file in the folder that does" : "files in the folder that do"} not have the extension of an image file.`, { about: "folder" });
  };

  /** @param {FileSystemEntry[]} directories */
  const folders = async (directories) => {
    let skipped = 0;
    let taken = 0;
    /** @type {Found[]} */
    let part = [];
    const flush = () => {
      if (part.length > 0) onPictures(part);
      part = [];
    };
    try {
      for (const directory of directories) {
        await walk(directory, (file, path) => {
          if (!PICTURE.test(file.name)) {
            skipped++;
            return;
          }
          taken++;
          part.push(found(file, path));
          if (part.length >= 100) flush();
        });
      }
    } catch (error) {
      onNotice(`The folder could not be read completely: ${reasonOf(error)}`, { bad: true, about: "folder-error" });
    }
    flush();
    tellSkipped(skipped, taken);
  };

  // --- inputs
  onFiles("files", chosen);
  onFiles("folder", (files) => {
    const pictures = files.filter((file) => PICTURE.test(file.name));
    pictures.sort((a, b) => a.webkitRelativePath.localeCompare(b.webkitRelativePath, "en", { numeric: true }));
    if (pictures.length > 0) onPictures(pictures.map((file) => found(file)));
    tellSkipped(files.length - pictures.length, pictures.length);
  });
  onFiles("model-file", (files) => onModel(files[0]));

  // --- drop: anywhere on the page
  const root = document.documentElement;
  let depth = 0;
  const carriesFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
  const trains = (/** @type {DragEvent} */ event) => event.target instanceof Element && event.target.closest("#train") !== null;
  addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth++;
    root.dataset.dragging = trains(event) ? "train" : "score";
  });
  addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    if (depth === 0) delete root.dataset.dragging;
  });
  addEventListener("dragover", (event) => {
    event.preventDefault(); // without it the browser opens the file instead
    if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    delete root.dataset.dragging;
    const data = event.dataTransfer;
    if (!data) return;
    const { directories, files } = contents(data);
    if (trains(event) && files.length + directories.length > 0) {
      onTraining(everything(directories, files));
      return;
    }
    if (files.length > 0) chosen(files);
    if (directories.length > 0) void folders(directories);
    if (files.length === 0 && directories.length === 0) {
      onNotice("You dropped a link or text, not a file. Save the image first, then drop the file: this page does not fetch anything from other sites.", { about: "drop" });
    }
  });

  // --- paste
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    chosen(files);
  });

  acceptCamera(onPictures, onNotice);
}
