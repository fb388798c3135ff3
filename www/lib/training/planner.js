// @ts-check
/**
 * Says before a run whether it fits into memory and what would, and puts the plan into words.
 *
 * @typedef {import("../engine.js").Adapter} Adapter
 * @typedef {import("./protocol.js").Memory} Memory
 * @typedef {import("./protocol.js").Settings} Settings
 * @typedef {import("./protocol.js").Change} Change
 * @typedef {{ total: number, buffer: number }} Limits  bytes: of everything together, and of the largest piece
 */
import { bytesWords, timeWords } from "../format.js";

const GIB = 2 ** 30;
/** WebAssembly has 4 GiB of addresses; what is not counted and the holes between pieces need room too. */
const CPU_LIMIT = 3 * GIB;
/** No browser tells how much memory a graphics processor has; one with less than this is rare. */
const GPU_LIMIT = 4 * GIB;

/** @param {Adapter | null} adapter null on the CPU @returns {Limits} */
export function limitsOf(adapter) {
  if (!adapter) return { total: CPU_LIMIT, buffer: CPU_LIMIT };
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return { total: GPU_LIMIT, buffer: Math.min(maxBufferSize, maxStorageBufferBindingSize) };
}

/**
 * Does the run fit? `would` is what to change: the largest batch that fits, else the largest width.
 * @param {Pick<import("../engine.js").Module, "plan_run">} module
 * @param {Settings} settings @param {number} count pictures @param {Limits} limits
 * @returns {{ memory: Memory, steps: number, fits: boolean, would: Change | null, words: string }} `steps` of the whole run
 */
export function weigh(module, settings, count, limits) {
  const planOf = (/** @type {Change} */ change) => module.plan_run({ ...settings, ...change }, count);
  const fits = (/** @type {Change} */ change) => {
    const { total, largest_buffer } = planOf(change).memory;
    return total <= limits.total && largest_buffer <= limits.buffer;
  };
  const { training: trained, total_steps: steps, memory: { largest_buffer, ...needed } } = planOf({});
  const memory = { ...needed, limit: limits.total };
  if (!fits({})) {
    const why = needed.total > limits.total
      ? `about ${bytesWords(needed.total)} of memory; at most ${bytesWords(limits.total)} can be used here`
      : `a single buffer of ${bytesWords(largest_buffer)}; this GPU allows at most ${bytesWords(limits.buffer)} per buffer`;
    const would = smaller(settings, (change) => (change.batch ?? settings.batch) <= trained && fits(change));
    return { memory, steps, fits: false, would, words: `These settings need ${why}. ${advice(would)}` };
  }
  if (trained < settings.batch) {
    const would = trained >= 2 ? { batch: 2 ** Math.floor(Math.log2(trained)) } : null;
    const words = `Of ${count} ${count === 1 ? "image" : "images"}, ${trained} would be trained on (the others are held out), which is fewer than a batch of ${settings.batch}. `;
    return { memory, steps, fits: false, would, words: words + (would ? advice(would) : "Choose at least 3 images.") };
  }
  return { memory, steps, fits: true, would: null, words: "" };
}

/** @param {Settings} settings @param {(change: Change) => boolean} fits @returns {Change | null} */
function smaller({ batch, width }, fits) {
  const halves = (/** @type {number} */ from) => {
    const list = [];
    for (let value = 2 ** Math.ceil(Math.log2(from) - 1); value >= 2; value /= 2) list.push(value);
    return list;
  };
  for (const less of halves(batch)) if (fits({ batch: less })) return { batch: less };
  for (const narrow of halves(width)) {
    for (const less of [batch, ...halves(batch)]) {
      const change = less === batch ? { width: narrow } : { width: narrow, batch: less };
      if (fits(change)) return change;
    }
  }
  return null;
}

/** @param {Change | null} would */
const advice = (would) =>
  would
    ? `A ${Object.entries(would).map(([name, value]) => `${name} of ${value}`).join(" and a ")} would work.`
    : "Use smaller or fewer images.";

/** @param {number} steps @param {number} stepMs @param {Memory} memory */
export const planWords = (steps, stepMs, memory) =>
  `About ${timeWords(steps * stepMs)}: ${steps} steps of ${stepMs < 10 ? stepMs.toFixed(1) : Math.round(stepMs)} ms. About ${bytesWords(memory.total)} of memory.`;
