// @ts-check
/**
 * Opens the modules of `pkg/` on a device, for the scoring worker and the training worker: each has
 * an instance of its own. Runs in workers only.
 *
 * @typedef {typeof import("../pkg/cpu/skip_ganomaly.js")} Module
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").Device} Device
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").Model} Model
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").Training} Training
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").TrainingPictures} TrainingPictures
 * @typedef {{ kind: "cpu" | "webgpu", module: Module, device: Device, memory: WebAssembly.Memory }} Opened
 * @typedef {{ software: boolean, words: string, limits: { maxBufferSize: number, maxStorageBufferBindingSize: number } }} Adapter
 */
/** A file larger than this is refused before it is read. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;
/** How long WebGPU may take to start before the page stops waiting for it. */
const GPU_START_LIMIT_MS = 120_000;

/** Thrown for what a person should read as it stands. */
export class UserError extends Error {}

/** @param {unknown} error */
export function text(error) {
  const message = error instanceof Error ? error.message : String(error);
  return message.trim() || "no reason was given";
}

/** After a panic the instance that had it cannot be used any more. @param {unknown} error */
export const isPanic = (error) => error instanceof WebAssembly.RuntimeError;

/** A latent optimisation ended because its caller said so. @param {unknown} error */
export const isStopped = (error) => error instanceof Error && error.name === "Stopped";

/** Its progress is told at most this often. */
const OPTIMISATION_TOLD_MS = 200;

/**
 * What the module calls during a latent optimisation: it tells how far that is, and ends it once it is not wanted.
 * @param {(step: number, steps: number) => void} tell @param {() => boolean} wanted
 */
export function optimisationWatch(tell, wanted) {
  let told = performance.now();
  return (/** @type {number} */ step, /** @type {number} */ steps) => {
    const now = performance.now();
    if (now - told >= OPTIMISATION_TOLD_MS) {
      told = now;
      tell(step, steps);
    }
    return wanted();
  };
}

// --- Files -----------------------------------------------------------------------------------

/** The page's folder. */
const SITE = new URL("../", import.meta.url);

/** @param {string} path relative to it */
export async function fetchOk(path) {
  const url = new URL(path, SITE);
  let response;
  try {
    response = await fetch(url);
  } catch {
    throw new UserError(`${url.pathname} could not be fetched. Check the connection and reload.`);
  }
  if (!response.ok) throw new UserError(`${url.pathname} could not be fetched: the server answered ${response.status}.`);
  return response;
}

/** @param {import("./protocol.js").FileSource} source @returns {Promise<Uint8Array>} */
export async function read(source) {
  if ("url" in source) {
    const response = await fetchOk(source.url);
    return new Uint8Array(await response.arrayBuffer());
  }
  const { blob } = source;
  if (blob.size > MAX_FILE_BYTES) {
    throw new UserError(`The file is ${(blob.size / 1048576).toFixed(0)} MB; the limit is ${MAX_FILE_BYTES / 1048576} MB.`);
  }
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch {
    throw new UserError("The file could not be read. It may have been moved, changed or locked since it was added.");
  }
}

// --- Modules ---------------------------------------------------------------------------------

/** A module of one function that makes a vector: few bytes, before a megabyte is fetched. */
const SIMD = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11);

const tooOld = () => new UserError("This browser cannot run the program: it needs WebAssembly with SIMD (Chrome 91, Firefox 114, Safari 16.4 or newer).");

/** @param {"cpu" | "webgpu"} kind @returns {Promise<Opened>} */
export async function openModule(kind) {
  if (!globalThis.WebAssembly?.validate(SIMD)) throw tooOld();
  const wasm = fetchOk(kind === "cpu" ? "./pkg/cpu/skip_ganomaly_bg.wasm" : "./pkg/gpu/skip_ganomaly_bg.wasm");
  wasm.catch(() => {}); // reported below, by the await
  /** @type {Module} */
  let module;
  try {
    // The classes of both have the same methods, but each a private constructor of its own.
    module = kind === "cpu"
      ? await import("../pkg/cpu/skip_ganomaly.js")
      : /** @type {Module} */ (/** @type {unknown} */ (await import("../pkg/gpu/skip_ganomaly.js")));
  } catch {
    await wasm; // says more, where it failed as well
    throw new UserError("The program files could not be loaded. Check the connection and reload.");
  }
  const response = await wasm;
  let memory;
  try {
    ({ memory } = await module.default({ module_or_path: response }));
  } catch (error) {
    throw error instanceof WebAssembly.CompileError ? tooOld() : error;
  }
  module.start();
  const device = await module.Device.open(kind);
  return { kind, module, device, memory };
}

