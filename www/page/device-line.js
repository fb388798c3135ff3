// @ts-check
/**
 * Where the model runs, and why it does not.
 *
 * @typedef {import("./state.js").PageState} PageState
 */
import { byId } from "./dom.js";

/**
 * @param {{
 *   state: PageState, asked: string | null, notice: import("./notices.js").Notice, announce: import("./announce.js").Announce,
 * }} page `asked`: the device that the address asks for
 */
export function showDevice({ state, asked, notice, announce }) {
  const line = byId("device-words");
  const failure = byId("failure");
  if (asked && asked !== "cpu" && asked !== "webgpu") {
    notice(`The address asks for the device "${asked}". Expected cpu or webgpu; the page chooses a device itself.`, { about: "address-device" });
  }
  if (asked === "webgpu") line.textContent = "Loading the model and starting WebGPU…";
  state.addEventListener("device", (event) => {
    const reason = /** @type {CustomEvent<string>} */ (event).detail;
    const words = reason || "Runs on your CPU.";
    if (line.textContent === words) return;
    line.textContent = words;
    if (reason) announce(words, "device");
  });
  state.addEventListener("loaded", () => (failure.hidden = true));
  state.addEventListener("ready", () => announce("The model is ready."));
  state.addEventListener("failed", (event) => {
    failure.textContent = /** @type {CustomEvent<string>} */ (event).detail;
    failure.hidden = false;
    line.textContent = "The model is not running.";
  });
}
