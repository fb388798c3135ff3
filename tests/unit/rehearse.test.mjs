// Held: a rehearsal takes a few steps, leaves the slow first ones out, ends when it is not wanted, and frees its run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instantYields, stopClock } from './clock.mjs';

instantYields();
const { rehearse } = await import('../../www/lib/training/rehearse.js');

/** A program whose steps take these milliseconds. */
function bench(t, times, { fails = false } = {}) {
  const clock = stopClock(t);
  const seen = { started: [], steps: 0, freed: 0, progress: [] };
  const run = {
    step: (update) => {
      assert.equal(update, 'both');
      if (fails) throw new Error('no');
      clock.pass(times[seen.steps++]);
    },
    losses: async () => {},
    info: () => ({ total_steps: 70 }),
    free: () => seen.freed++,
  };
  const module = { Training: { start: (...args) => (seen.started.push(args), run) } };
  const go = (superseded = () => false) =>
    rehearse({ module, device: 'device' }, 'settings', 'pictures', { superseded, progress: (...args) => seen.progress.push(args) });
  return { seen, go };
}

test('five steps; the time is the middle one of the last three', async (t) => {
  const { seen, go } = bench(t, [900, 500, 30, 10, 20]);
  assert.deepEqual(await go(), { stepMs: 20, steps: 70 });
  assert.deepEqual(seen.started, [['device', 'settings', 'pictures']]);
  assert.deepEqual(seen.progress, [0, 1, 2, 3, 4, 5].map((done) => [done, 5]));
  assert.deepEqual([seen.steps, seen.freed], [5, 1]);
});

test('steps that take long: it ends after three seconds, with one step at least', async (t) => {
  const slow = bench(t, [5000]);
  assert.deepEqual(await slow.go(), { stepMs: 5000, steps: 70 });
  assert.deepEqual([slow.seen.steps, slow.seen.freed], [1, 1]);
});

test('two slow steps: the second counts', async (t) => {
  const { seen, go } = bench(t, [2000, 1500]);
  assert.equal((await go()).stepMs, 1500);
  assert.equal(seen.steps, 2);
});

test('superseded: nothing is measured, and the run is freed', async (t) => {
  const { seen, go } = bench(t, [10, 10, 10, 10, 10]);
  assert.equal(await go(() => seen.steps === 2), null);
  assert.deepEqual([seen.steps, seen.freed], [2, 1]);
});

test('a step that fails: the run is freed', async (t) => {
  const { seen, go } = bench(t, [], { fails: true });
  await assert.rejects(go(), { message: 'no' });
  assert.equal(seen.freed, 1);
});
