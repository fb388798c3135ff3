#!/usr/bin/env node
// Turns comparisons of methods into the tables of docs/results.md.
//
//   node bench/results-comparison.mjs FILE.jsonl...
//
// Each line is one object. `kind` says what it holds:
//   compare    set, abnormal, seed, method, row: a run's row of `compare --json`
//   published  set, abnormal, method, width, epochs, device, train, evaluate: what `train --json` and
//              `evaluate --protocol published --json` print
//   timing     method, device, batch, width, ms_per_image
//   throughput device, runs, width, batch, steps_per_sec
// Lines of other kinds are left out. Of runs that come twice the last counts.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FULL_MIX, finite, mean, rate, spread, table } from "./results-tables.mjs";

const METHODS = ["skip-ganomaly", "ganomaly", "anogan", "egbad", "alocc", "aae", "pca", "nearest"];
const SETS = ["solar-ir", "fashion-mnist", "mnist", "cifar10"];
/** In the order of METHODS; what is not named there comes last. */
const ordered = (names, order) => [...new Set(names)].sort((a, b) => (order.indexOf(a) + 1 || 99) - (order.indexOf(b) + 1 || 99));
const seconds = (values) => (values.length === 0 ? "" : mean(values) < 10 ? mean(values).toFixed(1) : mean(values).toFixed(0));
const millis = (value) => (value < 10 ? value.toPrecision(2) : value.toFixed(0));
const counted = (value) => Math.round(value).toLocaleString("en");

/** Runs of `compare`: { set, seed, method, row }. */
export function printComparison(runs) {
  if (runs.length === 0) return;
  const sets = ordered(runs.map((run) => run.set), SETS);
  const methods = ordered(runs.map((run) => run.method), METHODS);
  const of = (set, method, what) => finite(runs.filter((run) => run.set === set && run.method === method).map((run) => run.row[what]));
  console.log("### Methods side by side (AUROC)\n");
  table(
    ["method", ...sets, "mean"],
    methods.map((method) => {
      const each = sets.map((set) => of(set, method, "auroc"));
      // A mean over other sets than its neighbours' would mislead.
      const whole = each.every((values) => values.length > 0);
      return [method, ...each.map(spread), whole ? rate(mean(each.map(mean))) : ""];
    }),
  );
  for (const set of sets) {
    const { normal, abnormal } = runs.find((run) => run.set === set).row;
    console.log(`### ${set}, methods side by side (${normal} normal and ${abnormal} abnormal test images)\n`);
    table(
      ["method", "runs", "AUROC", "AUPRC", "training, s", "ms per image", "parameters"],
      methods
        .filter((method) => of(set, method, "auroc").length > 0)
        .map((method) => [
          method, of(set, method, "auroc").length, spread(of(set, method, "auroc")), spread(of(set, method, "auprc")),
          seconds(of(set, method, "train_secs")), millis(mean(of(set, method, "ms_per_image"))), counted(mean(of(set, method, "parameters"))),
        ]),
    );
  }
}

/** How a method's row is called in the published table. */
const PAPER = { "skip-ganomaly": "Skip-GANomaly", ganomaly: "GANomaly", egbad: "EGBAD", anogan: "AnoGAN" };

/** Runs of the published setting on one set, each class abnormal in turn. */
export function printPublished(runs) {
  const length = (run) => (run.epochs === null ? `${run.train.steps} steps` : `${run.epochs} epochs`);
  const setting = (run) => `${run.set}, width ${run.width}, ${length(run)}`;
  for (const name of new Set(runs.map(setting))) {
    const group = runs.filter((run) => setting(run) === name);
    for (const method of ordered(group.map((run) => run.method), METHODS)) {
      const rows = group
        .filter((run) => run.method === method)
        .sort((a, b) => a.abnormal - b.abnormal)
        .map((run) => {
          const mix = (protocol) => run.evaluate.rows.find((row) => row.protocol === protocol && row.class === FULL_MIX)?.auroc;
          const theirs = run.evaluate.published;
          const paper = theirs?.rows.find((row) => row.method === PAPER[method]);
          const best = run.evaluate.methods.find((m) => m.protocol === "published")?.epochs?.best_auroc;
          return {
            name: theirs?.classes[theirs.class_index] ?? run.abnormal, honest: mix("honest"), last: mix("published"), best,
            paper: paper?.auroc[theirs.class_index], secs: run.train.elapsed_secs, pictures: run.train.pictures,
          };
        });
      console.log(`### ${name}: ${method}, each class abnormal (AUROC)\n`);
      const columns = ["honest", "last", "best", "paper"];
      const means = columns.map((what) => finite(rows.map((row) => row[what])));
      table(
        ["abnormal", "honest", "published, last epoch (leaks)", "published, best epoch (leaks)", "in the paper", "training, s"],
        [
          ...rows.map((row) => [row.name, ...columns.map((what) => rate(row[what])), row.secs.toFixed(0)]),
          // Over the classes that are above, the paper's too.
          [`**mean of ${rows.length}**`, ...means.map((values) => (values.length === rows.length ? rate(mean(values)) : "")), seconds(rows.map((row) => row.secs))],
        ],
      );
    }
  }
}

export function printTimings(timings) {
  if (timings.length === 0) return;
  console.log("### Scoring, ms per image\n");
  const columns = [...new Map(timings.map((t) => [`${t.device}, batch ${t.batch}`, t])).keys()];
  table(
    ["method", "width", ...columns],
    ordered(timings.map((t) => t.method), METHODS).map((method) => {
      const own = timings.filter((t) => t.method === method);
      const cell = (column) => own.findLast((t) => `${t.device}, batch ${t.batch}` === column);
      return [method, own[0].width, ...columns.map((column) => (cell(column) ? millis(cell(column).ms_per_image) : ""))];
    }),
  );
}

export function printThroughput(rates) {
  if (rates.length === 0) return;
  console.log("### Training steps a second, several runs at once\n");
  table(
    ["device", "width", "batch", "runs at once", "steps a second together"],
    rates.map((r) => [r.device, r.width, r.batch, r.runs, r.steps_per_sec.toFixed(1)]),
  );
}

/** The lines of files; one that a stopped run cut off is said and left out. */
export function readLines(files) {
  const lines = [];
  for (const file of files) {
    for (const [at, text] of readFileSync(file, "utf8").split("\n").entries()) {
      if (text.trim() === "") continue;
      try {
        lines.push(JSON.parse(text));
      } catch {
        process.stderr.write(`${file}, line ${at + 1}: not whole, left out\n`);
      }
    }
  }
  return lines;
}

/** Of lines with the same key the last. */
const latest = (lines, key) => [...new Map(lines.map((line) => [key(line), line])).values()];

export function print(lines) {
  const of = (kind) => lines.filter((line) => line.kind === kind);
  printComparison(latest(of("compare"), (l) => [l.set, l.abnormal, l.seed, l.method, l.width, l.steps].join()));
  printPublished(latest(of("published"), (l) => [l.set, l.abnormal, l.seed, l.method, l.width, l.epochs].join()));
  printTimings(of("timing"));
  printThroughput(of("throughput"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.length < 3) throw new Error("expected FILE.jsonl...");
  print(readLines(process.argv.slice(2)));
}
