import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { listFile, sampleList } from '../../scripts/sample-list.mjs';

test('the list of the bundled pictures is that of the folder', () => {
  assert.equal(readFileSync(listFile, 'utf8'), sampleList(), "run 'node scripts/sample-list.mjs'");
});
