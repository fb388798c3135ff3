// @ts-check
/**
 * The worker that runs the model on pictures to score.
 *
 * It opens the CPU module first, so that a picture is scored soon, and looks for WebGPU behind it.
 * WebGPU takes over only after it gave the score that the model file says it should give.
 * Work is done one message after another; a swap of devices happens between two batches.
 *
 * @typedef {import("./protocol.js").ToWorker} ToWorker
 * @typedef {import("./protocol.js").FromWorker} FromWorker
 * @typedef {import("./protocol.js").Scored} Scored
 * @typedef {import("./engine.js").Opened & { model: any }} Engine
 */
import { encodePng } from "./png.js";
import { isPanic, isStopped, onDeviceLost, openModule, openWebGpu, read, searchWatch, selfCheck, tellDeviceLost, text, UserError } from "./engine.js";

const scope = /** @type {any} */ (globalThis);

/** How long WebGPU may take for one batch, or for the next step of its search, before it counts as lost. */
const GPU_BATCH_LIMIT_MS = 60_000;

/** @type {Engine | null} */
let engine = null;
/** @type {Blob | null} the model in use */
let modelBlob = null;
/** @type {"auto" | "cpu" | "webgpu"} */
let wanted = "auto";
/** Why the device in use is the one in use. */
let deviceReason = "";
let gpuTried = false;
/** Set once this worker can no longer be trusted; the page then starts a new one. */
let dead = false;
/** Batches that were asked for and not answered yet. @type {Map<number, { cancelled: boolean }>} */
const batches = new Map();

/** @param {FromWorker} message @param {Transferable[]} [transfer] */
function post(message, transfer = []) {
  scope.postMessage(message, transfer);
}

/** @param {"panic" | "device-lost"} cause @param {string} reason */
function fatal(cause, reason) {
  if (dead) return;
  dead = true;
  post({ type: "fatal", cause, reason });
}

// --- Engines ---------------------------------------------------------------------------------

/** @param {"cpu" | "webgpu"} kind @returns {Promise<Engine>} */
async function openEngine(kind) {
  return { ...(await openModule(kind)), model: null };
}

/** @param {Engine} target @param {Blob} blob */
async function loadInto(target, blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const model = target.module.Model.load(target.device, bytes);
  return model;
}

// --- WebGPU ----------------------------------------------------------------------------------

/** A picture made here, for a model file that stores no score to compare with. */
function testPicture() {
  const size = 64;
  const rgba = new Uint8Array(size * size * 4);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const at = (y * size + x) * 4;
      rgba[at] = x * 4;
      rgba[at + 1] = y * 4;
      rgba[at + 2] = (x ^ y) * 4;
    }
  }
  return encodePng(rgba, size);
}

/** Does the engine give the score that it should? Throws `UserError` when not. @param {Engine} gpu */
async function check(gpu) {
  if (await selfCheck(gpu.model)) return;
  const cpu = engine?.kind === "cpu" ? engine : await openEngine("cpu");
  if (!cpu.model) cpu.model = await loadInto(cpu, /** @type {Blob} */ (modelBlob));
  const picture = await testPicture();
  const [a] = await cpu.model.score([picture]);
  const [b] = await gpu.model.score([picture]);
  if (!(Math.abs(a.score - b.score) <= 1e-3)) {
    throw new UserError(`WebGPU computed the score ${b.score} for a test image where the CPU computed ${a.score}`);
  }
}

/** @returns {Promise<{ gpu: Engine, loaded: Blob, reason: string }>} */
async function startGpu() {
  const { result, reason } = await openWebGpu(wanted, async (opened) => {
    /** @type {Engine} */
    const gpu = { ...opened, model: null };
    const loaded = /** @type {Blob} */ (modelBlob);
    gpu.model = await loadInto(gpu, loaded);
    await check(gpu);
    return { gpu, loaded };
  });
  return { ...result, reason };
}

/** @param {Engine} gpu @param {string} reason */
function takeOver(gpu, reason) {
  engine = gpu;
  deviceReason = reason;
  onDeviceLost((why) => fatal("device-lost", why));
  post({ type: "device", device: "webgpu", reason });
}

