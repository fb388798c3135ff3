// The tables that bench/results-comparison.mjs makes of collected lines.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { print, readLines } from "../../bench/results-comparison.mjs";

const row = (auroc) => ({ auroc, auprc: 0.5, train_secs: 12, ms_per_image: 0.25, parameters: 1234, normal: 9, abnormal: 4 });
const compare = (set, seed, method, auroc) => ({ kind: "compare", set, abnormal: null, seed, method, width: 8, steps: 300, row: row(auroc) });
const published = (abnormal, honest, last) => ({
  kind: "published", set: "cifar10", abnormal, method: "ganomaly", width: 64, epochs: 15, seed: 0, train: { elapsed_secs: 100 },
  evaluate: {
    rows: [
      { protocol: "published", class: "full mix", auroc: last },
      { protocol: "honest", class: "full mix", auroc: honest },
      { protocol: "honest", class: "plane", auroc: 0.001 },
    ],
    methods: [{ protocol: "published", epochs: { best_auroc: 0.9 } }, { protocol: "honest" }],
    published: { class_index: abnormal, classes: ["plane", "car"], rows: [{ method: "GANomaly", auroc: [0.633, 0.631] }] },
  },
});

/** What is printed for some lines, and what is said of the files. */
function printed(t, text) {
  const folder = mkdtempSync(join(tmpdir(), "lines-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "a.jsonl");
  writeFileSync(file, text);
  const out = t.mock.method(console, "log", () => {});
  const said = t.mock.method(process.stderr, "write", () => true);
  print(readLines([file]));
  const result = { out: out.mock.calls.map((call) => call.arguments.join(" ")).join("\n"), said: said.mock.calls.map((call) => call.arguments[0]).join("") };
  t.mock.restoreAll();
  return result;
}
const lines = (...objects) => objects.map((object) => JSON.stringify(object)).join("\n");

test("runs become means over seeds, and a mean over the sets only where a method has them all", (t) => {
  const { out } = printed(t, lines(
    compare("mnist", 0, "pca", 0.5),
    compare("solar-ir", 1, "ganomaly", 0.8), compare("solar-ir", 0, "ganomaly", 0.1),
    // The same run again: the last counts.
    compare("solar-ir", 0, "ganomaly", 0.6),
    compare("solar-ir", 0, "pca", 0.9),
  ));
  assert.match(out, /\| method \| solar-ir \| mnist \| mean \|/);
  assert.match(out, /\| ganomaly \| \.700 ± \.141 \|  \|  \|/);
  assert.match(out, /\| pca \| \.900 \| \.500 \| \.700 \|/);
  assert.match(out, /\| ganomaly \| 2 \| \.700 ± \.141 \| \.500 ± \.000 \| 12 \| 0\.25 \| 1,234 \|/);
});

test("published runs stand beside the paper's numbers of the same classes, in their order", (t) => {
  const { out } = printed(t, lines(published(1, 0.6, 0.8), published(0, 0.4, 0.7)));
  assert.match(out, /\| plane \| \.400 \| \.700 \| \.900 \| \.633 \| 100 \|\n\| car \| \.600 \| \.800 \| \.900 \| \.631 \| 100 \|/);
  assert.match(out, /\| \*\*mean of 2\*\* \| \.500 \| \.750 \| \.900 \| \.632 \| 100 \|/);
});

test("times and rates have tables, and a line that was cut off is said", (t) => {
  const { out, said } = printed(t, `${lines(
    { kind: "timing", method: "anogan", device: "cuda", batch: 64, width: 64, ms_per_image: 41.2 },
    { kind: "timing", method: "ganomaly", device: "cuda", batch: 64, width: 64, ms_per_image: 0.0312 },
    { kind: "throughput", device: "cuda", runs: 3, width: 64, batch: 64, steps_per_sec: 91.26 },
  )}\n{"kind": "timing", "met`);
  assert.match(out, /\| ganomaly \| 64 \| 0\.031 \|\n\| anogan \| 64 \| 41 \|/);
  assert.match(out, /\| cuda \| 64 \| 64 \| 3 \| 91\.3 \|/);
  assert.match(said, /a\.jsonl, line 4: not whole/);
});
