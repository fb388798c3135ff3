// Held: what is drawn and tabled of a long curve stands for all of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { some, thinned } from '../../www/lib/training/points.js';

const points = (count, y = (_line, i) => i) => ({ count, x: (i) => i + 1, y });

test('a short curve is drawn as it is', () => {
  const [x, a, b] = thinned(points(1500, (line, i) => line * 1000 + i), 2, false);
  assert.deepEqual([x.length, x[0], x[1499]], [1500, 1, 1500]);
  assert.deepEqual([a[7], b[7]], [7, 1007]);
  assert.deepEqual(thinned(points(0), 2, false), [[], [], []]);
});

test('of a long one neighbours are averaged: as many points as a screen shows, and the same mean', () => {
  for (const count of [1501, 3000, 100_000]) {
    const [x, y] = thinned(points(count), 1, false);
    assert.ok(x.length <= 1500 && x.length >= 750, `${count}: ${x.length}`);
    assert.equal(y.length, x.length);
    x.forEach((value, i) => assert.ok(Math.abs(value - 1 - y[i]) < 1e-9, 'x and y are of the same neighbours'));
  }
  assert.deepEqual(thinned(points(3001), 1, false)[1].slice(-2), [2998, 3000], 'the last ones, fewer, are averaged too');
});

test('a gap stays one; what has no logarithm is left out of a logarithmic curve alone', () => {
  const values = [1, null, 0, -5, 3];
  const made = points(5, (_line, i) => values[i]);
  assert.deepEqual(thinned(made, 1, false)[1], values);
  assert.deepEqual(thinned(made, 1, true)[1], [1, null, null, null, 3]);
  const [x] = thinned({ count: 2, x: (i) => i - 1, y: () => 1 }, 1, true);
  assert.deepEqual(x, [-1, 0], 'steps may be nothing or less');
});

test('a mean is of the values that are there', () => {
  const made = points(3000, (_line, i) => (i % 2 ? null : 4));
  assert.ok(thinned(made, 1, false)[1].every((value) => value === 4));
});

test('rows of a table: all of a few, of many the first, the last and evenly between', () => {
  assert.deepEqual(some(4, 60), [0, 1, 2, 3]);
  assert.deepEqual(some(0, 60), []);
  const rows = some(1000, 60);
  assert.deepEqual([rows.length, rows[0], rows.at(-1), new Set(rows).size], [60, 0, 999, 60]);
  const apart = rows.slice(1).map((row, i) => row - rows[i]);
  assert.ok(Math.max(...apart) - Math.min(...apart) <= 1);
  assert.equal(new Set(some(61, 60)).size, 60, 'none twice');
});
