// @ts-check
/**
 * What runs measured: step by step, over each other, as CSV, and the settings in which they differ.
 *
 * @typedef {import("./protocol.js").Loss} Loss
 * @typedef {import("./protocol.js").PreviewPoint} PreviewPoint
 * @typedef {import("./protocol.js").State} State
 * @typedef {import("./url-settings.js").Values} Values
 * @typedef {import("./url-settings.js").UserSettings} UserSettings
 * @typedef {{
 *   id: string, name: string, userSettings: UserSettings, settings: Values, losses: Loss[], points: PreviewPoint[],
 *   state: State, step: number, totalSteps: number, stepMs: number, device: string, colour: number, compared: boolean,
 * }} Run
 */
import { csvCell as cell } from "../csv.js";
import { plural } from "../format.js";

/** The curves that runs can be compared by. */
export const MEASURES = /** @type {const} */ ({
  generator: "Generator loss", discriminator: "Discriminator loss", adversarial: "Adversarial loss",
  contextual: "Contextual loss", latent: "Latent loss", real: "D(x)", fake: "D(x̂)", residual: "Held-out residual",
});
/** @typedef {keyof typeof MEASURES} Measure */

const LOSS_COLUMNS = /** @type {const} */ (["adversarial", "contextual", "latent", "generator", "discriminator", "real", "fake"]);

/** What a run is called when nobody named it. @param {Values} settings @param {number | null} [minutes] of a run by minutes */
export function nameOf(settings, minutes = null) {
  const length = minutes !== null ? plural(minutes, "minute") : settings.steps != null ? plural(settings.steps, "step") : plural(settings.epochs ?? 0, "epoch");
  return `${settings.preset ?? settings.method ?? "run"}, ${settings.size} px, width ${settings.width}, batch ${settings.batch}, ${length}`;
}

/** Adds new steps. What is said again, after a worker started anew, replaces the old. @param {Run} run @param {Loss[]} losses */
export function addLosses(run, losses) {
  if (losses.length === 0) return;
  const from = losses[0].step;
  while (run.losses.length > 0 && /** @type {Loss} */ (run.losses.at(-1)).step >= from) run.losses.pop();
  for (const loss of losses) run.losses.push(loss);
}

/** @param {Run} run @param {PreviewPoint} point */
export function addPoint(run, point) {
  while (run.points.length > 0 && /** @type {PreviewPoint} */ (run.points.at(-1)).step >= point.step) run.points.pop();
  run.points.push(point);
}

/** One line a step and run; the preview's columns are filled at the steps that had one. @param {Run[]} runs */
export function toCsv(runs) {
  const lines = [["run", "step", ...LOSS_COLUMNS, "held_out_residual", "auroc_information"].join(",")];
  for (const run of runs) {
    const losses = new Map(run.losses.map((loss) => [loss.step, loss]));
    const points = new Map(run.points.map((point) => [point.step, point]));
    const steps = [...new Set([...losses.keys(), ...points.keys()])].sort((a, b) => a - b);
    for (const step of steps) {
      const loss = losses.get(step);
      const point = points.get(step);
      lines.push([run.name, step, ...LOSS_COLUMNS.map((column) => loss?.[column]), point?.residual, point?.auroc].map(cell).join(","));
    }
  }
  return [...lines, ""].join("\r\n");
}

/** The settings in which runs differ: one row each. @param {Run[]} runs */
export function differences(runs) {
  const keys = new Set(runs.flatMap((run) => Object.keys(run.settings)));
  return [...keys]
    .map((key) => ({ key, values: runs.map((run) => run.settings[key] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== values[0]));
}

/** As many steps as a screen shows side by side. */
const OVERLAY_STEPS = 1500;

/**
 * All runs on one axis: the mean of neighbouring steps where there are more than can be seen.
 * @param {Run[]} runs @param {Measure} measure @returns {import("./points.js").Points}
 */
export function overlay(runs, measure) {
  const last = Math.max(0, ...runs.map((run) => Math.max(run.losses.at(-1)?.step ?? 0, run.points.at(-1)?.step ?? 0)));
  const by = Math.ceil((last + 1) / OVERLAY_STEPS);
  const used = new Set();
  const curves = runs.map((run) => {
    /** @type {{ sum: number, count: number }[]} */
    const bins = [];
    for (const one of measure === "residual" ? run.points : run.losses) {
      const value = /** @type {Record<string, number | null>} */ (one)[measure];
      if (value === null) continue;
      const at = Math.floor(one.step / by);
      const bin = (bins[at] ??= { sum: 0, count: 0 });
      bin.sum += value;
      bin.count++;
      used.add(at);
    }
    return bins;
  });
  const places = [...used].sort((a, b) => a - b);
  return {
    count: places.length,
    x: (i) => places[i] * by,
    y: (line, i) => {
      const bin = curves[line][places[i]];
      return bin ? bin.sum / bin.count : null;
    },
  };
}
