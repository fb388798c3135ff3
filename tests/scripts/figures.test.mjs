// Figures that are stated in more than one place: a failure names both places and both figures. Only numbers and
// stable anchors are read (names of options and fields, table cells, headings, constants), not the wording around them.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LIMITS, measure } from '../../scripts/budget.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const read = (path) => readFileSync(join(root, path), 'utf8');
const json = (path) => JSON.parse(read(path));
const filesIn = (dir, extension) => readdirSync(join(root, dir)).filter((name) => name.endsWith(extension));

/** A figure and its place. */
const figure = (at, is) => ({ at, is });
/** 5400 as 5,400; rates and other small numbers as they are. */
const shown = (value) => (typeof value === 'number' && value >= 1000 ? value.toLocaleString('en') : String(value));

function same(a, b, within = 0) {
  const equal = within > 0 ? Math.abs(a.is - b.is) <= within : a.is === b.is;
  assert.ok(equal, `${a.at} has ${shown(a.is)}, but ${b.at} has ${shown(b.is)}`);
}

/** All numbers of a text: 1,560,130 and .872 are one each; the digits of names such as l1 and f32 are none. */
const numbers = (text) =>
  [...text.matchAll(/(?<![A-Za-z])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+/g)].map(([number]) => Number(number.replaceAll(',', '')));

/** The number that the pattern's group catches. A pattern without a match fails: a check of nothing always holds. */
function caught(path, pattern, what, text = read(path)) {
  const found = text.match(pattern);
  assert.ok(found, `${path} has no ${what} (looked for ${pattern})`);
  return figure(`${path}, ${what},`, numbers(found[1])[0]);
}

/** The tables of a Markdown file: the heading above, the cells of the header and of each row. */
function tables(path) {
  const found = [];
  let heading = '';
  let open = null;
  for (const line of read(path).split('\n')) {
    const title = line.match(/^#+ (.*)/);
    if (title) heading = title[1];
    if (!line.startsWith('|')) {
      open = null;
      continue;
    }
    const cells = line.slice(1).replace(/\|\s*$/, '').split(/(?<!\\)\|/).map((cell) => cell.trim());
    if (!open) found.push((open = { heading, header: cells, rows: [] }));
    else if (!cells.every((cell) => /^:?-+:?$/.test(cell))) open.rows.push(cells);
  }
  return found;
}

/** The row of any table of the file whose first cell matches. */
function row(path, first, where = () => true) {
  const cells = tables(path).filter(where).flatMap((table) => table.rows).find(([cell]) => first.test(cell));
  assert.ok(cells, `${path} has no table row for ${first}`);
  return cells;
}

/** The one table with such columns, below such a heading where that matters. */
function table(path, header, heading = /^/) {
  const found = tables(path).find((one) => heading.test(one.heading) && header.every((cell) => one.header.includes(cell)));
  assert.ok(found, `${path} has no table with the columns ${header.join(', ')} (heading ${heading})`);
  return found;
}

const sources = (dir, extension) =>
  readdirSync(join(root, dir), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1));

/** A number as source code writes it: 64_000_000, 256 * 1024, 1 << 30. */
function worth(code) {
  const product = (text) => text.split('*').map((part) => Number(part.trim().replaceAll('_', ''))).reduce((a, b) => a * b);
  const [base, ...shifts] = code.split('<<').map(product);
  return shifts.reduce((value, by) => value * 2 ** by, base);
}

/** A constant, in whichever source file it stands. */
function constant(name, dir, pattern = /^/) {
  const declared = new RegExp(`\\bconst ${name}(?:: \\w+)? = ([\\d_.\\s*<]+);`);
  const hits = sources(dir, dir === 'src' ? '.rs' : '.js').flatMap((path) => {
    const found = pattern.test(path) && read(path).match(declared);
    return found ? [figure(`${path}, ${name},`, worth(found[1]))] : [];
  });
  assert.equal(hits.length, 1, `expected one file with the constant ${name} in ${dir}, found ${hits.length}`);
  return hits[0];
}

