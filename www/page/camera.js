// @ts-check
/** The camera, for one image to score and for many to train on. */
import { reasonOf } from "../lib/format.js";
import { byId, element, find } from "./dom.js";

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
  const canvas = element("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/**
 * The button that opens the camera, and the one in its dialog that takes an image.
 * @param {(pictures: import("../lib/walk.js").Found[]) => void} onPictures @param {import("./notices.js").Notice} onNotice
 */
export function acceptCamera(onPictures, onNotice) {
  const button = byId("camera");
  const dialog = byId("camera-dialog", HTMLDialogElement);
  const video = find(dialog, "video", HTMLVideoElement);
  const said = byId("camera-said");
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
      onNotice(reasonOf(error), { about: "camera" });
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
  byId("camera-take").addEventListener("click", async () => {
    if (!video.videoWidth) return;
    const blob = await frameOf(video);
    if (!blob) return;
    const name = `camera-${++taken}.png`;
    onPictures([{ name, path: name, blob }]);
    said.textContent = `${name} captured.`;
  });
}
