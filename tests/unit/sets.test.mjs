// Held: which set the page opens with, what parts a line shows and trains on, and what they are called.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FIRST, lineWords, RENDERED, SETS, SOLAR, itemOf, kindWords, lineOf, openingSet, requestOf, samplesOf, setOf, thumbOf, trainingParts, trainingSource } from '../../www/lib/sets.js';

const gear = lineOf('gear');
const faults = ['chip', 'bent-tooth', 'crack'];

test('the address names the set, or else its model does; whatever it says, there is one', () => {
  const id = (asked, model = null) => openingSet(asked, model).id;
  assert.deepEqual(SETS.map((set) => id(set.id)), SETS.map((set) => set.id));
  for (const asked of [null, '', 'Gear', 'egg', '__proto__', '../gear']) assert.equal(id(asked), FIRST, String(asked));
  assert.equal(id(null, './models/solar-ir.safetensors'), SOLAR);
  assert.equal(id(null, 'models/lines/wood.safetensors?x=1#y'), 'wood');
  assert.equal(id(null, '/sub/models/methods/pca.safetensors'), SOLAR);
  assert.equal(id(null, 'models/mine.safetensors'), FIRST);
  assert.equal(id('gear', 'models/solar-ir.safetensors'), 'gear', 'a name comes first');
  assert.equal(lineOf(SOLAR), null);
  assert.equal(setOf(SOLAR).title, 'Solar modules: real thermal images');
});

test('a part says what it shows, and that it is rendered', () => {
  const item = itemOf(gear, { number: 12, purpose: 'faulty', kind: 'bent-tooth', size: 'small', wear: 1 });
  assert.equal(item.name, 'gear, part 12, bent tooth');
  assert.equal(item.path, 'rendered/gear, part 12, bent tooth');
  assert.equal(item.label, kindWords('bent-tooth'));
  assert.equal(itemOf(gear, { number: 3, purpose: 'good', kind: null, size: 'large', wear: 0 }).name, 'gear, part 3');
  assert.match(RENDERED, /rendered/i);
  const { part } = item.source;
  assert.deepEqual(part, requestOf('gear', item.part));
  assert.ok(thumbOf(gear, item.part).size < part.size);
});

test('samples: sound parts and each kind of fault, no two alike', () => {
  const samples = samplesOf({ product: 'gear', faults, sizes: [32, 2048] });
  assert.equal(samples.length, 24);
  assert.deepEqual([...new Set(samples.map(({ kind }) => kind))], [null, ...faults]);
  assert.ok(samples.filter(({ kind }) => kind === null).every(({ purpose, wear }) => purpose === 'good' && wear === 0));
  assert.equal(new Set(samples.map((part) => itemOf(gear, part).name)).size, 24);
  assert.equal(new Set(samples.filter(({ kind }) => kind === 'chip').map(({ size }) => size)).size, 3, 'a kind comes in all sizes');
  assert.equal(samplesOf({ product: 'gear', faults: ['chip'], sizes: [32, 2048] }).length, 24, 'of one kind as well');
});

test('parts to train on: 200 normals that the program finds under the same names, and labelled ones', () => {
  const files = trainingParts(gear, { product: 'gear', faults, sizes: [32, 2048] });
  const normals = files.filter(({ path }) => path.startsWith('train/good/'));
  assert.equal(normals.length, 200);
  normals.forEach(({ path, source: { part } }, number) => {
    assert.equal(path, `train/good/${String(number).padStart(3, '0')}.png`);
    assert.deepEqual([part.purpose, part.number, part.seed, part.fault], ['train', number, 0, null]);
  });
  const faulty = files.filter(({ source }) => source.part.purpose === 'faulty');
  assert.deepEqual(faulty.slice(0, 4).map(({ path }) => path), ['test/chip/000.png', 'test/bent-tooth/000.png', 'test/crack/000.png', 'test/chip/001.png']);
  assert.equal(files.length, normals.length + 2 * faulty.length, 'as many sound ones');
  assert.equal(new Set(files.map(({ path }) => path)).size, files.length);
  assert.equal(trainingSource(gear), `product:gear,size=128,normals=200,test=${2 * faulty.length}`);
});

test('before any script runs, the page speaks of what it opens with', () => {
  const html = readFileSync(new URL('../../www/index.html', import.meta.url), 'utf8');
  assert.ok(html.includes(lineWords(lineOf(FIRST))), 'the lead of www/index.html');
});