/** The header of a model file and the shapes of its tensors. */
function model(path) {
  const bytes = readFileSync(join(root, path));
  const tensors = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString('utf8'));
  const header = JSON.parse(tensors.__metadata__['skip-ganomaly']);
  const parameters = Object.entries(tensors)
    .filter(([name]) => /^(generator|discriminator)\./.test(name) && !/\.running_/.test(name))
    .reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return { path, bytes: bytes.length, header, parameters, stored: tensors['memory.pictures'].shape };
}

const RESULTS = 'docs/results.md';
const bundled = model('www/models/solar-ir.safetensors');
const schema = json('www/lib/training/schema.json');
const solar = table(RESULTS, ['method', 'AUROC', 'AUPRC', 'F1max'], /^solar-ir$/);
const ofBundled = (first) => row(RESULTS, first, ({ rows }) => rows.some(([cell]) => cell === 'threshold'));

/** Figures of the solar-ir table: [mean, sd]. */
function solarFigures(method, column) {
  const cells = solar.rows.find(([name]) => name === method);
  assert.ok(cells, `${RESULTS}, solar-ir, has no row ${method}`);
  return numbers(cells[solar.header.indexOf(column)]);
}

test("README's table is that of the results", () => {
  const readme = table('README.md', ['method', 'AUROC', 'AUPRC']);
  const rows = {
    "Skip-GANomaly, the paper's settings": 'skip-ganomaly',
    'Skip-GANomaly, preset `memory`': 'skip-ganomaly+memory',
    'PCA, 32 components': 'pca-32',
    'nearest neighbour': 'nearest',
    'memory bank of plain pixels, no network': 'nearest+memory',
  };
  assert.deepEqual(readme.rows.map(([name]) => name), Object.keys(rows), "README.md, the rows of its table of results");
  for (const [name, auroc, auprc] of readme.rows) {
    for (const [column, cell] of [['AUROC', auroc], ['AUPRC', auprc]]) {
      const theirs = solarFigures(rows[name], column);
      numbers(cell).forEach((number, i) =>
        same(figure(`README.md, ${name}, ${column},`, number), figure(`${RESULTS}, solar-ir, ${rows[name]}, ${column},`, theirs[i])),
      );
    }
  }
});

test("what README says on top is in the results: plain, PCA, the bundled model", () => {
  const top = read('README.md').split('\n').slice(0, 25).join('\n');
  const found = [...top.matchAll(/\b0\.\d{3}\b/g)].map(([number]) => Number(number));
  assert.equal(found.length, 3, `README.md, lines 1 to 25: expected three AUROCs, found ${found.join(', ')}`);
  same(figure('README.md, the first AUROC,', found[0]), figure(`${RESULTS}, solar-ir, skip-ganomaly, AUROC,`, solarFigures('skip-ganomaly', 'AUROC')[0]));
  same(figure('README.md, the second AUROC,', found[1]), figure(`${RESULTS}, solar-ir, pca-32, AUROC,`, solarFigures('pca-32', 'AUROC')[0]));
  same(figure('README.md, the third AUROC,', found[2]), figure(`${RESULTS}, the bundled model, AUROC,`, numbers(ofBundled(/fault|full mix/)[1])[0]));
});

