#!/usr/bin/env node
// Runs the experiments of docs/results.md and prints their tables in Markdown.
//
//   node bench/results.mjs --data DIR --out DIR [--program FILE] [--jobs 2] [--stage train,score,compare,tables]
//
// DIR of --data holds solar-ir, fashion-mnist, mnist and cifar10 in their usual layouts. What is in
// --out already is not run again, so that a run that was stopped goes on. Each job takes one thread.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { printComparison } from "./results-comparison.mjs";
import { printTables } from "./results-tables.mjs";

const { values: options } = parseArgs({
  options: {
    data: { type: "string" },
    out: { type: "string" },
    program: { type: "string", default: "skip-ganomaly" },
    jobs: { type: "string", default: "2" },
    stage: { type: "string", default: "train,score,compare,tables" },
  },
});
if (!options.data || !options.out) throw new Error("expected --data DIR and --out DIR");

/** The sets: where, how, which classes are abnormal in turn (none where the folder says it), and the seeds of
 * the tables where they are not all. */
const TEN = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const SETS = {
  "solar-ir": { data: join(options.data, "solar-ir"), channels: 1, classes: [null] },
  "fashion-mnist": { data: `idx:${join(options.data, "fashion-mnist")}`, channels: 1, classes: TEN },
  mnist: { data: `idx:${join(options.data, "mnist")}`, channels: 1, classes: TEN },
  cifar10: { data: `cifar10:${join(options.data, "cifar10")}`, channels: 3, classes: TEN, seeds: [0] },
};
const SEEDS = [0, 1, 2];
/** Budget: pictures, steps and sizes that a CPU manages. */
const BUDGET = ["--size", "32", "--batch", "64"];
/** And of the networks, where there are some. */
const WIDTH = ["--width", "8"];
const STEPS = 300;
const PICTURES = 6000;
const SOLAR_EPOCHS = 15;
/** Test pictures of the ten-class tables, of each class its share. */
const TESTED = ["--test-limit", "3000"];

/** What is changed in training. */
export const TRAININGS = {
  plain: [],
  noise: ["--input-noise", "0.2"],
  mask: ["--input-mask", "0.25"],
  "skip-dropout": ["--skip-dropout", "0.5"],
  "cut-skips-2": ["--cut-skips", "2"],
  "cut-skips": ["--cut-skips", "9"],
  shift: ["--augment", "shift"],
  smoothing: ["--label-smoothing", "0.1"],
  ganomaly: ["--method", "ganomaly"],
  whitened: ["--method", "nearest", "--latent", "memory", "--lambda", "0"],
};

/** Trainings that are fitted in one go: networks and steps mean nothing to them. */
const FITTED = ["whitened"];

/** What is changed in the score of a trained model. */
const MEMORY = ["--latent", "memory", "--balance", "quantile", "--residual", "l2"];
export const SCORINGS = {
  l2: ["--residual", "l2"],
  smoothed: ["--residual", "smoothed"],
  "multi-scale": ["--residual", "multi-scale"],
  quantile: ["--balance", "quantile", "--lambda", "0.5"],
  layers: ["--latent", "layers", "--balance", "quantile", "--lambda", "0.5"],
  memory: ["--latent", "memory", "--lambda", "0"],
  "memory-tenth": [...MEMORY, "--lambda", "0.1"],
  "memory-half": [...MEMORY, "--lambda", "0.5"],
};

/** The tasks of the ablation: class and seed change together. */
const ABLATION = Object.entries(SETS).flatMap(([set, { classes }]) =>
  SEEDS.map((seed) => ({ set, class: classes[0] === null ? null : [0, 3, 7][seed], seed })),
);
/** The tasks of the tables: every class, every seed; the first seed of all sets comes first. */
const TABLES = SEEDS.flatMap((seed) =>
  Object.entries(SETS)
    .filter(([, { seeds }]) => (seeds ?? SEEDS).includes(seed))
    .flatMap(([set, { classes }]) => classes.map((c) => ({ set, class: c, seed }))),
);

/** What is run with one seed only. */
const ONCE = TABLES.filter((task) => task.set !== "solar-ir" && task.seed === 0);

