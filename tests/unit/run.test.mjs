// Held: what a run does between its steps, and how rarely: losses, previews, checkpoints, and when it is over.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Run } from '../../www/lib/training/run.js';
import { stopClock } from './clock.mjs';
import { install, refuse, stores } from './database.mjs';

beforeEach(() => install());

const pictures = { digest: 'd', size: 32, channels: 3, counts: null, training: new Uint8Array(5), labelled: null };
const stopped = () => Object.assign(new Error('stopped'), { name: 'Stopped' });

/** A run whose steps, previews and checkpoints take the times given, on a clock that only they move. */
function start(t, { total = 100, at = 0, stepMs = 10, previewMs = 0, saveMs = 0, history = { losses: [], previews: [] }, ...options } = {}) {
  const clock = stopClock(t);
  const told = [];
  const calls = { preview: 0, checkpoint: 0, read: 0 };
  const wanted = { preview: true, calibration: true };
  let step = at;
  let unread = [];
  const training = {
    info: () => ({ step, total_steps: total, settings: { size: 32 } }),
    history: () => history,
    step: () => {
      clock.pass(stepMs);
      unread.push({ step: ++step });
    },
    losses: async () => (calls.read++, unread.splice(0)),
    restarted: () => false,
    preview: async (_shown, watch) => {
      calls.preview++;
      clock.pass(previewMs);
      if (!watch(1, 10)) throw stopped();
      return { step, residual: 0.5, held_out: [], labelled: null, pictures: [] };
    },
    checkpoint: async () => {
      calls.checkpoint++;
      clock.pass(saveMs);
      return new Uint8Array(4);
    },
    finish: async (_progress, watch) => {
      if (!watch(1, 10)) throw stopped();
      return { model: new Uint8Array(2), threshold: 0.5, held_out: [0.1], labelled: null };
    },
    free: () => told.push({ type: 'freed' }),
  };
  const run = new Run({
    id: 'a', name: 'A', minutes: null, training, pictures, kind: 'cpu', memory: { buffer: new ArrayBuffer(8) },
    release: () => told.push({ type: 'released' }), post: (message) => told.push(message), throttledProgress: () => () => {},
    unwanted: (what) => !wanted[what], ...options,
  });
  return {
    run, told, calls, clock, wanted, training,
    of: (type) => told.filter((message) => message.type === type),
    async advance(count) {
      for (let i = 0; i < count && !run.over; i++) await run.advance('both');
    },
  };
}

test('losses are told about every 200 ms, every step once and in order', async (t) => {
  const { run, advance, of } = start(t, { total: 1000, stepMs: 30 });
  await run.prepare();
  await advance(49);
  const parts = of('losses').map(({ losses }) => losses.map(({ step }) => step));
  assert.deepEqual(parts.flat(), Array.from({ length: 49 }, (_, i) => i + 1));
  assert.deepEqual(parts.map(({ length }) => length), Array(7).fill(7), 'seven steps of 30 ms');
  assert.equal(of('losses')[0].stepMs, 30);
});

test('before the first step: what it had, a checkpoint and a preview', async (t) => {
  const losses = [{ step: 1 }];
  const { run, of, told } = start(t, { at: 1, history: { losses, previews: [] } });
  await run.prepare();
  assert.deepEqual(told.map(({ type }) => type), ['history', 'saved', 'preview']);
  assert.deepEqual([of('history')[0].history.losses, of('saved')[0].step, of('preview')[0].preview.step], [losses, 1, 1]);
});

