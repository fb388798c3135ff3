// @ts-check
/**
 * The worker that trains. It has an instance of the module of its own, so that scoring goes on
 * whatever happens here.
 *
 * What it is asked for waits in a queue; between two steps it takes what has come. One thing is
 * done at a time, so no two calls of a run are ever under way together. Only "pause" is looked at
 * at once, as it may have to wait for nothing.
 *
 * @typedef {import("./protocol.js").ToTrainer} ToTrainer
 * @typedef {import("./protocol.js").FromTrainer} FromTrainer
 * @typedef {import("./protocol.js").TrainFile} TrainFile
 * @typedef {import("./protocol.js").State} State
 * @typedef {import("./protocol.js").Update} Update
 * @typedef {import("./protocol.js").Planned} Planned
 * @typedef {import("./protocol.js").GivenSettings} GivenSettings
 * @typedef {import("./store.js").Pictures} Pictures
 * @typedef {import("../engine.js").Opened} Opened
 * @typedef {import("../engine.js").Training} Training
 */
import { fetchOk, isPanic, isStopped, onDeviceLost, openModule, openWebGpu, selfCheck, text, UserError } from "../engine.js";
import { Guard } from "../guard.js";
import { SOLAR, setOf } from "../sets.js";
import { prepare, settingsOf, Superseded } from "./pictures.js";
import { limitsOf, planWords, weigh } from "./planner.js";
import { rehearse } from "./rehearse.js";
import { Run } from "./run.js";
import { loadRun } from "./store.js";
import { yieldNow } from "./yield.js";

/** Progress is told at most this often. */
const PROGRESS_MS = 100;
/** A worker that was ended lets go of its run a little later. */
const LOCK_LIMIT_MS = 5_000;
/** The reason for a lost device comes within this time, if it comes. */
const LOST_WORD_MS = 250;
/** The seed of the faults that a model is measured with. */
const MEASURED_WITH = 0;
/** A run by minutes may take this many times the steps that its rehearsal promised: the clock ends it, not they. */
const SPARE_STEPS = 5;

/** @type {Opened & { limits: import("./planner.js").Limits } | null} */
let engine = null;
/** @type {Guard<ToTrainer, FromTrainer>} */
const guard = new Guard();
const { waiting } = guard;
/** @type {{ files: TrainFile[], given: GivenSettings } | null} the pictures chosen last */
let chosen = null;
/** @type {Pictures | null} prepared from them, or stored with a run */
let pictures = null;
/** @type {Run | null} */
let run = null;
/** The run that was asked for last, until it ends. @type {string | null} */
let current = null;
/** @type {State} */
let state = "idle";
/** What a step was measured to take, by settings. @type {Map<string, { stepMs: number, steps: number }>} */
const rehearsed = new Map();

/** @param {FromTrainer} message @param {Transferable[]} [transfer] */
const post = (message, transfer) => guard.post(message, transfer);

/** @param {State} next @param {string} [words] */
function setState(next, words = "") {
  state = next;
  post({ type: "state", state, run: current, step: run?.step ?? 0, totalSteps: run?.totalSteps ?? 0, words });
}

/** @param {Extract<FromTrainer, { type: "problem" }>["kind"]} kind @param {string} words */
const problem = (kind, words) => post({ type: "problem", kind, words });

/** @param {Extract<FromTrainer, { type: "progress" }>["phase"]} phase */
function throttledProgress(phase) {
  let told = -Infinity;
  return (/** @type {number} */ done, /** @type {number} */ total) => {
    const now = performance.now();
    if (done > 0 && done < total && now - told < PROGRESS_MS) return;
    told = now;
    post({ type: "progress", phase, done, total });
  };
}

const open = () => /** @type {NonNullable<typeof engine>} */ (engine);

// --- Start -----------------------------------------------------------------------------------

/** A device is trusted once it scores as the page's own model says. @param {Opened} gpu */
async function checked(gpu) {
  const file = new Uint8Array(await (await fetchOk(`./models/${setOf(SOLAR)?.model}`)).arrayBuffer());
  const model = gpu.module.Model.load(gpu.device, file);
  await selfCheck(model);
  model.free();
  return gpu;
}

