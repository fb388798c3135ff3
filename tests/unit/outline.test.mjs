// Held: an outline goes around all that is marked, at a small distance, and around nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outlineOf } from '../../www/lib/outline.js';

const SIZE = 32;
/** A mask of these pixels. */
const maskOf = (...marked) => {
  const mask = new Uint8Array(SIZE * SIZE);
  for (const [x, y] of marked) mask[y * SIZE + x] = 1;
  return mask;
};
const pointsOf = (path) => [...path.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
/** How often each point comes: in a closed line twice. */
function ends(path) {
  const counts = new Map();
  for (const point of pointsOf(path)) counts.set(String(point), (counts.get(String(point)) ?? 0) + 1);
  return [...new Set(counts.values())];
}

test('nothing marked, no outline', () => {
  assert.equal(outlineOf(maskOf(), SIZE), '');
});

test('a pixel in the middle: a closed line around it, two to four pixels away', () => {
  const path = outlineOf(maskOf([10, 20]), SIZE);
  assert.deepEqual(ends(path), [2]);
  for (const [x, y] of pointsOf(path)) {
    const away = Math.hypot(x - 10.5, y - 20.5);
    assert.ok(away > 1.5 && away < 4.5, `${x}, ${y}`);
  }
});

test('pixels that are near each other have one outline, those far away two', () => {
  const lines = (path) => {
    // Follows the pieces from end to end.
    const pieces = path.split('M').slice(1).map((piece) => piece.split('L'));
    let count = 0;
    while (pieces.length > 0) {
      count++;
      const open = [...pieces.shift()];
      for (let at = 0; at < open.length; at++) {
        for (let i = pieces.length - 1; i >= 0; i--) if (pieces[i].includes(open[at])) open.push(...pieces.splice(i, 1)[0]);
      }
    }
    return count;
  };
  assert.equal(lines(outlineOf(maskOf([10, 10], [13, 10]), SIZE)), 1);
  assert.equal(lines(outlineOf(maskOf([6, 6], [24, 24]), SIZE)), 2);
});

test('at the border the line is closed as well', () => {
  for (const pixel of [[0, 0], [31, 31], [0, 16], [31, 0]]) assert.deepEqual(ends(outlineOf(maskOf(pixel), SIZE)), [2], String(pixel));
  assert.deepEqual(ends(outlineOf(new Uint8Array(SIZE * SIZE).fill(1), SIZE)), [2]);
});
