import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { LIMITS, judge, measure } from '../../scripts/budget.mjs';
import { precacheList } from '../../scripts/precache.mjs';

let base;
const dirs = () => ({ www: join(base, 'www'), pkg: join(base, 'pkg') });

function write(name, bytes) {
  const path = join(base, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'budget-'));
  write('www/index.html', '<!doctype html>');
  write('www/page/app.js', 'a'.repeat(100_000));
  write('www/page/training/panel.js', randomBytes(6000));
  write('www/vendor/curves/curves.js', randomBytes(500));
  write('www/samples/solar-ir.json', randomBytes(100));
  write('www/models/solar-ir.safetensors', randomBytes(2000));
  write('www/models/lines/board.safetensors', randomBytes(1000));
  write('www/models/lines/wood.safetensors', randomBytes(1100));
  write('www/models/methods/pca.safetensors', randomBytes(700));
  write('www/models/methods/nearest.safetensors', randomBytes(900));
  write('www/page/compare.js', randomBytes(1200));
  write('www/samples/gallery/a.png', randomBytes(2000));
  write('www/samples/solar-ir/train/0.normal/b.png', randomBytes(3000));
  write('pkg/cpu/skip_ganomaly_bg.wasm', randomBytes(4000));
  write('pkg/gpu/skip_ganomaly_bg.wasm', randomBytes(5000));
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

test('each part is counted where it belongs', () => {
  const { sizes } = measure(dirs());
  assert.ok(sizes.first > 5000 && sizes.first < 6000, `first load ${sizes.first}`);
  assert.ok(sizes.trainer > 6600 && sizes.trainer < 6800, `training ${sizes.trainer}`);
  assert.ok(sizes.gpu > 5000 && sizes.gpu < 5100, `gpu ${sizes.gpu}`);
  assert.equal(sizes.model, 2000);
  assert.equal(sizes.method, 900, 'the largest of them');
  assert.ok(sizes.compare >= 1200 && sizes.compare < 1300, `side by side ${sizes.compare}`);
  assert.equal(sizes.training, 3000);
});

test('within the limits nothing is over', () => {
  assert.ok(judge(measure(dirs()).sizes).every((row) => !row.over));
});

test('a size over its limit is over, a byte below is not', () => {
  for (const name of Object.keys(LIMITS)) {
    const sizes = Object.fromEntries(Object.keys(LIMITS).map((one) => [one, 1]));
    sizes[name] = LIMITS[name].limit;
    assert.ok(judge(sizes).every((row) => !row.over), name);
    sizes[name] += 1;
    assert.deepEqual(judge(sizes).filter((row) => row.over).map((row) => row.what), [LIMITS[name].what]);
  }
});

test('a large CPU module counts in the first load', () => {
  write('pkg/cpu/skip_ganomaly_bg.wasm', randomBytes(3_500_000));
  assert.deepEqual(judge(measure(dirs()).sizes).filter((row) => row.over).map((row) => row.what), [LIMITS.first.what]);
});

test('what the page trains with counts by itself', () => {
  write('www/page/training/panel.js', randomBytes(106_000));
  assert.deepEqual(judge(measure(dirs()).sizes).filter((row) => row.over).map((row) => row.what), [LIMITS.trainer.what]);
});

test('models and pictures of other sets than the first are no part of the first load', () => {
  const before = measure(dirs()).sizes.first;
  write('www/models/lines/wood.safetensors', randomBytes(900_000));
  write('www/samples/gallery/b.png', randomBytes(900_000));
  assert.equal(measure(dirs()).sizes.first, before);
  write('www/models/lines/board.safetensors', randomBytes(900_000));
  assert.ok(measure(dirs()).sizes.first > before + 890_000);
});

test('a model of another method is no part of the first load, and has a limit of its own', () => {
  const before = measure(dirs()).sizes.first;
  write('www/models/methods/egbad.safetensors', randomBytes(1_000_001));
  const { sizes } = measure(dirs());
  assert.equal(sizes.first, before);
  assert.deepEqual(judge(sizes).filter((row) => row.over).map((row) => row.what), [LIMITS.method.what]);
  const kept = precacheList(dirs()).filter(({ url }) => url.startsWith('./models/'));
  assert.deepEqual(kept.map(({ url, lazy }) => [url, lazy]), [
    ['./models/lines/board.safetensors', false],
    ['./models/lines/wood.safetensors', true],
    ['./models/methods/egbad.safetensors', true],
    ['./models/methods/nearest.safetensors', true],
    ['./models/methods/pca.safetensors', true],
    ['./models/solar-ir.safetensors', false], // training checks a GPU with it
  ]);
});

test('a missing part is an error, not a small size', () => {
  rmSync(join(base, 'pkg/gpu'), { recursive: true });
  assert.throws(() => measure(dirs()), /pkg\/gpu is missing/);
});
