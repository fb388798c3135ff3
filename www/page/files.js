// @ts-check
/**
 * The ways in: drop (with folders), paste, file and folder inputs, camera. Files are handed on as
 * they are found and not read here. What is dropped on the training section is handed on to that.
 *
 * @typedef {import("../lib/walk.js").Found} Found
 * @typedef {(pictures: Found[]) => void} OnPictures
 * @typedef {import("./notices.js").Notice} Notice
 */
import { PICTURE, contents, everything, found, walk } from "../lib/walk.js";

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
      onNotice(`The folder could not be read completely: ${error instanceof Error ? error.message : error}`, { bad: true, about: "folder-error" });
    }
    flush();
    tellSkipped(skipped, taken);
  };

  // --- inputs
  const input = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (document.getElementById(id));
  const onChange = (/** @type {HTMLInputElement} */ element, /** @type {(files: File[]) => void} */ take) => {
    element.addEventListener("change", () => {
      const files = [...(element.files ?? [])];
      element.value = ""; // so that the same file can be chosen again
      if (files.length > 0) take(files);
    });
  };
  onChange(input("files"), chosen);
  onChange(input("folder"), (files) => {
    const pictures = files.filter((file) => PICTURE.test(file.name));
    pictures.sort((a, b) => a.webkitRelativePath.localeCompare(b.webkitRelativePath, "en", { numeric: true }));
    if (pictures.length > 0) onPictures(pictures.map((file) => found(file)));
    tellSkipped(files.length - pictures.length, pictures.length);
  });
  onChange(input("model-file"), (files) => onModel(files[0]));

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

/** Whether there is a camera interface: not on a page without https. */
export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

/** Opens the camera. Throws an `Error` with words for people. @returns {Promise<MediaStream>} */
export async function openCamera() {
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  } catch (error) {
    const denied = error instanceof DOMException && error.name === "NotAllowedError";
    throw new Error(denied
      ? "The browser blocked the camera. Allow it in the site settings, next to the address, and try again."
      : "No camera could be opened.");
  }
}

/** What the camera shows now, as a PNG file. @param {HTMLVideoElement} video @returns {Promise<Blob | null>} */
export function frameOf(video) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** @param {OnPictures} onPictures @param {Notice} onNotice */
function acceptCamera(onPictures, onNotice) {
  const button = /** @type {HTMLButtonElement} */ (document.getElementById("camera"));
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("camera-dialog"));
  const video = /** @type {HTMLVideoElement} */ (dialog.querySelector("video"));
  const take = /** @type {HTMLButtonElement} */ (document.getElementById("camera-take"));
  const said = /** @type {HTMLElement} */ (document.getElementById("camera-said"));
  if (!hasCamera()) {
    button.hidden = true;
    return;
  }
  /** @type {MediaStream | null} */
  let stream = null;
  let taken = 0;
  const stop = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
  };
  button.addEventListener("click", async () => {
    let opened;
    try {
      opened = await openCamera();
    } catch (error) {
      onNotice(error instanceof Error ? error.message : String(error), { about: "camera" });
      return;
    }
    stop();
    stream = opened;
    said.textContent = "";
    video.srcObject = stream;
    dialog.showModal();
    await video.play().catch(() => {});
  });
  dialog.addEventListener("close", stop);
  take.addEventListener("click", async () => {
    if (!video.videoWidth) return;
    const blob = await frameOf(video);
    if (!blob) return;
    const name = `camera-${++taken}.png`;
    onPictures([{ name, path: name, blob }]);
    said.textContent = `${name} captured.`;
  });
}