const name = (task, variant) => `${task.set}${task.class === null ? "" : `-${task.class}`}-s${task.seed}-${variant}`;
const dataOf = (task) => [
  "--data", SETS[task.set].data,
  ...(task.class === null ? [] : ["--abnormal", String(task.class), "--limit", String(PICTURES)]),
];
const folderOf = (task, variant) => join(options.out, "runs", name(task, variant));
const resultOf = (task, variant) => join(options.out, "results", `${name(task, variant)}.json`);

function training(task, variant) {
  const out = folderOf(task, variant);
  const epochs = { long: ["--epochs", String(SOLAR_EPOCHS)], preset: ["--preset", "memory"], brief: ["--preset", "memory", "--steps", String(STEPS)] }[variant];
  return {
    done: join(out, "model.safetensors"),
    before: () => rmSync(out, { recursive: true, force: true }),
    command: [
      "train", ...dataOf(task), ...BUDGET, "--channels", String(SETS[task.set].channels), "--seed", String(task.seed),
      ...(FITTED.includes(variant) ? [] : [...WIDTH, ...(epochs ?? ["--steps", String(STEPS)])]),
      ...(["plain", "long"].includes(variant) && task.seed === 0 ? ["--keep-epochs"] : []),
      ...(TRAININGS[variant] ?? []), "--precision", "f16", "--out", out, "--json",
    ],
  };
}

/** A trained model with another score. */
function calibration(task, variant, scoring) {
  const out = join(options.out, "scored", `${name(task, `${variant}+${scoring}`)}.safetensors`);
  return {
    done: out,
    command: [
      "calibrate", "--model", join(folderOf(task, variant), "model.safetensors"), ...dataOf(task),
      ...SCORINGS[scoring], "--precision", "f16", "--out", out, "--json",
    ],
  };
}

function evaluation(task, label, model, more) {
  return {
    done: resultOf(task, label),
    save: true,
    command: [
      "evaluate", "--model", model, ...dataOf(task), "--seed", String(task.seed), "--json", ...more,
    ],
  };
}

/** What `compare` puts side by side, and how many test pictures: searching for each takes a method long. */
const COMPARED = ["skip-ganomaly", "ganomaly", "anogan", "egbad", "alocc", "aae", "pca", "nearest"];
const COMPARED_PICTURES = 1000;

/** One run of one method; together they are the comparison. */
function comparison(task, method) {
  const report = folderOf(task, `compare-${method}`);
  return {
    done: resultOf(task, `compare-${method}`),
    save: true,
    command: [
      "compare", ...dataOf(task), ...BUDGET.slice(0, 2), "--channels", String(SETS[task.set].channels), "--test-limit", String(COMPARED_PICTURES),
      "--methods", method, "--seed", String(task.seed), "--steps", String(STEPS), ...(["pca", "nearest"].includes(method) ? [] : [...WIDTH, ...BUDGET.slice(2)]),
      "--report", report, "--json",
    ],
  };
}

const tested = (task) => (task.set === "solar-ir" ? [] : TESTED);
const BASES = { plain: Object.keys(SCORINGS), "cut-skips": ["l2", "memory"] };
const SCORED = Object.entries(BASES).flatMap(([base, scorings]) => scorings.map((scoring) => [base, scoring]));

/** Everything that the ablation puts beside the plain model: trainings, then scorings of two of them. */
export const variantsBeside = () => [
  ...Object.keys(TRAININGS).filter((variant) => variant !== "plain"),
  ...SCORED.map(([base, scoring]) => `${base}+${scoring}`),
];

function modelOf(task, label) {
  if (label.includes("+")) return join(options.out, "scored", `${name(task, label)}.safetensors`);
  return join(folderOf(task, label), "model.safetensors");
}

const LONG = SEEDS.map((seed) => ({ set: "solar-ir", class: null, seed }));

