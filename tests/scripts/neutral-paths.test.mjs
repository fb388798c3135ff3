import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { neutralPaths } from '../../scripts/neutral-paths.mjs';

test('a path to a dependency keeps its length and its end, other bytes stay', () => {
  const before = Buffer.concat([
    Buffer.from([0, 255, 128]),
    Buffer.from('at /home/someone/.cargo/registry/src/host-0123abcd/burn-1.0.0/src/lib.rs:7'),
    Buffer.from([0, 200]),
  ]);
  const after = neutralPaths(before);
  assert.equal(after.length, before.length);
  assert.match(after.toString('latin1'), /at \/crates\/+burn-1\.0\.0\/src\/lib\.rs:7/);
  assert.deepEqual([...after.subarray(0, 3)], [0, 255, 128]);
  assert.deepEqual([...after.subarray(-2)], [0, 200]);
});

test('the committed modules name no folder of the machine that built them', () => {
  for (const kind of ['cpu', 'gpu']) {
    const module = readFileSync(new URL(`../../pkg/${kind}/skip_ganomaly_bg.wasm`, import.meta.url));
    assert.ok(!module.includes('registry/src'), `pkg/${kind}`);
  }
});
