import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { listFile, modelList } from '../../scripts/model-list.mjs';
import { SETS, SOLAR } from '../../www/lib/sets.js';

test('the list of the models is that of the folder', () => {
  const text = readFileSync(listFile, 'utf8');
  assert.equal(text, modelList(), "run 'node scripts/model-list.mjs'");
  const list = JSON.parse(text);
  assert.equal(list[0].file, 'solar-ir.safetensors', "the page's own model comes first");
  assert.ok(list.length > 1);
  const first = SETS.map(({ id }) => list.find(({ set }) => set === id)).filter(Boolean);
  assert.deepEqual(first.map(({ file }) => file), SETS.map(({ model }) => model), 'each set has a model, its own before others');
  for (const { set, method, file } of list) {
    const bytes = readFileSync(join(dirname(listFile), file));
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString('utf8'));
    const { method: own, licence } = JSON.parse(header.__metadata__['skip-ganomaly']);
    assert.equal(own, method, file);
    if (set === SOLAR) assert.match(licence, /Raptor Maps/, `${file} names the licence of what it was trained on`);
  }
});

test('a method without a file is not offered', () => {
  const folder = mkdtempSync(join(tmpdir(), 'models-'));
  try {
    mkdirSync(join(folder, 'methods'));
    writeFileSync(join(folder, 'solar-ir.safetensors'), 'abc');
    writeFileSync(join(folder, 'methods/pca.safetensors'), 'abcde');
    mkdirSync(join(folder, 'lines'));
    writeFileSync(join(folder, 'lines/wood.safetensors'), 'ab');
    assert.deepEqual(JSON.parse(modelList(folder)).map(({ set, method, bytes }) => [set, method, bytes]), [['solar-ir', 'skip-ganomaly', 3], ['solar-ir', 'pca', 5], ['wood', 'repair', 2]]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