test('the bundled model is what README, the results and the list of models say', () => {
  const { header } = bundled;
  const file = (what, is) => figure(`${bundled.path}, ${what},`, is);
  const said = (first, what, at = 0) => figure(`${RESULTS}, the bundled model, ${what},`, numbers(ofBundled(first)[1])[at]);

  const [auroc, low, high] = numbers(ofBundled(/fault|full mix/)[1]);
  const readme = read('README.md').match(/\b(0\.\d{3})\s+\(95 % interval (0\.\d{3})\s+to\s+(0\.\d{3})\)/);
  assert.ok(readme, 'README.md has no AUROC with a 95 % interval');
  [auroc, low, high].forEach((number, i) =>
    same(figure('README.md, AUROC of the bundled model and its interval,', Number(readme[i + 1])), figure(`${RESULTS}, the bundled model,`, number)),
  );
  const above = numbers(ofBundled(/^above the threshold/)[1]);
  same(caught('README.md', /([\d.]+) % of the\s+normal/, 'normal images above the threshold'), figure(`${RESULTS}, the bundled model,`, above[0]));
  same(caught('README.md', /([\d.]+) % of the\s+faults/, 'faults above the threshold'), figure(`${RESULTS}, the bundled model, rounded,`, Math.round(above[1])));

  const trained = file('pictures', header.training.pictures);
  same(said(/^(images|pictures)$/, 'size'), file('size', header.architecture.size));
  same(said(/^(images|pictures)$/, 'trained on', 2), trained);
  same(said(/^(images|pictures)$/, 'held out', 3), file('held_out', header.training.held_out));
  same(said(/^(images|pictures)$/, 'seed', 4), file('seed', header.training.config.seed));
  same(said(/^networks$/, 'width'), file('generator_width', header.architecture.generator_width));
  same(said(/^networks$/, 'parameters', 1), file('parameters', bundled.parameters));
  same(said(/^networks$/, 'stored encodings', 2), file('memory.pictures', bundled.stored[0]));
  same(said(/^networks$/, 'values of an encoding', 3), file('memory.pictures', bundled.stored[1]));
  same(said(/^training$/, 'epochs'), file('epochs', header.training.epochs));
  same(figure(`${RESULTS}, the bundled model, all steps,`, said(/^training$/, '').is * said(/^training$/, '', 1).is), file('steps', header.training.steps));
  same(said(/^file$/, 'bytes'), file('length', bundled.bytes));
  same(said(/^threshold$/, 'threshold'), file('threshold', header.calibration.threshold));
  same(said(/^threshold$/, 'quantile', 1), file('rule', header.calibration.rule['held-out-quantile']));

  const list = 'www/models/index.json';
  const [own] = json(list);
  same(caught(list, /trained on ([\d,]+)/i, `${own.method}, trained on`, own.words), trained);
  same(caught(list, /the ([\d,]+) encodings/, `${own.method}, stored encodings`, own.words), file('memory.pictures', bundled.stored[0]));
  same(caught('docs/performance.md', /([\d,]+) parameters at 32/, 'parameters'), file('parameters', bundled.parameters));
});

test('methods side by side: the table of means is that of the runs', () => {
  const means = table(RESULTS, ['method', 'solar-ir', 'mnist', 'mean'], /^Methods side by side$/);
  // Repair was not among them: it has a section of its own.
  const compared = schema.methods.filter(({ name }) => name !== 'repair');
  assert.equal(means.rows.length, compared.length, `${RESULTS}, methods side by side, has not as many rows as www/lib/training/schema.json has methods`);
  for (const [method, ...cells] of means.rows) {
    const sets = means.header.slice(1, -1);
    const of = sets.map((set, i) => {
      const runs = tables(RESULTS).find(({ heading }) => heading.startsWith(`Numbers for ${set} `));
      assert.ok(runs, `${RESULTS} has no numbers for ${set}`);
      const auroc = runs.rows.find(([name]) => name === method)?.[runs.header.indexOf('AUROC')] ?? '';
      same(figure(`${RESULTS}, methods side by side, ${method}, ${set},`, cells[i]), figure(`${RESULTS}, numbers for ${set}, ${method},`, auroc));
      return numbers(auroc)[0];
    });
    const mean = cells.at(-1);
    if (mean === '') continue;
    const mine = of.reduce((a, b) => a + b, 0) / of.length;
    same(figure(`${RESULTS}, methods side by side, ${method}, mean,`, Number(mean)), figure('the mean of its four sets', mine), 0.00101);
  }
});