test('a preview at every tenth of the run', async (t) => {
  const { run, advance, of } = start(t);
  await run.prepare();
  await advance(100);
  assert.deepEqual(of('preview').map(({ preview }) => preview.step), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
});

test('previews that take long come so rarely that they cost a quarter', async (t) => {
  const { run, advance, of } = start(t, { total: 1000, stepMs: 10, previewMs: 1000 });
  await run.prepare();
  await advance(1000);
  const steps = of('preview').map(({ preview }) => preview.step);
  assert.ok(steps.length > 1);
  steps.slice(1).forEach((step, i) => assert.ok(step - steps[i] >= 400, `${steps[i]} and ${step}`));
});

test('a checkpoint every ten seconds, or as rarely as it takes to cost a twentieth', async (t) => {
  const often = start(t, { total: 500, stepMs: 100 });
  await often.run.prepare();
  await often.advance(500);
  assert.deepEqual(often.of('saved').map(({ step }) => step), [0, 101, 202, 303, 404]);

  install();
  const rare = start(t, { total: 1000, stepMs: 100, saveMs: 1000 });
  await rare.run.prepare();
  await rare.advance(1000);
  assert.deepEqual(rare.of('saved').map(({ step }) => step), [0, 201, 402, 603, 804]);
});

test('a step is not saved twice', async (t) => {
  const { run, calls } = start(t);
  await run.save();
  await run.save();
  assert.equal(calls.checkpoint, 1);
});

test('what is saved is whole: run, checkpoint, pictures', async (t) => {
  const { run } = start(t, { at: 7, minutes: 2, elapsedMs: 50, created: 123 });
  await run.save();
  const stored = stores.runs.get('a');
  assert.deepEqual([stored.step, stored.totalSteps, stored.bytes, stored.minutes, stored.elapsedMs, stored.created, stored.state], [7, 100, 4, 2, 50, 123, 'running']);
  assert.deepEqual([stores.checkpoints.get('a'), stores.pictures.get(stored.pictures).digest, stored.pictureBytes], [new Uint8Array(4), 'd', 5]);
  assert.equal(run.savedStep, 7);
});

test('where nothing is stored the page gets each checkpoint, and is told why once', async (t) => {
  const { run, of, advance } = start(t);
  refuse.write = () => new DOMException('', 'QuotaExceededError');
  await run.save();
  await advance(1);
  await run.save();
  assert.deepEqual(of('kept').map(({ step }) => step), [0, 1]);
  assert.deepEqual(of('problem').map(({ kind }) => kind), ['storage']);
  refuse.write = () => null;
  await advance(1);
  await run.save();
  assert.deepEqual(of('saved').map(({ step }) => step), [2]);
  refuse.write = () => new DOMException('', 'QuotaExceededError');
  await advance(1);
  await run.save();
  assert.equal(of('problem').length, 2, 'refused again, after it was not');
});

test('a run by minutes is over when they are, and says how many steps that looks like', async (t) => {
  const { run, advance } = start(t, { total: 1_000_000, stepMs: 100, minutes: 1 });
  await advance(10);
  assert.equal(run.totalSteps, 600);
  await advance(10_000);
  assert.deepEqual([run.step, run.over], [600, true]);
});

test('a run by minutes that goes on has what is left of them', async (t) => {
  const { run, advance } = start(t, { total: 1_000_000, stepMs: 100, minutes: 1, elapsedMs: 50_000 });
  await advance(10_000);
  assert.equal(run.step, 100);
});

test('that the end moves is told when it moves far', async (t) => {
  const { run, clock, training } = start(t, { total: 1_000_000, stepMs: 100, minutes: 1 });
  assert.equal(await run.advance('both'), true, 'the first step says how long it takes');
  assert.equal(await run.advance('both'), false);
  const { step } = training;
  training.step = () => (step(), clock.pass(5000));
  assert.equal(await run.advance('both'), true);
});

test('finished: a last preview and checkpoint, then the model', async (t) => {
  const { run, advance, told, of } = start(t, { total: 5 });
  await run.prepare();
  await advance(5);
  told.length = 0;
  await run.finish();
  assert.deepEqual(told.map(({ type }) => type), ['preview', 'saved', 'finished']);
  const [finished] = of('finished');
  assert.deepEqual([finished.step, finished.model.size, finished.checkpoint.size, finished.threshold, finished.elapsedMs], [5, 2, 4, 0.5, 50]);
  assert.equal(stores.runs.get('a').state, 'done');
});

test('a preview that is not wanted any more is left; a calibration ends the finishing', async (t) => {
  const { run, of, wanted, advance } = start(t);
  wanted.preview = false;
  await run.preview();
  assert.equal(of('preview').length, 0);
  wanted.preview = true;
  wanted.calibration = false;
  await advance(1);
  await assert.rejects(run.finish(), { name: 'Stopped' });
  assert.notEqual(stores.runs.get('a').state, 'done');
});

test('a fault in a preview is one', async (t) => {
  const { run, training } = start(t);
  training.preview = async () => {
    throw new Error('out of memory');
  };
  await assert.rejects(run.preview(), { message: 'out of memory' });
});

test('on WebGPU steps queue up between two reads, as many as take 200 ms, 64 at most', async (t) => {
  for (const [stepMs, most] of [[20, 10], [1, 64], [500, 1]]) {
    install();
    const on = start(t, { total: 10_000, kind: 'webgpu', stepMs });
    await on.advance(300);
    const parts = on.of('losses').map(({ losses }) => losses.length);
    assert.equal(parts[0], 1, 'the first step compiles, and is waited for');
    assert.equal(Math.max(...parts.slice(2)), most, `${stepMs} ms`);
    assert.deepEqual(on.of('losses').flatMap(({ losses }) => losses.map(({ step }) => step)), Array.from({ length: on.of('losses').at(-1).losses.at(-1).step }, (_, i) => i + 1));
  }
});

test('that D started anew is told', async (t) => {
  const { of, advance, training } = start(t);
  training.restarted = () => true;
  await advance(1);
  assert.deepEqual(of('problem').map(({ kind }) => kind), ['restarted-discriminator']);
});

test('closed: the module\'s memory and the lock are given back', (t) => {
  const { run, told } = start(t);
  run.close();
  assert.deepEqual(told.map(({ type }) => type), ['freed', 'released']);
});

test('WebGPU that gives no answer counts as lost, after longer while it compiles; what moves on does not', async (t) => {
  const timers = new Map();
  t.mock.method(globalThis, 'setTimeout', (late, ms) => {
    const key = {};
    timers.set(key, { late, ms });
    return key;
  });
  t.mock.method(globalThis, 'clearTimeout', (key) => timers.delete(key));
  const limits = () => [...timers.values()].map(({ ms }) => ms);

  const on = start(t, { kind: 'webgpu' });
  const { losses } = on.training;
  on.training.losses = () => new Promise(() => {});
  const compiling = on.run.advance('both');
  const [first] = limits();
  [...timers.values()][0].late();
  await assert.rejects(compiling);

  on.training.losses = losses;
  await on.run.settle();
  assert.deepEqual(limits(), [], 'an answer ends the waiting');
  const later = start(t, { kind: 'webgpu' });
  await later.advance(1);
  let move;
  later.training.preview = (_shown, watch) => ((move = watch), new Promise(() => {}));
  const preview = later.run.preview();
  await new Promise(setImmediate);
  const [second] = limits();
  assert.ok(second < first);
  const [before] = timers.keys();
  move(1, 10);
  assert.deepEqual([timers.size, timers.has(before)], [1, false], 'the waiting begins again');
  [...timers.values()][0].late();
  await assert.rejects(preview);
});

test('the CPU is waited for, however long', async (t) => {
  t.mock.method(globalThis, 'setTimeout', () => assert.fail('no limit'));
  const { advance } = start(t);
  await advance(1);
});