/** Brings WebGPU up behind the CPU, while the CPU goes on scoring. */
async function upgrade() {
  gpuTried = true;
  try {
    const { gpu, loaded, reason } = await startGpu();
    serial(async () => {
      if (loaded !== modelBlob) gpu.model = await loadInto(gpu, /** @type {Blob} */ (modelBlob));
      takeOver(gpu, reason);
    });
  } catch (error) {
    deviceReason = `Runs on your CPU: ${text(error)}.`;
    post({ type: "device", device: "cpu", reason: deviceReason });
  }
}

// --- Messages --------------------------------------------------------------------------------

/** @type {Promise<void>} */
let tail = Promise.resolve();
/** @param {() => Promise<void>} work */
function serial(work) {
  tail = tail.then(async () => {
    if (dead) return;
    try {
      await work();
    } catch (error) {
      fatal("panic", text(error));
    }
  });
}

/** @param {{ device: "auto" | "cpu" | "webgpu", reason?: string }} message */
async function open(message) {
  wanted = message.device;
  if (wanted === "cpu") {
    gpuTried = true;
    deviceReason = message.reason ?? "Runs on your CPU, as set in the address.";
  }
  // A forced WebGPU needs the model before it can be checked: it is opened by the first load.
  if (wanted === "webgpu") return;
  try {
    engine = await openEngine("cpu");
  } catch (error) {
    dead = true;
    post({ type: "failed", reason: text(error) });
  }
}

/** @param {{ id: number, model: Blob }} message */
async function load({ id, model: blob }) {
  const before = modelBlob;
  try {
    if (wanted === "webgpu" && !gpuTried) {
      gpuTried = true;
      modelBlob = blob;
      try {
        const { gpu, reason } = await startGpu();
        takeOver(gpu, reason);
      } catch (error) {
        deviceReason = `Runs on your CPU, although the address asks for WebGPU: ${text(error)}.`;
      }
    }
    engine ??= await openEngine("cpu");
    if (!(engine.kind === "webgpu" && engine.model && modelBlob === blob)) {
      const model = await loadInto(engine, blob);
      engine.model?.free();
      engine.model = model;
      modelBlob = blob;
    }
  } catch (error) {
    if (isPanic(error)) {
      post({ type: "load-failed", id, reason: "the program stopped while reading this file" });
      throw error;
    }
    modelBlob = before;
    // With no model yet, WebGPU could not be checked: the next model may try again.
    if (wanted === "webgpu" && !before) gpuTried = false;
    post({ type: "load-failed", id, reason: text(error) });
    return;
  }
  post({
    type: "loaded",
    id,
    info: engine.model.info(),
    build: engine.module.build_info(),
    device: engine.kind,
    reason: deviceReason,
  });
  if (!gpuTried) {
    // After the first pictures, so that the larger module does not stand in their way.
    gpuTried = true;
    setTimeout(() => void upgrade(), 250);
  }
}

