// What the service worker keeps, with a content hash for each file:
//   [{ "url": "./pkg/cpu/skip_ganomaly.js", "revision": "<sha256>", "lazy": false }]
//
//   node scripts/precache.mjs [FILE]      writes the list (default: stdout)
//
// A lazy file is kept when it is first asked for: the WebGPU module, the bundled pictures for training, the
// models of other methods and of other sets than the first, the real pictures. The rest is kept at the first visit: the
// first load, and behind it what the page trains with, a model to check a GPU with, and what it compares with.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FIRST, SOLAR, setOf } from '../www/lib/sets.js';
import { sha256 } from './stamp.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Training checks a GPU with this model: without a network too. */
const CHECKED_WITH = `./models/${setOf(SOLAR).model}`;

/** Never kept: the service worker itself, this list, types, what only people read. */
const LEFT_OUT = [/^sw\.js$/, /^precache\.json$/, /\.d\.ts$/, /(^|\/)protocol\.js$/, /\.md$/, /(^|\/)LICEN[CS]E/];

/**
 * When a file is needed: at once, for training, side by side, as another method's model, for another set than the first,
 * as a picture to train on.
 */
function groupOf(name) {
  if (/^models\/methods\//.test(name)) return 'methods';
  if (/^models\/.*\.safetensors$/.test(name)) return name === `models/${setOf(FIRST).model}` ? 'first' : 'sets';
  if (/^samples\/gallery\//.test(name)) return 'sets';
  if (/^page\/compare[./]/.test(name)) return 'compare';
  if (/^((lib|page)\/training|vendor)\//.test(name) || /^samples\/[^/]+\.json$/.test(name)) return 'training';
  return /^samples\//.test(name) ? 'pictures' : 'first';
}

function walk(dir, prefix = '') {
  let entries;
  try {
    entries = readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
  return entries
    .filter((entry) => !entry.name.startsWith('.'))
    .flatMap((entry) =>
      entry.isDirectory() ? walk(join(dir, entry.name), `${prefix}${entry.name}/`) : [`${prefix}${entry.name}`],
    )
    .sort();
}

/** Every file of the page: { url, path, group: 'first' | 'training' | 'compare' | 'methods' | 'sets' | 'pictures' | 'gpu' }, in a fixed order. */
export function pageFiles({ www = join(root, 'www'), pkg = join(root, 'pkg'), pkgCpu = join(pkg, 'cpu') } = {}) {
  const module = (dir, kind) =>
    walk(dir)
      .filter((name) => /\.(js|wasm)$/.test(name))
      .map((name) => ({ url: `./pkg/${kind}/${name}`, path: join(dir, name), group: kind === 'cpu' ? 'first' : 'gpu' }));
  return [
    ...walk(www)
      .filter((name) => !LEFT_OUT.some((pattern) => pattern.test(name)))
      .map((name) => ({ url: `./${name}`, path: join(www, name), group: groupOf(name) })),
    ...module(pkgCpu, 'cpu'),
    ...module(join(pkg, 'gpu'), 'gpu'),
  ];
}

const hashes = new Map();

/** A file's hash, kept while its size and time are the same. */
export function revision(path) {
  const { size, mtimeMs } = statSync(path);
  const known = hashes.get(path);
  if (known && known.size === size && known.mtimeMs === mtimeMs) return known.hash;
  const hash = sha256(readFileSync(path));
  hashes.set(path, { size, mtimeMs, hash });
  return hash;
}

export function precacheList(dirs) {
  return pageFiles(dirs).map(({ url, path, group }) => ({
    url,
    // The list comes with every visit, and there are hundreds of pictures: a part of the hash will do for those.
    revision: group === 'pictures' ? revision(path).slice(0, 16) : revision(path),
    lazy: ['gpu', 'methods', 'sets', 'pictures'].includes(group) && url !== CHECKED_WITH,
  }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = `${JSON.stringify(precacheList(), null, 1)}\n`;
  if (process.argv[2]) writeFileSync(process.argv[2], text);
  else process.stdout.write(text);
}
