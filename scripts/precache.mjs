// What the service worker keeps, with a content hash for each file:
//   [{ "url": "./pkg/cpu/skip_ganomaly.js", "revision": "<sha256>", "lazy": false }]
//
//   node scripts/precache.mjs [FILE]      writes the list (default: stdout)
//
// A lazy file is kept when it is first asked for: the WebGPU module. The rest is the first load.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from './stamp.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Never part of the first load: the service worker itself, this list, the training pictures. */
const LEFT_OUT = [/^sw\.js$/, /^precache\.json$/, /^samples\/(?!gallery\/)/, /\.d\.ts$/, /\.md$/, /(^|\/)LICEN[CS]E/];

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

/** Every file of the page: { url, path, group: 'first' | 'gpu' }, in a fixed order. */
export function pageFiles({ www = join(root, 'www'), pkg = join(root, 'pkg'), pkgCpu = join(pkg, 'cpu') } = {}) {
  const module = (dir, kind) =>
    walk(dir)
      .filter((name) => /\.(js|wasm)$/.test(name))
      .map((name) => ({ url: `./pkg/${kind}/${name}`, path: join(dir, name), group: kind === 'cpu' ? 'first' : 'gpu' }));
  return [
    ...walk(www)
      .filter((name) => !LEFT_OUT.some((pattern) => pattern.test(name)))
      .map((name) => ({ url: `./${name}`, path: join(www, name), group: 'first' })),
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
  return pageFiles(dirs).map(({ url, path, group }) => ({ url, revision: revision(path), lazy: group === 'gpu' }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = `${JSON.stringify(precacheList(), null, 1)}\n`;
  if (process.argv[2]) writeFileSync(process.argv[2], text);
  else process.stdout.write(text);
}