/** @param {Engine} on @param {Uint8Array[]} files @param {(step: number, steps: number) => boolean} onSearch */
async function scoreOn(on, files, onSearch) {
  if (on.kind === "cpu") return on.model.score(files, onSearch);
  let timer = 0;
  /** @type {(error: Error) => void} */
  let giveUp = () => {};
  const late = new Promise((_, reject) => (giveUp = reject));
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => giveUp(new UserError("no response within a minute")), GPU_BATCH_LIMIT_MS);
  };
  wait();
  try {
    const scored = on.model.score(files, (/** @type {number} */ step, /** @type {number} */ steps) => {
      wait(); // a search that moves on is alive, however long it takes in all
      return onSearch(step, steps);
    });
    return await Promise.race([scored, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Tells how far a batch's search is; false ends it. @param {number} id @param {number} pictures */
function searching(id, pictures) {
  return searchWatch((step, steps) => post({ type: "searching", id, step, steps, pictures }), () => !batches.get(id)?.cancelled);
}

/** @param {{ id: number, items: { key: number, source: import("./protocol.js").Source }[] }} message */
async function score(message) {
  try {
    if (batches.get(message.id)?.cancelled) post({ type: "stopped", id: message.id });
    else await scoreBatch(message);
  } finally {
    batches.delete(message.id);
  }
}

/** @param {{ id: number, items: { key: number, source: import("./protocol.js").Source }[] }} message */
async function scoreBatch({ id, items }) {
  const on = /** @type {Engine} */ (engine);
  const began = performance.now();
  const reads = await Promise.allSettled(items.map((item) => read(item.source)));
  /** @type {Uint8Array[]} */
  const files = [];
  for (const one of reads) if (one.status === "fulfilled") files.push(one.value);

  /** @type {any[]} */
  let scored = [];
  if (files.length > 0) {
    try {
      scored = await scoreOn(on, files, searching(id, files.length));
    } catch (error) {
      if (isStopped(error)) {
        post({ type: "stopped", id });
        return;
      }
      if (on.kind === "webgpu") return fatal("device-lost", text(error));
      if (isPanic(error)) return fatal("panic", text(error));
      scored = files.map(() => ({ error: text(error) }));
    }
    if (on.kind === "webgpu" && scored.some((one) => !("error" in one) && !Number.isFinite(one.score))) {
      return fatal("device-lost", "WebGPU computed a score that is not a number");
    }
  }
  if (dead) return;

  /** @type {Transferable[]} */
  const transfer = [];
  let next = 0;
  /** @type {Promise<Scored>[]} */
  const results = reads.map(async (one) => {
    if (one.status === "rejected") return { error: text(one.reason) };
    const { input, reconstruction, heat, ...rest } = scored[next++];
    if (rest.error !== undefined) return { error: String(rest.error) };
    if (!Number.isFinite(rest.score)) return { error: "The model's score for this image is not a number." };
    const [inputPng, reconstructionPng, heatPng] = await Promise.all([
      encodePng(input, rest.size),
      reconstruction ? encodePng(reconstruction, rest.size) : null,
      encodePng(heat, rest.size),
    ]);
    transfer.push(inputPng.buffer, heatPng.buffer);
    if (reconstructionPng) transfer.push(reconstructionPng.buffer);
    return { ...rest, input: inputPng, reconstruction: reconstructionPng, heat: heatPng };
  });
  const all = await Promise.all(results);
  if (dead) return;
  post({
    type: "scored",
    id,
    device: on.kind,
    elapsedMs: performance.now() - began,
    results: all.map((result, i) => ({ key: items[i].key, result })),
  }, transfer);
}

/** @param {{ id: number, threshold: number, scores: Float64Array<ArrayBuffer> }} message */
async function display({ id, threshold, scores }) {
  const values = new Float64Array(scores.length).fill(NaN);
  if (engine?.model) {
    const header = engine.model.info().header;
    for (let i = 0; i < scores.length; i++) {
      values[i] = engine.module.display_score(header, threshold, scores[i]) ?? NaN;
    }
  }
  post({ type: "displayed", id, values }, [values.buffer]);
}

scope.onmessage = (/** @type {MessageEvent<ToWorker>} */ { data }) => {
  if (data.type === "open") serial(() => open(data));
  else if (data.type === "load") serial(() => load(data));
  else if (data.type === "score") {
    batches.set(data.id, { cancelled: false });
    serial(() => score(data));
  } else if (data.type === "cancel") {
    // Not in turn: a search that is under way looks at it.
    const batch = batches.get(data.id);
    if (batch) batch.cancelled = true;
  }
  else if (data.type === "display") serial(() => display(data));
};

// A panic in a task that the module started itself reaches nobody's await. Before WebGPU took over
// it only ends that attempt; afterwards the worker cannot be trusted.
/** @param {unknown} error */
function onUnhandled(error) {
  if (engine?.kind === "webgpu") fatal("device-lost", text(error));
  else if (!tellDeviceLost(text(error)) && isPanic(error)) fatal("panic", text(error));
}
scope.addEventListener("error", (/** @type {ErrorEvent} */ event) => {
  event.preventDefault();
  onUnhandled(event.error ?? event.message);
});
scope.addEventListener("unhandledrejection", (/** @type {PromiseRejectionEvent} */ event) => {
  event.preventDefault();
  onUnhandled(event.reason);
});