// --- WebGPU ----------------------------------------------------------------------------------

/**
 * Is there an adapter worth using? Throws `UserError` with the reason when not.
 * @param {"auto" | "cpu" | "webgpu"} wanted a software adapter is taken only where WebGPU was asked for
 * @returns {Promise<Adapter>}
 */
async function findAdapter(wanted) {
  const gpu = navigator.gpu;
  if (!gpu) throw new UserError("this browser has no WebGPU");
  let adapter;
  try {
    adapter = await gpu.requestAdapter();
  } catch {
    adapter = null;
  }
  if (!adapter) throw new UserError("this browser has no WebGPU adapter");
  /** @type {Partial<GPUAdapterInfo>} older browsers have none */
  const info = adapter.info ?? {};
  const words = [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(" ");
  const fallback = info.isFallbackAdapter ?? ("isFallbackAdapter" in adapter && adapter.isFallbackAdapter);
  const software = Boolean(fallback) || /swiftshader|llvmpipe|software/i.test(words);
  if (software && wanted !== "webgpu") {
    throw new UserError("the only WebGPU adapter here is a software adapter, which is slower");
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return { software, words, limits: { maxBufferSize, maxStorageBufferBindingSize } };
}

/**
 * Compares the scores of built-in images with those in the model file: a device can be wrong
 * without saying so. False where the file has none; throws `UserError` where they differ.
 * @param {Model} model
 */
export async function selfCheck(model) {
  const stored = await model.self_check();
  if (stored && !stored.passed) throw new UserError(`WebGPU computed ${stored.got} as ${stored.part} of a built-in image, where the model file states ${stored.expected}`);
  return Boolean(stored);
}

/** @type {((reason: string) => void) | null} */
let listener = null;

/** Who is told when the WebGPU device is lost; null for nobody. @param {typeof listener} listen */
export function onDeviceLost(listen) {
  listener = listen;
}

/** Tells that the device is lost. False where nobody listens. @param {string} reason */
export function tellDeviceLost(reason) {
  listener?.(reason);
  return listener !== null;
}

let watching = false;

/** Watches every device that the module asks for: the module itself is told too late, or by a panic. */
function watchDevices() {
  if (watching || !globalThis.GPUAdapter) return;
  watching = true;
  const original = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await original.apply(this, args);
    void device.lost.then((info) => tellDeviceLost(info?.message || info?.reason || "no reason was given"));
    return device;
  };
}

/**
 * Opens the WebGPU module, then calls `ready` with it; all within two minutes. Throws `UserError` with
 * the reason where WebGPU is not to be used. The caller then says who is told of a lost device.
 *
 * @template T
 * @param {"auto" | "cpu" | "webgpu"} wanted
 * @param {(gpu: Opened) => Promise<T>} ready
 * @returns {Promise<{ result: T, adapter: Adapter, reason: string }>}
 */
export async function openWebGpu(wanted, ready) {
  const adapter = await findAdapter(wanted);
  watchDevices();
  /** @type {(why: string) => void} */
  let lost = () => {};
  /** @type {Promise<never>} */
  const failure = new Promise((_, reject) => {
    lost = (why) => reject(new UserError(`the WebGPU device was lost during start-up (${why})`));
    setTimeout(() => reject(new UserError("WebGPU did not start within two minutes")), GPU_START_LIMIT_MS);
  });
  failure.catch(() => {});
  onDeviceLost(lost);
  try {
    const started = openModule("webgpu").then(ready);
    started.catch(() => {});
    const result = await Promise.race([started, failure]);
    const reason = adapter.software
      ? "Runs on WebGPU with a software adapter, as set in the address."
      : "Runs on your GPU (WebGPU).";
    return { result, adapter, reason };
  } catch (error) {
    onDeviceLost(null);
    throw error instanceof UserError ? error : new UserError(`WebGPU could not be started (${text(error)})`);
  }
}