function stages() {
  const trained = (task, variant) => join(folderOf(task, variant), "model.safetensors");
  const train = [
    ...LONG.flatMap((task) => [training(task, "long"), training(task, "preset")]),
    ...ABLATION.flatMap((task) => Object.keys(TRAININGS).map((variant) => training(task, variant))),
    ...TABLES.flatMap((task) => [training(task, "plain"), training(task, "brief")]),
    ...ONCE.flatMap((task) => [training(task, "ganomaly"), training(task, "whitened")]),
  ];
  const calibrate = [
    ...ABLATION.flatMap((task) =>
      SCORED.map(([base, scoring]) => calibration(task, base, scoring)),
    ),
  ];
  const quick = ["--no-baselines", "--bootstrap", "1"];
  const score = [
    ...LONG.flatMap((task) => [
      evaluation(task, "long", trained(task, "long"), [
        ...["preset", "whitened", "ganomaly"].flatMap((variant) => ["--against", trained(task, variant)]),
      ]),
    ]),
    ...LONG.slice(0, 1).map((task) =>
      evaluation(task, "published", trained(task, "long"), ["--protocol", "published", ...quick]),
    ),
    ...ABLATION.flatMap((task) => [
      evaluation(task, "ablation", trained(task, "plain"), [
        "--bootstrap", "1", ...tested(task),
        ...variantsBeside().flatMap((label) => ["--against", modelOf(task, label)]),
      ]),
    ]),
    ...TABLES.filter((t) => t.set !== "solar-ir").map((task) =>
      evaluation(task, "table", trained(task, "plain"), [
        ...TESTED, "--against", trained(task, "brief"), "--bootstrap", "1",
        ...(task.seed === 0 ? ["whitened", "ganomaly"].flatMap((v) => ["--against", trained(task, v)]) : []),
      ]),
    ),
    ...ONCE.map((task) =>
      evaluation(task, "published", trained(task, "plain"), ["--protocol", "published", ...quick, ...TESTED]),
    ),
  ];
  const compare = ABLATION.flatMap((task) => COMPARED.map((method) => comparison(task, method)));
  return { train, score: [...calibrate, ...score], compare };
}

function run(job) {
  if (existsSync(job.done)) return Promise.resolve();
  job.before?.();
  return new Promise((resolve, reject) => {
    const env = { ...process.env, RAYON_NUM_THREADS: "1" };
    const child = spawn(options.program, job.command, { env, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let errors = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (errors += chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code !== 0) return reject(new Error(`${job.command.join(" ")}\n${errors}`));
      if (job.save) {
        // Whole or not at all: a stopped run must not leave half a result.
        writeFileSync(`${job.done}.part`, out);
        renameSync(`${job.done}.part`, job.done);
      }
      resolve();
    });
  });
}

async function runAll(jobs, what) {
  const todo = jobs.filter((job, at) => !existsSync(job.done) && jobs.findIndex((j) => j.done === job.done) === at);
  const started = Date.now();
  let next = 0;
  const worker = async () => {
    while (next < todo.length) {
      const at = next++;
      try {
        await run(todo[at]);
      } catch (error) {
        // The others go on; what needs this one fails in turn and says so.
        process.exitCode = 1;
        process.stderr.write(`${what} failed: ${error.message}\n`);
      }
      const secs = (Date.now() - started) / 1000;
      process.stderr.write(`${what}: ${at + 1} of ${todo.length}, ${secs.toFixed(0)} s\n`);
    }
  };
  await Promise.all(Array.from({ length: Number(options.jobs) }, worker));
}

for (const folder of ["runs", "scored", "results"]) mkdirSync(join(options.out, folder), { recursive: true });
const asked = options.stage.split(",");
const { train, score, compare } = stages();
if (asked.includes("train")) await runAll(train, "train");
if (asked.includes("score")) await runAll(score, "score");
if (asked.includes("compare")) await runAll(compare, "compare");
if (asked.includes("tables")) {
  const read = (task, label) => {
    const file = resultOf(task, label);
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
  };
  const rows = ABLATION.flatMap((task) =>
    COMPARED.map((method) => ({ set: task.set, seed: task.seed, method, row: read(task, `compare-${method}`)?.rows[0] })),
  );
  printComparison(rows.filter(({ row }) => row));
  printTables({ SETS, SEEDS, ABLATION, TABLES, LONG, ONCE, beside: variantsBeside(), read });
}
