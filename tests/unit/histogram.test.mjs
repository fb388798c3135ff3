// Held: every score is in exactly one bin, bins are equal and shared by all groups, and odd sets do no harm.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BINS, histogram } from '../../www/lib/training/histogram.js';

const scores = (more) => ({ held_out: [], normal: [], abnormal: [], threshold: null, ...more });
const sum = (bins) => bins.reduce((total, one) => total + one, 0);
const filled = (bins) => bins.flatMap((count, i) => (count > 0 ? [[i, count]] : []));

test('each score is counted once, the lowest in the first bin and the highest in the last', () => {
  const held_out = Array.from({ length: BINS * 10 + 1 }, (_, i) => i);
  const { low, high, held_out: bins } = histogram(scores({ held_out }));
  assert.deepEqual([low, high, bins.length], [0, BINS * 10, BINS]);
  assert.deepEqual(bins, [...Array(BINS - 1).fill(10), 11], 'a score between two bins is the upper one\'s, the highest the last one\'s');
});

test('groups share their bins, and the threshold is within them', () => {
  const made = histogram(scores({ held_out: [1, 2], normal: [0], abnormal: [5], threshold: 9.6 }));
  assert.deepEqual([made.low, made.high], [0, 9.6]);
  assert.deepEqual([filled(made.held_out), filled(made.normal), filled(made.abnormal)], [[[2, 1], [5, 1]], [[0, 1]], [[12, 1]]]);
  assert.equal(histogram(scores({ held_out: [1, 2], threshold: -3 })).low, -3);
});

test('an outlier pushes the others together, and loses none of them', () => {
  const { held_out: bins } = histogram(scores({ held_out: [...Array(99).fill(0.5), 1e6] }));
  assert.deepEqual(filled(bins), [[0, 99], [BINS - 1, 1]]);
});

test('one value: a width is made up, and it is in the first bin', () => {
  for (const value of [0.25, 0, -2, 1e-12, 1e12]) {
    const { low, high, held_out: bins } = histogram(scores({ held_out: [value, value] }));
    assert.equal(low, value);
    assert.ok(high > low && Number.isFinite(high), `${value}: up to ${high}`);
    assert.deepEqual(filled(bins), [[0, 2]]);
  }
});

test('no scores: empty bins', () => {
  const made = histogram(scores());
  for (const bins of [made.held_out, made.normal, made.abnormal]) assert.deepEqual(bins, Array(BINS).fill(0));
});

test('negative scores, and more of them than an argument list could hold', () => {
  const held_out = Array.from({ length: 300_000 }, (_, i) => -i);
  const { low, high, held_out: bins } = histogram(scores({ held_out }));
  assert.deepEqual([low, high + 0, sum(bins)], [-299_999, 0, 300_000]);
});