test('the sizes of solar-ir are the same everywhere', () => {
  const [, , normal, abnormal] = row(RESULTS, /^solar-ir$/, ({ header }) => header.includes('licence'));
  const [train, test] = numbers(normal);
  const [faulty] = numbers(abnormal);
  const set = (what, is) => figure(`${RESULTS}, how it was measured, solar-ir, ${what},`, is);
  const faults = tables(RESULTS).find(({ header }) => header[0] === 'fault');
  same(figure(`${RESULTS}, solar-ir, the sum of the faults,`, faults.rows.reduce((sum, [, count]) => sum + numbers(count)[0], 0)), set('abnormal', faulty));
  const readme = read('README.md').match(/([\d,]+) test images of solar-ir[^(]*\(([\d,]+) normal, ([\d,]+) /);
  assert.ok(readme, 'README.md does not say how many test images solar-ir has');
  [test + faulty, test, faulty].forEach((number, i) => same(figure('README.md, test images of solar-ir,', numbers(readme[i + 1])[0]), set('test', number)));
  const samples = read('www/samples/README.md').match(/full set[^.]*?([\d,]+) normal[^.]*?([\d,]+) normal[^.]*?([\d,]+)\s+abnormal/);
  assert.ok(samples, 'www/samples/README.md does not say how large the full set is');
  [train, test, faulty].forEach((number, i) => same(figure('www/samples/README.md, the full set,', numbers(samples[i + 1])[0]), set('size', number)));
});

test('samples: the folders hold what the texts say', () => {
  const at = 'www/samples/README.md';
  const folder = (path) => figure(`www/samples/${path}`, filesIn(`www/samples/${path}`, '.png').length);
  for (const path of ['solar-ir/train/0.normal/', 'solar-ir/test/0.normal/', 'solar-ir/test/1.abnormal/']) {
    const [first, images] = row(at, new RegExp(`^\`${path}\`$`));
    same(figure(`${at}, ${first},`, numbers(images)[0]), folder(path));
  }
  const gallery = filesIn('www/samples/gallery', '.png');
  const normal = gallery.filter((name) => name.startsWith('normal')).length;
  const [, images] = row(at, /^`gallery\/`$/);
  same(figure(`${at}, gallery, normal,`, numbers(images)[0]), figure('www/samples/gallery, normal,', normal));
  same(figure(`${at}, gallery, abnormal,`, numbers(images)[1]), figure('www/samples/gallery, abnormal,', gallery.length - normal));
  same(caught('README.md', /(\d+) sample images/, 'sample images'), folder('gallery'));
  const training = folder('solar-ir/train/0.normal');
  same(caught(RESULTS, /`www\/samples\/solar-ir` \(([\d,]+)/, 'training images of the small folder'), training);
  same(caught(RESULTS, /bundled ([\d,]+) normal/, 'bundled normal images'), training);
  // docs/using.md names them in passing.
  for (const [, before, behind] of read('docs/using.md').matchAll(/\b([\d,]+)\s+bundled\s+(?:images|pictures|normal)|\bbundled\s+([\d,]+)\b/g)) {
    same(figure('docs/using.md, bundled images,', numbers(before ?? behind)[0]), training);
  }
});

test('budgets: docs/performance.md has the limits that are checked, and sizes within a tenth', () => {
  const at = 'docs/performance.md';
  const limits = table(at, ['what', 'limit', 'aim']);
  const first = {
    first: 'first load', trainer: 'training section', compare: 'comparison', gpu: 'WebGPU module',
    model: 'bundled model', method: 'each model of another method', training: 'training folder',
  };
  assert.deepEqual(Object.keys(first).sort(), Object.keys(LIMITS).sort(), `scripts/budget.mjs and the rows of ${at} known here`);
  for (const [name, { limit, aim }] of Object.entries(LIMITS)) {
    const cells = limits.rows.find(([what]) => what.startsWith(first[name]));
    assert.ok(cells, `${at} has no limit for '${first[name]}', scripts/budget.mjs has ${shown(limit)}`);
    same(figure(`${at}, limit of '${cells[0]}',`, numbers(cells[1])[0]), figure(`scripts/budget.mjs, ${name}, limit,`, limit));
    same(figure(`${at}, aim of '${cells[0]}',`, numbers(cells[2])[0] ?? 'none'), figure(`scripts/budget.mjs, ${name}, aim,`, aim ?? 'none'));
  }
  const { sizes } = measure();
  for (const [name, what] of [['first', /first load/], ['trainer', /training section/], ['gpu', /WebGPU module/]]) {
    const [cell, kilobytes] = row(at, what, ({ header }) => header[0] === 'part');
    same(figure(`${at}, ${cell}, kB,`, numbers(kilobytes)[0]), figure(`scripts/budget.mjs, ${name}, kB,`, Math.round(sizes[name] / 1000)), sizes[name] / 10_000);
  }
});

test('versions: crate, Rust, Node and wasm-bindgen', () => {
  const toml = read('Cargo.toml');
  const version = (path, pattern, what, text = read(path)) => {
    const found = text.match(pattern);
    assert.ok(found, `${path} has no ${what}`);
    return figure(`${path}, ${what},`, found[1]);
  };
  const crate = version('Cargo.toml', /^version = "(.*)"/m, 'version', toml);
  same(version('Cargo.lock', /name = "skip-ganomaly"\nversion = "(.*)"/, 'version of the crate'), crate);
  same(version('CHANGELOG.md', /^## \[(\d[^\]]*)\] - \d{4}-\d{2}-\d{2}$/m, 'latest version'), crate);
  const rust = version('Cargo.toml', /^rust-version = "(.*)"/m, 'rust-version', toml);
  const node = version('package.json', />=(\d+)/, 'engines.node');
  for (const path of ['README.md', 'CONTRIBUTING.md']) {
    same(version(path, /Rust (\d+\.\d+)/, 'Rust'), rust);
    same(version(path, /Node (\d+)/, 'Node'), node);
  }
  same(version('scripts/setup.sh', />= (\d+)/, 'Node'), node);
  const bindgen = version('Cargo.toml', /^wasm-bindgen = "=(.*)"/m, 'wasm-bindgen', toml);
  same(version('scripts/lib.sh', /WASM_BINDGEN_VERSION=(\S+)/, 'WASM_BINDGEN_VERSION'), bindgen);
  same(version('Cargo.lock', /name = "wasm-bindgen"\nversion = "(.*)"/, 'wasm-bindgen'), bindgen);
});

test('exit codes: the table has the codes of the program', () => {
  const at = 'docs/using.md';
  const described = table(at, ['exit code']).rows.map(([code]) => Number(code.replaceAll('`', ''))).sort((a, b) => a - b);
  const path = sources('src', '.rs').find((file) => /\bmod exit \{|\bconst INTERRUPTED: u8/.test(read(file)));
  assert.ok(path, 'no file in src/ has the exit codes');
  const own = [...read(path).matchAll(/\bconst [A-Z_]+: u8 = (\d+);/g)].map(([, code]) => Number(code));
  // 0 is success and 2 is clap's own for a wrong command line.
  same(figure(`${at}, exit codes:`, described.join(', ')), figure(`${path}, with 0 and 2:`, [0, 2, ...own].sort((a, b) => a - b).join(', ')));
});

/** The row of docs/using.md for an option, in the table that has another option too. */
const optionRow = (option, besides) => {
  const named = (name) => new RegExp(`\`--${name}(?![\\w-])`);
  return row('docs/using.md', named(option), ({ rows }) => rows.some(([cell]) => named(besides).test(cell)));
};

test('the defaults of the other commands are those of the program', () => {
  const literal = (field) => {
    const declared = new RegExp(`default_value(?:_t)? = "?([\\d_]+)"?[^\\n]*\\n\\s*(?:pub(?:\\([^)]*\\))? )?${field}: `);
    const path = sources('src/cli', '.rs').find((file) => declared.test(read(file)));
    assert.ok(path, `no file in src/cli/ has a default for ${field}`);
    return figure(`${path}, ${field},`, worth(read(path).match(declared)[1]));
  };
  const said = (option, besides, cell = 1) => figure(`docs/using.md, --${option} (beside --${besides}),`, numbers(optionRow(option, besides)[cell])[0]);
  same(said('batch', 'maps'), literal('batch'));
  same(said('baseline-pictures', 'no-baselines'), literal('baseline_pictures'));
  same(said('bootstrap', 'no-baselines'), constant('RESAMPLES', 'src'));
  same(said('components', 'no-baselines'), figure('www/lib/training/schema.json, components,', schema.settings.find(({ name }) => name === 'components').default));
  same(said('cache-mib', 'test-limit'), constant('CACHE_MIB', 'src'));
});

test('the preset is what the docs say that it stands for', () => {
  const { changes } = schema.presets.find(({ name }) => name === 'memory');
  let spans = 0;
  for (const path of ['docs/using.md', 'docs/method.md']) {
    for (const [, span] of read(path).matchAll(/`(--latent memory --[^`]*)`/g)) {
      spans++;
      for (const [, option, value] of span.matchAll(/--([\w-]+) (\S+)/g)) {
        const own = changes[option.replaceAll('-', '_')];
        same(figure(`${path}, preset memory, --${option},`, value), figure(`www/lib/training/schema.json, preset memory, ${option},`, own === undefined ? 'none' : String(own)));
      }
    }
  }
  assert.ok(spans > 0, 'neither docs/using.md nor docs/method.md says what --preset memory stands for');
});

test('limits: images, files, networks and the memory bank', () => {
  const using = 'docs/using.md';
  same(caught(using, /([\d,]{9,})\s+pixels/, 'most pixels of an image'), constant('MAX_PIXELS', 'src'));
  same(caught(using, /([\d,]{5,})\s+pixels\s+(?:a|per|on\s+(?:a|each|either))\s+side/, 'longest side of an image'), constant('MAX_SIDE', 'src'));
  const files = read(using).split(/\n\n/).find((paragraph) => /\d\s+MiB/.test(paragraph) && /\d\s+GiB/.test(paragraph)) ?? '';
  const page = caught(using, /(\d+)\s+MiB/, 'largest file in the page, MiB', files);
  const program = caught(using, /(\d+)\s+GiB/, 'largest file in the program, GiB', files);
  const inUnit = ({ at, is }, unit) => figure(at, is / unit);
  same(page, inUnit(constant('MAX_FILE_BYTES', 'www'), 2 ** 20));
  same(program, inUnit(constant('MAX_FILE_BYTES', 'src'), 2 ** 30));

  const setting = (name) => schema.settings.find((one) => one.name === name);
  const field = (name) => row('docs/model-file.md', new RegExp(`^\`${name}\`$`)).at(-1);
  for (const [name, { max }] of [['generator_width', setting('width')], ['discriminator_width', setting('discriminator-width')], ['features', setting('features')]]) {
    same(figure(`docs/model-file.md, ${name}, most,`, Math.max(...numbers(field(name)))), figure(`www/lib/training/schema.json, ${name}, max,`, max));
  }
  for (const name of ['size', 'channels']) {
    same(figure(`docs/model-file.md, ${name},`, numbers(field(name)).join(', ')), figure(`www/lib/training/schema.json, ${name},`, setting(name).choices.join(', ')));
  }
  const stored = row('docs/method.md', /^`--latent memory`$/).at(-1);
  const [most, from] = numbers(stored);
  same(figure('docs/method.md, --latent memory, stored at most,', most), constant('STORED', 'src', /memory/));
  same(figure('docs/method.md, --latent memory, training images at most,', from), constant('CAPACITY', 'src', /memory/));
});
