// @ts-check
/**
 * Where the training section stands: one of these states, a function from each to the next, and what the section shows
 * in it. It follows the worker's states, which know of no waiting page.
 *
 * @typedef {import("./protocol.js").State} WorkerState
 * @typedef {import("./protocol.js").Update} Update
 * @typedef {{ phase: "idle" } | { phase: "done" } | { phase: "failed" }} Rest  no run is open
 * @typedef {Rest
 *   | { phase: "reading", before: Rest }
 *   | { phase: "starting", step: Update | null }
 *   | { phase: "requested", run: string, step: Update | null }
 *   | { phase: "continuing", name: string, run: string | null }
 *   | { phase: "running" | "paused", run: string, asked: "pause" | "stop" | null }
 *   | { phase: "finishing", run: string }
 * } PanelState
 *   - idle: nothing was trained, or the run was closed; done: the page scores with the run's model; failed: the run is over
 *   - reading: the worker reads images, and nobody has asked for a run; afterwards it is as `before`
 *   - starting: a run is to begin as soon as the images are there; with `step`, it takes that one and waits
 *   - requested: the worker was asked for the run, and has not begun it or has to begin it anew
 *   - continuing: the worker was asked to resume from a checkpoint file as a run of this name; its id comes with its first message
 *   - running, paused: the run is open; `asked`: what the worker was asked for and has not done yet
 *   - finishing: the run has given its model, and the page does not score with it yet
 * @typedef {{ type: "start", step: Update | null }
 *   | { type: "unready" }
 *   | { type: "request", run: string }
 *   | { type: "continue", name: string }
 *   | { type: "refused" }
 *   | { type: "pause" }
 *   | { type: "stop" }
 *   | { type: "worker", state: WorkerState, run: string | null, words?: string }
 *   | { type: "finished", run: string }
 *   | { type: "scoring" }
 * } PanelEvent
 *   - start: a person wants a run; unready: images or plan do not let it begin
 *   - request: the worker is asked for a run, a new one or a stored one
 *   - continue: it is asked for one from a checkpoint file; refused: which cannot be
 *   - pause, stop: a person asks for it
 *   - worker: the state that the worker says it is in
 *   - finished: the run's model is there; scoring: the page scores with it
 */

/** @type {PanelState} */
export const IDLE = { phase: "idle" };

/** @param {PanelState} state @returns {state is Rest} */
const isRest = (state) => state.phase === "idle" || state.phase === "done" || state.phase === "failed";

/** Whether a run can be paused, stepped, stopped or closed. @param {PanelState} state @returns {boolean} */
export const isOpen = ({ phase }) => phase === "running" || phase === "paused";

/** Whether the pictures and settings of a run are in use, or about to be. @param {PanelState} state @returns {boolean} */
export const isBusy = (state) => !isRest(state) && state.phase !== "reading";

/**
 * The state after an event: the same object where the event means nothing in this state.
 * @param {PanelState} state @param {PanelEvent} event @returns {PanelState}
 */
export function transition(state, event) {
  switch (event.type) {
    case "start":
      return isBusy(state) ? state : { phase: "starting", step: event.step };
    case "unready":
      return state.phase === "starting" ? IDLE : state;
    case "request":
      if (state.phase === "starting") return { phase: "requested", run: event.run, step: state.step };
      return isBusy(state) ? state : { phase: "requested", run: event.run, step: null };
    case "continue":
      return isBusy(state) ? state : { phase: "continuing", name: event.name, run: null };
    case "refused":
      return state.phase === "continuing" ? IDLE : state;
    case "pause":
      return state.phase === "running" && state.asked === null ? { ...state, asked: "pause" } : state;
    case "stop":
      return (state.phase === "running" || state.phase === "paused") && state.asked !== "stop" ? { ...state, asked: "stop" } : state;
    case "finished":
      return "run" in state && state.run === event.run && state.phase !== "finishing" ? { phase: "finishing", run: event.run } : state;
    case "scoring":
      return state.phase === "finishing" ? { phase: "done" } : state;
    case "worker":
      return afterWorker(state, event);
  }
}

/** @param {PanelState} state @param {Extract<PanelEvent, { type: "worker" }>} event @returns {PanelState} */
function afterWorker(state, { state: said, run, words = "" }) {
  // The run's own end, and the end of the worker, have a reason. Without one it is what the worker was before it read images.
  if (said === "failed" && words !== "") return state.phase === "finishing" ? state : { phase: "failed" };
  switch (state.phase) {
    case "idle":
    case "done":
    case "failed":
      return said === "preparing" ? { phase: "reading", before: state } : state;
    case "reading":
      return said === "preparing" ? state : state.before;
    case "continuing":
      // Until the run goes, every other word is of the time before or of its images.
      if (run === null) return state;
      if (said === "running" || said === "paused") return { phase: said, run, asked: null };
      return said === "preparing" && state.run !== run ? { ...state, run } : state;
    case "requested":
      if (run !== state.run) return state;
      if (said === "idle") return IDLE; // its images were left
      return said === "running" || said === "paused" ? { phase: said, run, asked: null } : state;
    case "running":
    case "paused":
      if (said === "idle") return IDLE; // it was closed
      if (run !== state.run) return state;
      // Another worker takes the run up.
      if (said === "preparing") return { phase: "requested", run, step: null };
      if (said !== "running" && said !== "paused") return state; // done: see finished
      return said === state.phase ? state : { phase: said, run, asked: said === "paused" && state.asked === "pause" ? null : state.asked };
    default:
      return state; // starting: said of the time before; finishing: the run is over
  }
}

/** The worker's word for a state, which the document's `data-training` has. @param {PanelState} state @returns {WorkerState} */
export function trainingOf({ phase }) {
  if (phase === "reading" || phase === "starting" || phase === "requested" || phase === "continuing") return "preparing";
  return phase === "finishing" ? "running" : phase;
}

/**
 * What the section shows in a state.
 * @param {PanelState} state @param {boolean} hasRun whether a run is shown
 */
export function viewOf(state, hasRun) {
  const busy = isBusy(state);
  const open = isOpen(state);
  const paused = state.phase === "paused";
  const asked = "asked" in state ? state.asked : null;
  return {
    /** By the buttons' ids. @type {Record<string, boolean>} */
    disabled: {
      "train-start": busy,
      "train-pause": !open || asked === "stop",
      "train-step": busy && !paused,
      "train-step-g": !paused,
      "train-step-d": !paused,
      "train-stop": !open || asked === "stop",
    },
    words: {
      "train-start": hasRun && !busy ? "Train again" : "Train",
      "train-pause": asked === "pause" ? "Pausing…" : paused ? "Continue" : "Pause",
    },
    /** Images and settings cannot be changed. */
    locked: busy,
    /** The run can be closed, and gives its checkpoint. */
    open,
    /** Nothing is said of progress. */
    still: state.phase === "idle" || state.phase === "failed",
  };
}

/**
 * What the status line says while a run is open; null where what was asked for has said it.
 * @param {PanelState} state @param {{ device: string, step: number }} run
 */
export function statusOf(state, { device, step }) {
  if ("asked" in state && state.asked === "stop") return null;
  if (state.phase === "running") return `Training on the ${device === "webgpu" ? "GPU" : "CPU"}.`;
  return state.phase === "paused" ? `Paused after step ${step.toLocaleString("en")}.` : null;
}
