// @ts-check
/**
 * What runs measured: step by step, over each other, as CSV, and the settings in which they differ.
 *
 * @typedef {import("./protocol.js").Loss} Loss
 * @typedef {import("./protocol.js").PreviewPoint} PreviewPoint
 * @typedef {import("./protocol.js").State} State
 * @typedef {import("./url-settings.js").Values} Values
 * @typedef {import("./url-settings.js").UserSettings} UserSettings
 * @typedef {import("./url-settings.js").Method} Method
 * @typedef {import("./url-settings.js").LossInfo} LossInfo
 * @typedef {{
 *   id: string, name: string, userSettings: UserSettings, settings: Values, losses: Loss[], points: PreviewPoint[],
 *   state: State, step: number, totalSteps: number, stepMs: number, device: string, colour: number, compared: boolean,
 * }} Run
 */
import { csvCell as cell } from "../csv.js";
import { plural } from "../format.js";
import { presetFor, toAddress } from "./url-settings.js";

/** What every method's steps have, beside its own losses. */
const ESTIMATES = { real: "D(x)", fake: "D(x̂)" };
const RESIDUAL = "residual";
const NOT_LOSSES = ["step", ...Object.keys(ESTIMATES)];

/**
 * The losses of a run: its method's, as far as its steps have them, and what else they have. Steps of earlier versions
 * have the same five names for every method.
 * @param {Pick<Run, "settings" | "losses">} run @param {Method[]} methods @returns {LossInfo[]}
 */
export function lossesOf({ settings, losses }, methods) {
  const own = methods.find(({ name }) => name === settings.method)?.losses ?? [];
  if (losses.length === 0) return own;
  // A run that was resumed may have been begun by an earlier version.
  const recorded = new Set([losses[0], losses[losses.length - 1]].flatMap((loss) => Object.keys(loss)).filter((name) => !NOT_LOSSES.includes(name)));
  const others = [...recorded].filter((name) => !own.some((loss) => loss.name === name));
  const titleOf = (/** @type {string} */ wanted) => methods.flatMap((method) => method.losses).find(({ name }) => name === wanted)?.title ?? wanted;
  return [...own.filter(({ name }) => recorded.has(name)), ...others.map((name) => ({ name, title: titleOf(name), meaning: "" }))];
}

/** The losses that any of the runs has, once each. @param {Run[]} runs @param {Method[]} methods */
function allLosses(runs, methods) {
  const all = runs.flatMap((run) => lossesOf(run, methods));
  return all.filter(({ name }, i) => all.findIndex((other) => other.name === name) === i);
}

/** What runs can be compared by: names and titles. @param {Run[]} runs @param {Method[]} methods @returns {[string, string][]} */
export const measuresOf = (runs, methods) => [
  ...allLosses(runs, methods).map(({ name, title }) => /** @type {[string, string]} */ ([name, title])),
  ...Object.entries(ESTIMATES),
  [RESIDUAL, "Held-out residual"],
];

/**
 * What runs are compared by where nobody chose: how well they reconstruct, by the loss where all have that one.
 * @param {Run[]} runs @param {Method[]} methods
 */
export const measureFor = (runs, methods) =>
  runs.length > 0 && runs.every((run) => lossesOf(run, methods).some(({ name }) => name === "contextual")) ? "contextual" : RESIDUAL;

/** What a run is called when nobody named it. @param {Values} settings @param {number | null} [minutes] of a run by minutes */
export function nameOf(settings, minutes = null) {
  const length = minutes !== null ? plural(minutes, "minute") : settings.steps != null ? plural(settings.steps, "step") : plural(settings.epochs ?? 0, "epoch");
  // A method without presets is what tells its runs apart.
  const what = presetFor(settings.method) === "paper" ? settings.method : settings.preset ?? settings.method ?? "run";
  return `${what}, ${settings.size} px, width ${settings.width}, batch ${settings.batch}, ${length}`;
}

/**
 * The page's address with all that it takes to repeat a run.
 * @param {Pick<Run, "userSettings" | "settings" | "name" | "state" | "step">} run @param {string} page the page's own address
 */
export function addressOf({ userSettings, settings, name, state, step }, page) {
  const given = { ...userSettings.given };
  for (const key of ["preset", "size", "channels", "width", "batch", "seed"]) given[key] ??= settings[key];
  // A run from a checkpoint file has nothing that a person gave: no preset, so that the method must be named.
  if (given.preset === undefined && settings.method !== undefined) given.method ??= settings.method;
  // Other methods have no preset to name.
  if (presetFor(settings.method) === "paper") {
    given.method ??= settings.method;
    delete given.preset;
  }
  // Minutes mean other steps on another machine; those that were taken can be repeated.
  const done = userSettings.minutes !== null && state === "done";
  if (done) given.steps = step;
  else if (userSettings.minutes === null && given.steps == null) given.epochs ??= settings.epochs;
  return toAddress({ ...userSettings, given, minutes: done ? null : userSettings.minutes, name }, page);
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

/**
 * One line a step and run; the preview's columns are filled at the steps that had one.
 * @param {Run[]} runs @param {Method[]} methods
 */
export function toCsv(runs, methods) {
  const columns = [...allLosses(runs, methods).map(({ name }) => name), ...Object.keys(ESTIMATES)];
  const lines = [["run", "step", ...columns, "held_out_residual", "auroc_information"].join(",")];
  for (const run of runs) {
    const losses = new Map(run.losses.map((loss) => [loss.step, loss]));
    const points = new Map(run.points.map((point) => [point.step, point]));
    const steps = [...new Set([...losses.keys(), ...points.keys()])].sort((a, b) => a - b);
    for (const step of steps) {
      const loss = losses.get(step);
      const point = points.get(step);
      lines.push([run.name, step, ...columns.map((column) => loss?.[column]), point?.residual, point?.auroc].map(cell).join(","));
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
 * @param {Run[]} runs @param {string} measure @returns {import("./points.js").Points}
 */
export function overlay(runs, measure) {
  const last = Math.max(0, ...runs.map((run) => Math.max(run.losses.at(-1)?.step ?? 0, run.points.at(-1)?.step ?? 0)));
  const by = Math.ceil((last + 1) / OVERLAY_STEPS);
  const used = new Set();
  const curves = runs.map((run) => {
    /** @type {{ sum: number, count: number }[]} */
    const bins = [];
    for (const one of measure === RESIDUAL ? run.points : run.losses) {
      const value = /** @type {Record<string, number | null | undefined>} */ (one)[measure];
      if (value === null || value === undefined) continue;
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
