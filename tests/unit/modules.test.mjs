// Held: every module is there, kept offline with the part that needs it, and what is tested here needs no document.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pageFiles } from '../../scripts/precache.mjs';

const www = fileURLToPath(new URL('../../www', import.meta.url));
const text = (name) => readFileSync(join(www, name), 'utf8');
const modules = readdirSync(www, { recursive: true }).filter((name) => name.endsWith('.js') && !name.startsWith('vendor')).sort();
/** Without comments: types are imported from anywhere. */
const code = (name) => text(name).replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

/** What a module imports when it is loaded. */
function imports(name) {
  return [...code(name).matchAll(/^(?:import|export)\b[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"/gm)]
    .map(([, from, bare]) => normalize(join(dirname(name), from ?? bare)));
}

/** A module and all that comes with it. */
function withAll(name, found = new Set()) {
  if (!found.has(name)) {
    found.add(name);
    for (const one of imports(name)) withAll(one, found);
  }
  return found;
}

/** What these modules need of a document, a window or a worker: nothing, also in their functions. */
const PURE = [
  'address.js', 'csv.js', 'format.js', 'found.js', 'model-files.js', 'model-words.js', 'names.js', 'outline.js', 'png.js', 'protocol.js', 'sets.js', 'verdict.js', 'walk.js',
  'zip.js',
  'training/histogram.js', 'training/panel-state.js', 'training/planner.js', 'training/points.js', 'training/protocol.js', 'training/records.js',
  'training/rehearse.js', 'training/url-settings.js', 'training/yield.js',
].map((name) => `lib/${name}`);

test('what is imported is there', () => {
  assert.ok(modules.length > 30);
  for (const name of modules) for (const one of imports(name)) assert.ok(existsSync(join(www, one)), `${one}, for ${name}`);
});

/** What a module imports when it is loaded, later or for a type. */
const mentions = (name) => [...text(name).matchAll(/(?:\bfrom |\bimport )"(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/g)]
  .map(([, from, called]) => normalize(join(dirname(name), from ?? called)));

test('lib imports nothing of page, types included, and neither has a circle', () => {
  for (const name of modules.filter((one) => one.startsWith('lib/'))) {
    for (const one of mentions(name)) assert.match(one, /^(lib|pkg)\//, `${name} imports ${one}`);
  }
  const done = new Set();
  const visit = (name, path = []) => {
    assert.ok(!path.includes(name), [...path, name].join(' imports '));
    if (!done.has(name)) for (const one of mentions(name).filter((other) => modules.includes(other))) visit(one, [...path, name]);
    done.add(name);
  };
  modules.forEach((name) => visit(name));
});

test('a module that needs no document imports none that does', () => {
  for (const name of PURE) {
    assert.ok(modules.includes(name), name);
    for (const one of imports(name)) assert.ok(PURE.includes(one), `${name} imports ${one}`);
    const found = /\b(document|window|localStorage|navigator|matchMedia|requestAnimationFrame|HTMLElement|self|new Worker)\b/.exec(code(name));
    assert.equal(found, null, `${name} speaks of ${found?.[0]}`);
  }
});

test('the first load asks for all its modules at once: the page names each that page/app.js needs', () => {
  const named = [...text('index.html').matchAll(/<link rel="modulepreload" href="\.\/([^"]+)">/g)].map(([, name]) => name);
  assert.deepEqual([...named].sort(), [...withAll('page/app.js')].filter((name) => name !== 'page/app.js').sort());
});

test('each part is kept with what it needs', () => {
  const group = new Map(pageFiles({ pkg: '/nowhere' }).map(({ url, group: one }) => [url.slice(2), one]));
  const parts = { 'page/app.js': ['first'], 'lib/worker.js': ['first'], 'page/compare.js': ['first', 'compare'], 'page/training/panel.js': ['first', 'training'], 'lib/training/worker.js': ['first', 'training'] };
  for (const [entry, groups] of Object.entries(parts)) {
    for (const name of withAll(entry)) assert.ok(groups.includes(group.get(name)), `${name}, for ${entry}, is of the group ${group.get(name)}`);
  }
});

test('no module is left that nothing loads', () => {
  const entries = ['page/app.js', 'lib/worker.js', 'sw.js', 'page/theme.js', 'page/compare.js', 'page/training/panel.js', 'lib/training/worker.js'];
  const loaded = new Set(entries.flatMap((name) => [...withAll(name)]));
  const types = ['lib/protocol.js', 'lib/training/protocol.js'];
  assert.deepEqual(modules.filter((name) => !loaded.has(name) && !types.includes(name)), []);
});