/** @param {"auto" | "cpu" | "webgpu"} wanted */
async function start(wanted) {
  let reason = "Trains on your CPU.";
  if (wanted !== "cpu") {
    try {
      const { result, adapter, reason: words } = await openWebGpu(wanted, checked);
      engine = { ...result, limits: limitsOf(adapter) };
      onDeviceLost((why) => guard.fatal("device-lost", why));
      reason = words.replace("Runs", "Trains");
    } catch (error) {
      reason = `Trains on your CPU${wanted === "webgpu" ? ", although WebGPU was requested" : ""}: ${text(error)}.`;
    }
  }
  try {
    engine ??= { ...(await openModule("cpu")), limits: limitsOf(null) };
  } catch (error) {
    guard.failed(error);
    return;
  }
  guard.kind = engine.kind;
  post({ type: "device", device: engine.kind, reason });
}

// --- Pictures and plans ----------------------------------------------------------------------

/** Later pictures, or leaving, end a preparation. */
const superseded = () => waiting.some(({ type }) => type === "pictures" || type === "files" || type === "discard");

/** Prepares what was chosen. @param {GivenSettings} given */
async function prepareChosen(given) {
  const { files } = /** @type {NonNullable<typeof chosen>} */ (chosen);
  const before = state;
  setState("preparing", "Reading the images.");
  try {
    pictures = await prepare(open().module, files, given, { superseded, progress: throttledProgress("reading") });
  } finally {
    setState(before);
  }
  if (pictures.skipped.length > 0) {
    const [first] = pictures.skipped;
    const others = pictures.skipped.length - 1;
    const more = others > 0 ? `, and ${others} more` : "";
    problem("pictures", `Skipped what cannot be read: ${first.path} (${first.reason})${more}. The other images are used.`);
  }
  if (pictures.alike) problem("pictures", `All ${pictures.count} images are identical: a model would learn only that image.`);
}

/**
 * The settings of a run on the pictures, which are prepared for them, again where size or channels
 * changed.
 * @param {GivenSettings} given
 */
async function settle(given) {
  if (!pictures && !chosen) throw new UserError("Choose normal images first.");
  if (!pictures) await prepareChosen(given);
  const { suggested } = /** @type {Pictures} */ (pictures);
  const settings = settingsOf(open().module, suggested, given);
  const { size, channels } = /** @type {Pictures} */ (pictures);
  if (settings.size !== size || settings.channels !== channels) {
    if (!chosen) throw new UserError(`These images were stored at ${size} × ${size} pixels with ${channels === 1 ? "one channel" : "three channels"}. Choose the files again to use another size or number of channels.`);
    await prepareChosen({ ...given, size: settings.size, channels: settings.channels });
  }
  return { settings, pictures: /** @type {Pictures} */ (pictures) };
}

/** @param {Pictures} from */
const trainingPictures = (from) => open().module.TrainingPictures.from_bytes(from.training);

/** @param {{ id: number, files: TrainFile[], given: GivenSettings }} message */
async function takePictures({ id, files, given }) {
  chosen = { files, given };
  pictures = null;
  rehearsed.clear();
  await prepareChosen(given);
  const { count, counts, layout, said, skipped, leftOut, suggested, digest, alike } = /** @type {Pictures} */ (/** @type {unknown} */ (pictures));
  const settings = settingsOf(open().module, suggested, given);
  const { held_out: heldOut } = open().module.plan_run(settings, count);
  post({ type: "prepared", id, layout, said, pictures: count, labelled: counts, skipped, leftOut, suggested, settings, heldOut, digest, alike });
}

/**
 * How many steps, how long, how much memory. `steps` of the settings are those of the plan.
 * @param {GivenSettings} given @param {number | null} minutes @param {() => boolean} leave
 * @returns {Promise<Planned | null>} null when it was left
 */
async function plan(given, minutes, leave) {
  const { settings, pictures: set } = await settle(given);
  const { memory, steps: whole, fits, would, words } = weigh(open().module, settings, set.count, open().limits);
  if (!fits) return { settings, steps: 0, stepMs: 0, totalMs: 0, memory, fits, would, words };
  // The length of the run has no part in a step's time.
  const key = JSON.stringify({ ...settings, steps: null, epochs: 0, digest: set.digest });
  const known = rehearsed.get(key);
  const measured = known ?? (await rehearse(open(), settings, trainingPictures(set), { superseded: leave, progress: throttledProgress("planning") }));
  if (!measured) return null;
  rehearsed.set(key, measured);
  const { stepMs } = measured;
  const steps = minutes !== null ? Math.max(1, Math.round((minutes * 60_000) / stepMs)) : whole;
  return { settings, steps, stepMs, totalMs: steps * stepMs, memory, fits, would, words: planWords(steps, stepMs, memory) };
}

