// Held: the page renders the same pictures as the program, to the last bit; what the module says of a part fits its picture.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { renderPart } from '../../www/lib/parts.js';
import { FIRST_PART, SETS, lineOf, requestOf, samplesOf } from '../../www/lib/sets.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pkg = process.env.PKG_CPU_DIR || join(root, 'pkg/cpu');
let module;
before(async () => {
  module = await import(pathToFileURL(join(pkg, 'skip_ganomaly.js')).href);
  await module.default({ module_or_path: readFileSync(join(pkg, 'skip_ganomaly_bg.wasm')) });
});

test('photographs are those of the program', () => {
  const kept = JSON.parse(readFileSync(join(root, 'tests/fixtures/product-digests.json'), 'utf8'));
  assert.ok(kept.length > 40);
  for (const { fault, faultSize, contrast, drift, amount, sha256, ...part } of kept) {
    const { pixels } = module.render_part({
      ...part, seed: 0, wear: 1,
      fault: fault ? { kind: fault, size: faultSize, contrast } : null,
      drift: drift ? { kind: drift, amount } : null,
    });
    const own = pixels.filter((_, at) => at % 4 < part.channels);
    assert.equal(createHash('sha256').update(own).digest('hex'), sha256, JSON.stringify({ ...part, fault, drift }));
  }
});

test('the page has each of the program\'s lines, and begins with a fault by rule, which shows', async () => {
  const lines = module.product_lines();
  assert.deepEqual(SETS.map(({ id }) => lineOf(id)?.id).filter(Boolean), lines.map(({ product }) => product));
  for (const { product, faults: [kind] } of lines) {
    const { box } = await renderPart(module, requestOf(product, { ...FIRST_PART, kind }));
    assert.ok(box, `${product}, ${kind}`);
  }
});

test('a part as a file: the fault is inside its box and its outline; without one there is neither', async () => {
  for (const { product, faults } of module.product_lines()) {
    for (const kind of faults) {
      const part = { number: 3, purpose: 'faulty', kind, size: 'large', wear: 1 };
      const { size, file, box, outline } = await renderPart(module, requestOf(product, part));
      assert.deepEqual([...file.subarray(1, 4)], [...Buffer.from('PNG')]);
      assert.ok(box && outline, `${product}, ${kind}`);
      const [x, y, width, height] = box;
      for (const [, u, v] of outline.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)) {
        assert.ok(u >= x - 6 && u <= x + width + 6 && v >= y - 6 && v <= y + height + 6, `${product}, ${kind}: ${u}, ${v} and ${box}`);
      }
      assert.ok(x >= 0 && y >= 0 && x + width <= size && y + height <= size);
      const sound = await renderPart(module, requestOf(product, { ...part, wear: 0 }));
      assert.deepEqual([sound.box, sound.outline], [null, '']);
      assert.notDeepEqual(sound.file, file);
    }
  }
});

test('the fault of each sample shows', () => {
  for (const line of module.product_lines()) {
    for (const part of samplesOf(line)) {
      const { box } = module.render_part(requestOf(line.product, part));
      assert.equal(box === null, part.kind === null, `${line.product}, ${JSON.stringify(part)}`);
    }
  }
});

test('a file is the same wherever it is made, so that what was trained on can be told apart', async () => {
  const part = requestOf('gear', { number: 0, purpose: 'train', kind: null, size: 'large', wear: 1 });
  const { file } = await renderPart(module, part);
  // One stored block: no browser packs it in a way of its own.
  assert.ok(file.length > 128 * 128 * 3);
});
