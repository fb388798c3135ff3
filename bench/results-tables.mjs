// Turns the results of results.mjs into the tables of docs/results.md.

export const FULL_MIX = "full mix";
export const finite = (values) => values.filter((v) => typeof v === "number" && Number.isFinite(v));
export const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const deviation = (values) => {
  const m = mean(values);
  return Math.sqrt(values.reduce((a, b) => a + (b - m) ** 2, 0) / (values.length - 1));
};
export const rate = (value) => (value === undefined ? "" : value.toFixed(3).replace(/^0/, ""));
export const spread = (values) => {
  const known = finite(values);
  if (known.length === 0) return "";
  return known.length === 1 ? rate(known[0]) : `${rate(mean(known))} ± ${rate(deviation(known))}`;
};
export const table = (head, rows) => {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  console.log([line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n"), "\n");
};

/** The rows of each method of a result, in the order of the methods. */
function byMethod(result) {
  const methods = [];
  for (const row of result.rows) {
    if (row.class === FULL_MIX) methods.push({ method: row.method, protocol: row.protocol, rows: [] });
    methods.at(-1).rows.push(row);
  }
  return methods;
}

const mix = (entry, what = "auroc") => entry?.rows.find((row) => row.class === FULL_MIX)?.[what];

/** The methods of the result in words, by what they are. */
const named = (result, method) => byMethod(result).find((m) => m.protocol === "honest" && m.method === method);

export function printTables({ SETS, SEEDS, ABLATION, TABLES, LONG, ONCE, beside, read }) {
  solar(LONG, read);
  for (const set of Object.keys(SETS).filter((s) => s !== "solar-ir")) classes(set, SEEDS, TABLES, ONCE, read);
  published([...LONG.slice(0, 1), ...ONCE], read);
  ablation(Object.keys(SETS), ABLATION, beside, read);
}

function solar(LONG, read) {
  const results = LONG.map((task) => read(task, "long")).filter(Boolean);
  if (results.length === 0) return;
  console.log("### solar-ir, full mix\n");
  const names = byMethod(results[0]).map((m) => m.method);
  const of = (what) => (_, at) => spread(results.map((result) => mix(byMethod(result)[at], what)));
  table(
    ["method", "AUROC", "AUPRC", "F1max", "EER", "FPR at 95 % TPR"],
    names.map((name, at) => [name, ...["auroc", "auprc", "f1_max", "eer", "fpr_at_95_tpr"].map((w) => of(w)(name, at))]),
  );
  console.log("### solar-ir, by fault (AUROC)\n");
  const faults = byMethod(results[0])[0].rows.filter((row) => row.class !== FULL_MIX);
  table(
    ["fault", "images", ...names],
    faults.map((fault) => [
      fault.class, fault.abnormal,
      ...names.map((_, at) => spread(results.map((r) => byMethod(r)[at].rows.find((row) => row.class === fault.class)?.auroc))),
    ]),
  );
  console.log("### solar-ir, above the threshold\n");
  table(
    ["method", "normal", "abnormal"],
    names.map((name, at) => {
      const share = (what) => results.map((r) => r.methods[at].at_threshold?.[what]);
      const percent = (values) => (finite(values).length ? `${(100 * mean(finite(values))).toFixed(1)} %` : "");
      return [name, percent(share("normal_called_anomalous")), percent(share("abnormal_called_anomalous"))];
    }),
  );
}

function classes(set, SEEDS, TABLES, ONCE, read) {
  const tasks = TABLES.filter((task) => task.set === set);
  const methods = ["skip-ganomaly", "skip-ganomaly+memory", "pca-32", "nearest"];
  const once = ["nearest+memory", "ganomaly"];
  const at = (task, method) => {
    const result = read(task, "table");
    return result ? mix(named(result, method)) : undefined;
  };
  if (tasks.every((task) => at(task, "pca-32") === undefined)) return;
  console.log(`### ${set}, each class abnormal (AUROC)\n`);
  const classesOf = [...new Set(tasks.map((task) => task.class))];
  const cell = (c, method, seeds) => spread(tasks.filter((t) => t.class === c && seeds.includes(t.seed)).map((t) => at(t, method)));
  const means = (method, seeds) =>
    spread(
      seeds
        .map((seed) => finite(tasks.filter((t) => t.seed === seed).map((t) => at(t, method))))
        .filter((values) => values.length === classesOf.length)
        .map(mean),
    );
  table(
    ["abnormal", ...methods, ...once.map((m) => `${m}, seed 0`)],
    [
      ...classesOf.map((c) => [c, ...methods.map((m) => cell(c, m, SEEDS)), ...once.map((m) => cell(c, m, [0]))]),
      ["**mean**", ...methods.map((m) => means(m, SEEDS)), ...once.map((m) => means(m, [0]))],
    ],
  );
}

function published(tasks, read) {
  console.log("### Honest and published protocol, the same weights (AUROC)\n");
  const rows = tasks
    .map((task) => ({ task, result: read(task, "published") }))
    .filter(({ result }) => result)
    .map(({ task, result }) => {
      const [leaking, honest] = byMethod(result);
      const { epochs } = result.methods[0];
      const theirs = result.published;
      const table = read(task, task.class === null ? "long" : "table");
      const beside = (method) => (table ? mix(named(table, method)) : undefined);
      const row = theirs?.rows.find((r) => r.method.toLowerCase().startsWith("skip"));
      return {
        set: task.set, class: task.class, pca: beside("pca-32"), nearest: beside("nearest"), honest: mix(honest), last: mix(leaking),
        best: epochs?.best_auroc, paper: row && theirs.class_index !== null ? row.auroc[theirs.class_index] : undefined,
      };
    });
  table(
    ["set", "abnormal", "honest", "published, last epoch (leaks)", "published, best epoch (leaks)", "in the paper", "PCA-32", "nearest"],
    rows.map((r) => [r.set, r.class ?? "11 faults", ...[r.honest, r.last, r.best, r.paper, r.pca, r.nearest].map(rate)]),
  );
  const sets = [...new Set(rows.map((r) => r.set))];
  table(
    ["set, mean", "honest", "published, last epoch (leaks)", "published, best epoch (leaks)", "PCA-32", "nearest"],
    sets.map((set) => {
      const of = (what) => finite(rows.filter((r) => r.set === set).map((r) => r[what]));
      return [set, ...["honest", "last", "best", "pca", "nearest"].map((what) => rate(mean(of(what))))];
    }),
  );
}

function ablation(sets, ABLATION, beside, read) {
  const results = ABLATION.map((task) => ({ task, result: read(task, "ablation") })).filter(({ result }) => result);
  if (results.length === 0) return;
  console.log("### Options (AUROC; mean of three runs, and the change against plain, mean ± sd of the pairs)\n");
  // The model itself, what was put beside it in order, then PCA and nearest neighbour.
  const labels = ["plain", ...beside, "PCA-32", "nearest neighbour"];
  const value = (result, at) => mix(byMethod(result)[at]);
  const rows = labels.map((label, at) => {
    const cells = sets.map((set) => {
      const runs = results.filter(({ task }) => task.set === set).map(({ result }) => result);
      const own = runs.map((result) => value(result, at));
      const change = runs.map((result) => value(result, at) - value(result, 0));
      if (finite(own).length === 0) return { text: "" };
      const sign = mean(change) < 0 ? "−" : "+";
      const text = at === 0 ? rate(mean(own)) : `${rate(mean(own))} (${sign}${rate(Math.abs(mean(change)))} ± ${rate(deviation(change))})`;
      return { text, mean: mean(own) };
    });
    return [label, ...cells.map((c) => c.text), rate(mean(finite(cells.map((c) => c.mean))))];
  });
  table(["option", ...sets, "mean"], rows);
}
