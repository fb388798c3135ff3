// @ts-check
/**
 * A few steps of a run before it, with the real pictures and settings, to say how long it will take.
 *
 * @typedef {import("../engine.js").Opened} Opened
 */
import { yieldNow } from "./yield.js";

const WARM_UP = 2;
const MEASURED = 3;
/** Steps are rehearsed until this much time is spent, but one at least. */
const REHEARSAL_MS = 3_000;

/**
 * Takes real steps on a run that is thrown away.
 * @param {Opened} engine @param {import("./protocol.js").Settings} settings
 * @param {import("../engine.js").TrainingPictures} pictures taken over
 * @param {{ superseded: () => boolean, progress: (done: number, total: number) => void }} watch
 * @returns {Promise<{ stepMs: number, steps: number } | null>} null when superseded
 */
export async function rehearse({ module, device }, settings, pictures, { superseded, progress }) {
  const run = module.Training.start(device, settings, pictures);
  try {
    const times = [];
    const began = performance.now();
    progress(0, WARM_UP + MEASURED);
    for (let i = 0; i < WARM_UP + MEASURED; i++) {
      await yieldNow();
      if (superseded()) return null;
      const at = performance.now();
      run.step("both");
      await run.losses(); // waits for the device
      times.push(performance.now() - at);
      progress(i + 1, WARM_UP + MEASURED);
      if (performance.now() - began > REHEARSAL_MS) break;
    }
    // The first steps are slower: memory is taken, and WebGPU compiles.
    const warm = times.length > WARM_UP ? times.slice(WARM_UP) : times.slice(-1);
    warm.sort((a, b) => a - b);
    return { stepMs: warm[Math.floor(warm.length / 2)], steps: run.info().total_steps };
  } finally {
    run.free();
  }
}