/** @param {{ id: number, given: GivenSettings, minutes: number | null }} message */
async function answerPlan({ id, given, minutes }) {
  if (run) throw new UserError("A run is in progress; a plan can only be made before or after it.");
  const later = () => superseded() || waiting.some(({ type }) => type === "plan" || type === "start");
  const planned = await plan(given, minutes, later);
  if (!planned) throw new UserError("Other settings were chosen in the meantime.");
  post({ type: "planned", id, ...planned });
}

// --- Runs ------------------------------------------------------------------------------------

/** One run in one tab only, as two would overwrite each other's checkpoints. @param {string} id */
async function lock(id) {
  const { locks } = navigator;
  if (!locks) return () => {};
  /** @type {() => void} */
  let release = () => {};
  const held = new Promise((resolve) => (release = () => resolve(undefined)));
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), LOCK_LIMIT_MS);
  try {
    await new Promise((resolve, reject) => {
      locks.request(`skip-ganomaly-run-${id}`, { signal: patience.signal }, () => {
        resolve(undefined);
        return held;
      }).catch(reject);
    });
  } catch (error) {
    if (patience.signal.aborted) throw new UserError("This run is open in another tab.");
    return () => {}; // where locks are not allowed, nothing is stored either
  } finally {
    clearTimeout(timer);
  }
  return release;
}

function leave() {
  run?.close();
  run = null;
  current = null;
}

/**
 * @param {{ id: string, name: string, minutes: number | null, elapsedMs?: number, created?: number }} about
 * @param {Pictures} set
 * @param {() => Training} make
 * @param {boolean} paused
 */
async function begin(about, set, make, paused) {
  const release = await lock(about.id);
  try {
    const training = make();
    if (set.labelled && set.abnormal) {
      training.set_labelled(open().module.TrainingPictures.from_bytes(set.labelled), set.abnormal);
    }
    run = new Run({ ...about, training, pictures: set, kind: open().kind, memory: open().memory, release, post, throttledProgress, unwanted });
  } catch (error) {
    release();
    throw error;
  }
  setState(paused ? "paused" : "running");
  await run.prepare();
}

/** @param {{ run: string, name: string, given: GivenSettings, minutes: number | null, paused: boolean }} message */
async function startRun({ run: id, name, given, minutes, paused }) {
  leave();
  current = id;
  setState("preparing");
  const { settings, pictures: set } = await settle(given);
  const { fits, words } = weigh(open().module, settings, set.count, open().limits);
  if (!fits) {
    problem("memory", words);
    throw new UserError(words);
  }
  if (minutes !== null) {
    const planned = await plan(given, minutes, () => waiting.some(({ type }) => type === "discard"));
    if (!planned) throw new Superseded();
    // A learning rate that falls to its end must come there.
    settings.steps = Math.ceil(planned.steps * (settings.schedule === "constant" ? SPARE_STEPS : 1));
  }
  const make = () => open().module.Training.start(open().device, settings, trainingPictures(set));
  await begin({ id, name, minutes }, set, make, paused);
}

/** To leave the run ends any latent optimisation, to stop it those whose pictures nobody will see. @param {"preview" | "calibration"} what */
const unwanted = (what) => waiting.some(({ type }) => type === "discard" || (type === "stop" && what === "preview"));

/** @param {Uint8Array} checkpoint @param {Pictures} set */
const resumed = (checkpoint, set) => () =>
  open().module.Training.resume(open().device, checkpoint, trainingPictures(set));

/** @param {{ run: string, paused: boolean }} message */
async function resumeRun({ run: id, paused }) {
  leave();
  current = id;
  post({ type: "progress", phase: "resuming", done: 0, total: 1 });
  const stored = await loadRun(id);
  if (!stored) throw new UserError("This run is no longer stored.");
  pictures = stored.pictures;
  const { name, minutes, elapsedMs, created } = stored.run;
  await begin({ id, name, minutes, elapsedMs, created }, pictures, resumed(stored.checkpoint, pictures), paused);
  post({ type: "progress", phase: "resuming", done: 1, total: 1 });
}

/** @param {{ id: number, run: string, name: string, minutes: number | null, checkpoint: Blob, paused: boolean }} message */
async function continueRun({ id, run: runId, name, minutes, checkpoint, paused }) {
  leave();
  current = runId;
  setState("preparing");
  const bytes = new Uint8Array(await checkpoint.arrayBuffer());
  const { size, channels } = open().module.preprocessing_of(bytes);
  const { pictures: set } = await settle({ size, channels });
  await begin({ id: runId, name, minutes }, set, resumed(bytes, set), paused);
  post({ type: "continued", id, run: runId });
}

