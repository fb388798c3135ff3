// Held: what fits into memory, what would instead, and that a plan's words have its numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsOf, planWords, weigh } from '../../www/lib/training/planner.js';

const GIB = 2 ** 30;

/** A program that holds out a tenth of the pictures, one at least, with the memory given. */
const programWith = (memory) => ({
  plan_run: (settings, count) => ({ training: count - (count < 2 ? 0 : Math.max(1, Math.round(count / 10))), total_steps: 7, memory: memory(settings) }),
});
/** One whose memory grows with batch and width, a GiB each; the pieces are a part of it. */
const program = (piece = 0.5) => programWith(({ batch, width }) => (
  { weights: 1, optimisers: 2, activations: 3, pictures: 4, checkpoint: 5, total: batch * width * GIB, largest_buffer: piece * batch * width * GIB }
));
const settings = { batch: 16, width: 8, held_out: 0.1 };
const limits = (total, buffer = total) => ({ total: total * GIB, buffer: buffer * GIB });

test('what fits is told with its parts and the limit', () => {
  assert.deepEqual(weigh(program(), settings, 100, limits(128)), {
    memory: { weights: 1, optimisers: 2, activations: 3, pictures: 4, checkpoint: 5, total: 128 * GIB, limit: 128 * GIB },
    steps: 7, fits: true, would: null, words: '',
  });
});

test('too much: the largest batch that fits, else the largest width, else neither', () => {
  const would = (total, change) => weigh(program(), { ...settings, ...change }, 100, limits(total)).would;
  assert.deepEqual(would(127), { batch: 8 });
  assert.deepEqual(would(16), { batch: 2 });
  assert.deepEqual(would(100, { batch: 13 }), { batch: 8 }, 'a power of two');
  // Not even two pictures a batch: the width comes down, and the batch with it as far as it has to.
  assert.deepEqual(would(15), { width: 4, batch: 2 });
  assert.deepEqual(would(4), { width: 2, batch: 2 });
  assert.equal(would(3), null);
  const wide = programWith(({ width }) => ({ total: width * GIB, largest_buffer: 0 }));
  assert.deepEqual(weigh(wide, settings, 100, limits(5)).would, { width: 4 }, 'a batch that is not the cause stays');
});

test('a piece that the graphics processor does not give is too much as well, and is named', () => {
  const { fits, would, words } = weigh(program(), settings, 100, limits(1000, 32));
  assert.deepEqual([fits, would], [false, { batch: 8 }]);
  assert.match(words, /64.*32/);
  assert.match(weigh(program(), settings, 100, limits(32)).words, /128.*32/);
});

test('fewer pictures than a batch: the largest batch that they fill', () => {
  const of = (count, change) => weigh(program(), { ...settings, ...change }, count, limits(1000));
  assert.deepEqual([of(18).fits, of(17).fits], [true, false]);
  assert.deepEqual([of(17).would, of(10).would, of(4).would, of(3).would], [{ batch: 8 }, { batch: 8 }, { batch: 2 }, { batch: 2 }]);
  for (const count of [1, 2]) assert.deepEqual([of(count).fits, of(count).would], [false, null]);
  assert.match(of(17).words, /17.*15.*16/);
});

test('what would do is never more than the pictures fill', () => {
  assert.deepEqual(weigh(program(), settings, 6, limits(127)).would, { batch: 4 });
});

test('limits: addresses on the CPU; on a graphics processor the smaller of its two', () => {
  assert.deepEqual(limitsOf(null), { total: 3 * GIB, buffer: 3 * GIB });
  assert.deepEqual(limitsOf({ limits: { maxBufferSize: 256, maxStorageBufferBindingSize: 128 } }), { total: 4 * GIB, buffer: 128 });
  assert.equal(limitsOf({ limits: { maxBufferSize: 64, maxStorageBufferBindingSize: 128 } }).buffer, 64);
});

test('a plan says how long, how many steps of how many milliseconds, and how much memory', () => {
  const numbers = (words) => words.match(/\d+(\.\d+)?/g).map(Number);
  assert.deepEqual(numbers(planWords(600, 250.4, { total: 2 * GIB })), [3, 600, 250, 2]);
  assert.deepEqual(numbers(planWords(1000, 9.95, { total: 5.5 * 2 ** 20 })), [10, 1000, 9.9, 5.5]);
});
