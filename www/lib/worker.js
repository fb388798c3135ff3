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
 * @typedef {import("./engine.js").Model} Model
 * @typedef {import("./engine.js").Opened} Opened
 * @typedef {Opened & { model: Model | null }} Engine
 * @typedef {{ type: "gpu-ready", gpu: Engine, loaded: Blob, reason: string }} GpuReady  what the worker tells itself
 */
import { isPanic, isStopped, onDeviceLost, openModule, openWebGpu, optimisationWatch, selfCheck, text, UserError } from "./engine.js";
import { answerWithin, Guard } from "./guard.js";
import { readOrRender, renderPart } from "./parts.js";
import { asPngs, encodePng } from "./png.js";

/** How long WebGPU may take for one batch, or for the next step of its optimisation, before it counts as lost. */
const GPU_BATCH_LIMIT_MS = 60_000;

/** @type {Guard<ToWorker | GpuReady, FromWorker>} */
const guard = new Guard();
/** @type {Engine | null} */
let engine = null;
/** @type {Blob | null} the model in use */
let modelBlob = null;
/** @type {"auto" | "cpu" | "webgpu"} */
let wanted = "auto";
/** Why the device in use is the one in use. */
let deviceReason = "";
let gpuTried = false;
/** Batches that were asked for and not answered yet. @type {Map<number, { cancelled: boolean }>} */
const batches = new Map();

// --- Engines ---------------------------------------------------------------------------------

/** @param {"cpu" | "webgpu"} kind @returns {Promise<Engine>} */
async function openEngine(kind) {
  return { ...(await openModule(kind)), model: null };
}

/** @param {Opened} target @param {Blob} blob */
async function loadInto(target, blob) {
  return target.module.Model.load(target.device, new Uint8Array(await blob.arrayBuffer()));
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

/**
 * Does WebGPU give the score that it should? Throws `UserError` when not.
 * @param {Model} model @param {Blob} blob its file
 */
async function check(model, blob) {
  if (await selfCheck(model)) return;
  const cpu = engine?.kind === "cpu" ? engine : await openEngine("cpu");
  cpu.model ??= await loadInto(cpu, blob);
  const picture = await testPicture();
  const scores = [];
  for (const on of [cpu.model, model]) {
    const [one] = await on.score([picture]);
    scores.push("score" in one ? one.score : NaN);
  }
  if (!(Math.abs(scores[0] - scores[1]) <= 1e-3)) {
    throw new UserError(`WebGPU computed the score ${scores[1]} for a test image where the CPU computed ${scores[0]}`);
  }
}

/** @returns {Promise<{ gpu: Engine, loaded: Blob, reason: string }>} */
async function startGpu() {
  const { result, reason } = await openWebGpu(wanted, async (opened) => {
    const loaded = /** @type {Blob} */ (modelBlob);
    const model = await loadInto(opened, loaded);
    await check(model, loaded);
    return { gpu: { ...opened, model }, loaded };
  });
  return { ...result, reason };
}

/** @param {Engine} opened */
function use(opened) {
  engine = opened;
  guard.kind = opened.kind;
  return opened;
}

/** @param {Engine} gpu @param {string} reason */
function takeOver(gpu, reason) {
  use(gpu);
  deviceReason = reason;
  onDeviceLost((why) => guard.fatal("device-lost", why));
  guard.post({ type: "device", device: "webgpu", reason });
}

/** Brings WebGPU up behind the CPU, while the CPU goes on scoring. */
async function upgrade() {
  gpuTried = true;
  try {
    guard.push({ type: "gpu-ready", ...(await startGpu()) });
  } catch (error) {
    deviceReason = `Runs on your CPU: ${text(error)}.`;
    guard.post({ type: "device", device: "cpu", reason: deviceReason });
  }
}

/** In turn, as a model may have been loaded meanwhile. @param {GpuReady} ready */
async function swap({ gpu, loaded, reason }) {
  if (loaded !== modelBlob) gpu.model = await loadInto(gpu, /** @type {Blob} */ (modelBlob));
  takeOver(gpu, reason);
}

// --- Messages --------------------------------------------------------------------------------

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
    use(await openEngine("cpu"));
  } catch (error) {
    guard.failed(error);
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
    const on = engine ?? use(await openEngine("cpu"));
    if (!(on.kind === "webgpu" && on.model && modelBlob === blob)) {
      const model = await loadInto(on, blob);
      on.model?.free();
      on.model = model;
      modelBlob = blob;
    }
  } catch (error) {
    if (isPanic(error)) {
      guard.post({ type: "load-failed", id, reason: "the program stopped while reading this file" });
      throw error;
    }
    modelBlob = before;
    // With no model yet, WebGPU could not be checked: the next model may try again.
    if (wanted === "webgpu" && !before) gpuTried = false;
    guard.post({ type: "load-failed", id, reason: text(error) });
    return;
  }
  const { kind, module, model } = /** @type {Engine} */ (engine);
  guard.post({ type: "loaded", id, info: /** @type {Model} */ (model).info(), build: module.build_info(), lines: module.product_lines(), device: kind, reason: deviceReason });
  if (!gpuTried) {
    // After the first pictures, so that the larger module does not stand in their way.
    gpuTried = true;
    setTimeout(() => void upgrade(), 250);
  }
}