/** The run to its end: the model. */
async function finish() {
  const ended = /** @type {Run} */ (run);
  ended.resting = false;
  try {
    await ended.finish();
  } catch (error) {
    if (!isStopped(error)) throw error;
    return; // the run is left: what asked for it comes next
  }
  setState("done");
  leave();
}

/** One turn of the run: a step, and what is due after it. */
async function advance() {
  const going = /** @type {Run} */ (run);
  // A run that was at its end is resumed to be calibrated.
  const moved = !going.over && (await going.advance("both"));
  if (going.over) await finish();
  else if (moved && state === "running") setState("running");
}

/** The word "paused" comes first, as the checkpoint takes a while. */
async function pauseRun() {
  if (!run) return;
  await run.settle();
  if (state === "running") setState("paused");
  await run.save();
}

/** @param {Update} update */
async function singleStep(update) {
  if (!run || state !== "paused") return;
  if (!run.over) await run.advance(update);
  await run.settle();
  if (run.over) await finish();
  else setState("paused");
}

/** @param {{ id: number }} message */
async function giveCheckpoint({ id }) {
  if (!run) throw new UserError("No run is in progress.");
  await run.settle();
  post({ type: "checkpoint", id, step: run.step, checkpoint: await run.checkpoint() });
}

/** @param {{ id: number, model: Blob }} message */
async function measure({ id, model }) {
  if (run) throw new UserError("A run is in progress; a model can be measured before or after it.");
  if (!pictures && chosen) await prepareChosen(chosen.given);
  if (!pictures) throw new UserError("The images of the run are no longer here.");
  const bytes = new Uint8Array(await model.arrayBuffer());
  const set = trainingPictures(pictures);
  const tell = throttledProgress("measuring");
  tell(0, 1);
  try {
    const found = await open().module.find_small_faults(open().device, bytes, set, MEASURED_WITH, (done, total) => {
      tell(done, total);
      return waiting.length === 0;
    });
    post({ type: "measured", id, found });
  } catch (error) {
    if (isStopped(error)) throw new UserError("The measurement was ended.");
    throw error;
  } finally {
    set.free();
    tell(1, 1);
  }
}

// --- Messages --------------------------------------------------------------------------------

/** @param {ToTrainer} message @returns {Promise<void>} */
async function handle(message) {
  switch (message.type) {
    case "open":
      return start(message.device);
    case "files":
      chosen = { files: message.files, given: message.given };
      pictures = null;
      return;
    case "stored":
      pictures = (await loadRun(message.run))?.pictures ?? null;
      return;
    case "pictures":
      return takePictures(message);
    case "plan":
      return answerPlan(message);
    case "start":
      return startRun(message);
    case "resume":
      return resumeRun(message);
    case "continue":
      return continueRun(message);
    case "pause":
      return pauseRun();
    case "go":
      if (run && state === "paused") setState("running");
      return;
    case "step":
      return singleStep(message.update);
    case "stop":
      if (run) await finish();
      return;
    case "checkpoint":
      return giveCheckpoint(message);
    case "measure":
      return measure(message);
    case "leave":
      return;
    case "discard":
      leave();
      setState("idle");
      return;
  }
}

/** @param {unknown} error @param {ToTrainer | null} message what was asked for; null for a step */
async function handleError(error, message) {
  if (guard.kind === "webgpu" && !(error instanceof UserError) && !isDiverged(error) && (isPanic(error) || /device|buffer|gpu/i.test(text(error)))) {
    // The browser's own word for it comes a little later and says more.
    await new Promise((resolve) => setTimeout(resolve, LOST_WORD_MS));
    return guard.fatal("device-lost", error);
  }
  if (isPanic(error)) return guard.fatal("panic", error);
  if (message && "id" in message) {
    post({ type: "refused", id: message.id, reason: text(error) });
    if (message.type === "continue") {
      leave();
      setState("idle");
    }
    return;
  }
  if (isDiverged(error)) {
    const last = run?.savedStep ?? null;
    const kept = last === null ? "" : ` The checkpoint of step ${last} is kept.`;
    problem("diverged", `${text(error)}.${kept} The same settings would diverge again.`);
  }
  await run?.note("failed");
  setState(error instanceof Superseded ? "idle" : "failed", text(error));
  leave();
}

/** @param {unknown} error */
const isDiverged = (error) => error instanceof Error && error.name === "Diverged";

guard.serve({
  hear(message) {
    if (message.type === "pause" && run?.resting && state === "running") setState("paused");
  },
  take: handle,
  failed: handleError,
  rest: () => (run && state === "running" ? advance() : null),
  turn: yieldNow,
});
