// What a visitor downloads, against its limits. Exits with 1 where one is passed.
//
// first load: all that comes before the first score. training: what the page fetches when someone
// comes to train, beside the CPU module that is there already. Side by side: what it fetches when two methods are
// compared, but for the model; a model of another method comes when it is chosen. GPU module: where WebGPU works.
//
//   node scripts/budget.mjs
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { pageFiles } from './precache.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

export const LIMITS = {
  first: { limit: 3_400_000, aim: 2_500_000, what: 'first load, gzip' },
  trainer: { limit: 105_000, aim: 80_000, what: 'training, gzip' },
  compare: { limit: 10_000, what: 'side by side, gzip' },
  gpu: { limit: 5_000_000, aim: 3_000_000, what: 'GPU module, gzip' },
  model: { limit: 3_000_000, what: "a set's own model" },
  method: { limit: 1_000_000, what: 'other method' },
  training: { limit: 3_000_000, what: 'training folder' },
};

const gzipped = (path) => gzipSync(readFileSync(path), { level: 9 }).length;

function folderBytes(dir) {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath ?? entry.path, entry.name)).size, 0);
}

/** Sizes in bytes. A missing part is an error: a budget that measures nothing always holds. */
export function measure({ www = join(root, 'www'), pkg = join(root, 'pkg') } = {}) {
  const files = pageFiles({ www, pkg }).map((file) => ({ ...file, gzip: gzipped(file.path) }));
  const first = files.filter((file) => file.group === 'first');
  // The service worker is downloaded too, though it does not keep itself.
  const worker = join(www, 'sw.js');
  if (existsSync(worker)) first.push({ url: './sw.js', path: worker, group: 'first', gzip: gzipped(worker) });
  const sum = (list) => list.reduce((total, file) => total + file.gzip, 0);
  const compare = files.filter((file) => file.group === 'compare');
  const methods = files.filter((file) => file.group === 'methods');
  const models = files.filter((file) => ['first', 'sets'].includes(file.group) && extname(file.path) === '.safetensors');
  const largest = (list) => Math.max(...list.map((file) => statSync(file.path).size));
  for (const [name, found] of [
    ['www/index.html', first.some((file) => file.url === './index.html')],
    ['pkg/cpu', first.some((file) => file.url.startsWith('./pkg/cpu/') && file.url.endsWith('.wasm'))],
    ['pkg/gpu', files.some((file) => file.group === 'gpu' && file.url.endsWith('.wasm'))],
    ["the first set's model", models.some((file) => file.group === 'first')],
    ['www/models/solar-ir.safetensors', files.some((file) => file.url === './models/solar-ir.safetensors')],
    ['www/models/methods/*.safetensors', methods.length > 0],
    ['www/page/compare.js', compare.some((file) => file.url === './page/compare.js')],
    ['www/page/training', files.some((file) => file.url.startsWith('./page/training/'))],
    ['www/samples/gallery', files.some((file) => file.url.startsWith('./samples/gallery/'))],
  ]) {
    if (!found) throw new Error(`${name} is missing, so that the budget cannot be checked`);
  }
  const group = (file) => {
    if (file.url.startsWith('./pkg/cpu/')) return 'CPU module';
    if (file.url.startsWith('./models/')) return 'model';
    return 'HTML, JS, CSS and icons';
  };
  const trainer = files.filter((file) => file.group === 'training');
  const parts = {};
  for (const file of first) parts[group(file)] = (parts[group(file)] ?? 0) + file.gzip;
  return {
    parts,
    sizes: {
      first: sum(first),
      trainer: sum(trainer),
      compare: sum(compare),
      gpu: sum(files.filter((file) => file.group === 'gpu')),
      model: largest(models),
      method: largest(methods),
      training: folderBytes(join(www, 'samples/solar-ir')),
    },
  };
}

/** One row a limit: { what, bytes, limit, aim, over }. */
export function judge(sizes, limits = LIMITS) {
  return Object.entries(limits).map(([name, { limit, aim, what }]) => ({
    what,
    bytes: sizes[name],
    limit,
    aim,
    over: !(sizes[name] <= limit),
  }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { parts, sizes } = measure();
  const number = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ' ').padStart(10);
  console.log('                           bytes      limit');
  const rows = judge(sizes);
  for (const { what, bytes, limit, aim, over } of rows) {
    const note = over ? '  OVER THE LIMIT' : aim && bytes > aim ? `  over the aim of ${number(aim).trim()}` : '';
    console.log(`${what.padEnd(20)} ${number(bytes)} ${number(limit)}${note}`);
    if (what === LIMITS.first.what) {
      for (const [part, size] of Object.entries(parts)) console.log(`  ${part.padEnd(28)} ${number(size)}`);
    }
  }
  if (rows.some((row) => row.over)) process.exit(1);
}