/** @param {Engine} on @param {Uint8Array[]} files @param {(step: number, steps: number) => boolean} onOptimisation */
function scoreOn({ kind, model }, files, onOptimisation) {
  if (!model) throw new UserError("No model is loaded.");
  const limit = kind === "cpu" ? Infinity : GPU_BATCH_LIMIT_MS;
  return answerWithin(limit, new UserError("no response within a minute"), (alive) =>
    model.score(files, (step, steps) => {
      alive();
      return onOptimisation(step, steps);
    }));
}

/** Tells how far a batch's latent optimisation is; false ends it. @param {number} id @param {number} pictures */
function optimising(id, pictures) {
  return optimisationWatch((step, steps) => guard.post({ type: "optimising", id, step, steps, pictures }), () => !batches.get(id)?.cancelled);
}

/** @param {{ id: number, items: { key: number, source: import("./protocol.js").Source }[] }} message */
async function score(message) {
  try {
    if (batches.get(message.id)?.cancelled) guard.post({ type: "stopped", id: message.id });
    else await scoreBatch(message);
  } finally {
    batches.delete(message.id);
  }
}

/** @param {{ id: number, items: { key: number, source: import("./protocol.js").Source }[] }} message */
async function scoreBatch({ id, items }) {
  const on = /** @type {Engine} */ (engine);
  const began = performance.now();
  const reads = await Promise.allSettled(items.map((item) => readOrRender(on.module, item.source)));
  /** @type {Uint8Array[]} */
  const files = [];
  for (const one of reads) {
    if (one.status === "fulfilled") files.push(one.value.file);
    else if (isPanic(one.reason)) return guard.fatal("panic", one.reason);
  }

  /** @type {Scored[]} */
  let scored = [];
  if (files.length > 0) {
    try {
      scored = await scoreOn(on, files, optimising(id, files.length));
    } catch (error) {
      if (isStopped(error)) {
        guard.post({ type: "stopped", id });
        return;
      }
      if (on.kind === "webgpu") return guard.fatal("device-lost", error);
      if (isPanic(error)) return guard.fatal("panic", error);
      scored = files.map(() => ({ error: text(error) }));
    }
    if (on.kind === "webgpu" && scored.some((one) => !("error" in one) && !Number.isFinite(one.score))) {
      return guard.fatal("device-lost", "WebGPU computed a score that is not a number");
    }
  }

  /** @type {Transferable[]} */
  const transfer = [];
  let next = 0;
  /** @type {Promise<Scored>[]} */
  const results = reads.map(async (one) => {
    if (one.status === "rejected") return { error: text(one.reason) };
    const result = scored[next++];
    if ("error" in result) return result;
    if (!Number.isFinite(result.score)) return { error: "The model's score for this image is not a number." };
    const { rendered } = one.value;
    if (rendered) transfer.push(rendered.file.buffer);
    return { ...result, ...(await asPngs(result, transfer)), ...(rendered && { rendered }) };
  });
  const all = await Promise.all(results);
  guard.post({
    type: "scored",
    id,
    device: on.kind,
    elapsedMs: performance.now() - began,
    results: all.map((result, i) => ({ key: items[i].key, result })),
  }, transfer);
}

/** @param {{ id: number, part: import("./protocol.js").PartRequest }} message */
async function render({ id, part }) {
  const { module } = /** @type {Engine} */ (engine);
  try {
    const rendered = await renderPart(module, part);
    guard.post({ type: "rendered", id, rendered }, [rendered.file.buffer]);
  } catch (error) {
    if (isPanic(error)) throw error;
    guard.post({ type: "render-failed", id, reason: text(error) });
  }
}

/** @param {{ id: number, threshold: number, scores: Float64Array<ArrayBuffer> }} message */
async function display({ id, threshold, scores }) {
  const values = /** @type {Float64Array<ArrayBuffer> | undefined} */ (engine?.model?.display_scores(threshold, scores))
    ?? new Float64Array(scores.length).fill(NaN);
  guard.post({ type: "displayed", id, values }, [values.buffer]);
}

guard.serve({
  hear(message) {
    if (message.type === "score") batches.set(message.id, { cancelled: false });
    if (message.type !== "cancel") return false;
    // Not in turn: an optimisation that is under way looks at it.
    const batch = batches.get(message.id);
    if (batch) batch.cancelled = true;
    return true;
  },
  async take(message) {
    switch (message.type) {
      case "open":
        return open(message);
      case "load":
        return load(message);
      case "score":
        return score(message);
      case "render":
        return render(message);
      case "display":
        return display(message);
      case "gpu-ready":
        return swap(message);
    }
  },
  failed: (error) => guard.fatal("panic", error),
});
