// Training in the page when things go wrong: every fault gives a plain message, and nothing is lost.
// Most tests drive session.js; the last
// ones go through the form.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SOLAR, setOf } from '../../www/lib/sets.js';
import { launch, root, startServer } from './harness.mjs';
import { sampleFiles, waitReady, waitText, withHeader, withPage } from './drive.mjs';
import { TINY, all, losses, openSession, plan, prepare, start, status, trainFiles, waitStep, waitTold } from './train.mjs';

const STEPS = 60;
const SETTINGS = { ...TINY, steps: STEPS };
/** Times that find a dead worker soon, and leave a live one enough where the machine is busy. */
const IMPATIENT = { heartbeatMs: 200, silenceMs: 3000 };

let server;
let plain;
let gpu;
before(async () => {
  server = await startServer();
  plain = await launch({ webgpu: false });
  gpu = await launch({ webgpu: true });
});
after(async () => {
  await plain?.close();
  await gpu?.close();
  await server?.close();
});
const onPage = (options, run) => () => withPage(plain, server.url, { query: '?device=cpu', ...options }, run);
const onGpuPage = (options, run) => () => withPage(gpu, server.url, { query: '?device=cpu', ...options }, run);

/** Losses by step; a step that was taken twice must have come out alike. */
async function byStep(page, tolerance = 0) {
  const found = new Map();
  for (const loss of await losses(page)) {
    const before = found.get(loss.step);
    if (before) assert.ok(Math.abs(before.generator - loss.generator) <= tolerance, `step ${loss.step} again: ${loss.generator}, before ${before.generator}`);
    found.set(loss.step, loss);
  }
  return found;
}

/** The losses of a run that nothing disturbed. */
let undisturbed;
async function reference() {
  undisturbed ??= (async () => {
    let found;
    await onPage({}, async (page) => {
      await openSession(page);
      await prepare(page, trainFiles(40));
      await start(page, SETTINGS);
      await waitTold(page, 'finished');
      found = await byStep(page);
    })();
    assert.equal(found.size, STEPS);
    assert.ok(new Set([...found.values()].map((loss) => loss.generator)).size > STEPS / 2, 'the losses differ from step to step');
    return found;
  })();
  return undisturbed;
}

/** Every step's loss is there, and as in a run that nothing disturbed. */
async function assertNothingLost(page, tolerance = 0) {
  const expected = await reference();
  const found = await byStep(page, tolerance);
  assert.deepEqual([...found.keys()].sort((a, b) => a - b), [...expected.keys()]);
  for (const [step, loss] of expected) {
    const got = found.get(step);
    for (const name of ['generator', 'discriminator', 'contextual']) {
      const allowed = tolerance * Math.max(1, Math.abs(loss[name]));
      assert.ok(Math.abs(got[name] - loss[name]) <= allowed, `step ${step}: ${name} is ${got[name]}, undisturbed ${loss[name]}`);
    }
  }
}

/** The words of the restart name the step that the new worker really went on from. */
async function assertWentOn(page, words) {
  const said = Number(/continues from step (\d+)/.exec(words)?.[1]);
  assert.ok(said > 0, words);
  const next = await page.evaluate(() => {
    const after = window.told.slice(window.told.findIndex((one) => one.type === 'restart'));
    return after.find((one) => one.type === 'losses').detail.losses[0].step;
  });
  assert.equal(next, said + 1, words);
}

const killWorker = (page) => page.evaluate(() => window.workers.at(-1).terminate());
const problems = async (page, kind) => (await all(page, 'problem')).filter((one) => one.kind === kind).map((one) => one.words);

// --- Workers that die

/** Steps that take a while, so that a test comes in between. */
const SLOW = (ms) => `{
  const step = Training.prototype.step;
  Training.prototype.step = function (update) {
    const until = performance.now() + ${ms};
    while (performance.now() < until);
    return step.call(this, update);
  };
}`;
/** Checkpoints are kept often, so that a test need not wait ten seconds. */
const SAVE_OFTEN = { '**/lib/training/run.js': (text) => text.replace('const SAVE_MS = 10_000;', 'const SAVE_MS = 300;').replace('const SAVE_SHARE = 1 / 20;', 'const SAVE_SHARE = 1;') };

test('a worker that was killed: another takes the run up, every step as if nothing had happened', onPage({ module: SLOW(20), edits: SAVE_OFTEN }, async (page) => {
  await openSession(page, 'cpu', IMPATIENT);
  await prepare(page, trainFiles(40));
  await start(page, SETTINGS);
  await waitStep(page, 20);
  await killWorker(page);
  const words = await waitTold(page, 'restart');
  assert.match(words, /stopped \(it did not respond for \d+ seconds?\)\. It was restarted\. The run continues from step [1-9]\d*\./);
  assert.deepEqual(await problems(page, 'device'), [words]);
  const { step } = await waitTold(page, 'finished');
  assert.equal(step, STEPS);
  assert.equal(await page.evaluate(() => window.workers.length), 2);
  await assertWentOn(page, words);
  await assertNothingLost(page);
}));

test('a worker that was killed before the first step: the run starts again', onPage({ module: SLOW(20) }, async (page) => {
  await openSession(page, 'cpu', IMPATIENT);
  await prepare(page, trainFiles(40));
  await start(page, SETTINGS, { paused: true });
  await waitTold(page, 'saved');
  await killWorker(page);
  await waitTold(page, 'restart');
  await page.evaluate(() => window.session.go());
  await waitTold(page, 'finished');
  await assertNothingLost(page);
}));

/** A step that panics the first time that it is taken. */
const PANIC_ONCE = `{
  const step = Training.prototype.step;
  Training.prototype.step = function (update) {
    if (this.info().step === 30) {
      const asked = new XMLHttpRequest();
      asked.open('GET', '/panic-once', false);
      asked.send();
      if (asked.responseText === 'panic') throw new WebAssembly.RuntimeError('unreachable');
    }
    return step.call(this, update);
  };
}`;
async function panicOnce(page) {
  let first = true;
  await page.context().route('**/panic-once', (route) => {
    void route.fulfill({ body: first ? 'panic' : 'go on' });
    first = false;
  });
}

test('a panic in a step, once: the run goes on from its checkpoint', onPage({ edits: SAVE_OFTEN, module: PANIC_ONCE }, async (page) => {
  await panicOnce(page);
  await openSession(page);
  await prepare(page, trainFiles(40));
  await start(page, SETTINGS);
  await waitTold(page, 'finished');
  const [words] = await problems(page, 'device');
  assert.match(words, /^The training program stopped \(unreachable\)\. It was restarted\./);
  await assertWentOn(page, words);
  await assertNothingLost(page);
}));

test('a panic, and a second worker that cannot be loaded: a third takes the run up', onPage({ edits: SAVE_OFTEN, module: PANIC_ONCE }, async (page) => {
  await panicOnce(page);
  let asked = 0;
  await page.context().route('**/lib/training/worker.js', (route) => (++asked === 2 ? route.abort() : route.fallback()));
  await openSession(page);
  await prepare(page, trainFiles(40));
  await start(page, SETTINGS);
  await waitTold(page, 'finished');
  assert.equal(await page.evaluate(() => window.workers.length), 3);
  assert.equal((await problems(page, 'device')).length, 2);
  await assertNothingLost(page);
}));

test('a panic each time at the same step: three tries, then an end that says what is kept', onPage({ edits: SAVE_OFTEN, module: `{
  const step = Training.prototype.step;
  Training.prototype.step = function (update) {
    if (this.info().step === 30) throw new WebAssembly.RuntimeError('unreachable');
    return step.call(this, update);
  };
}` }, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  await start(page, SETTINGS);
  const { words } = await waitTold(page, 'state', { state: 'failed' });
  assert.match(words, /^The training program stopped repeatedly \(unreachable\)\. The run is stored up to step \d+\./);
  // One, and three that came no further than what was told before; on a busy machine one stops before its losses were
  // told, and the next comes further.
  const workers = await page.evaluate(() => window.workers.length);
  assert.ok(workers >= 4 && workers <= 12, `${workers} workers`);
  assert.equal((await page.evaluate(() => window.session.runs())).length, 1, 'the run is stored');
  // The page is not dead: other pictures can be prepared.
  assert.equal((await prepare(page, trainFiles(12))).pictures, 12);
}));

// --- Workers that have nothing to do

const IDLE = { heartbeatMs: 50, idleAfterRunMs: 200 };
const workersOf = (page) => page.workers().filter((worker) => worker.url().endsWith('/lib/training/worker.js')).length;
async function waitWorkers(page, count) {
  for (let i = 0; workersOf(page) !== count; i++) {
    assert.ok(i < 600, `${workersOf(page)} workers, expected ${count}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('a worker whose run has ended gives its memory back; the next one goes on with the same pictures', onPage({ module: SLOW(20) }, async (page) => {
  await openSession(page, 'cpu', IDLE);
  const prepared = await prepare(page, trainFiles(40));
  const id = await start(page, { ...SETTINGS, steps: 20 });
  await waitStep(page, 5);
  await page.evaluate(() => window.session.pause());
  await waitTold(page, 'state', { state: 'paused' });
  await page.waitForTimeout(1000);
  assert.equal(workersOf(page), 1, 'a paused run is not ended');
  await page.evaluate(() => window.session.go());
  await waitTold(page, 'finished');
  await waitWorkers(page, 0);
  const told = await page.evaluate(() => window.told.length);
  const model = await page.evaluate(async () => (await window.told.find(({ type }) => type === 'finished').detail.model.arrayBuffer()).byteLength);
  assert.ok(model > 1000, 'the model is the page\'s own');
  assert.equal(await page.evaluate(() => window.session.status.state), 'done');

  const planned = await plan(page, SETTINGS);
  assert.equal(planned.fits, true, JSON.stringify(planned));
  assert.equal(workersOf(page), 1);
  const reads = (await page.evaluate((from) => window.told.slice(from), told)).filter(({ type, detail }) => type === 'progress' && detail.phase === 'reading');
  assert.deepEqual(reads, [], 'they were stored with the run, and need no second reading');
  // Without the run they are read again.
  await page.evaluate((run) => window.session.remove(run), id);
  await page.evaluate((settings) => (window.session.start({ name: 'another', given: settings }), undefined), { ...SETTINGS, steps: 5 });
  const after = await page.evaluate(() => window.told.length);
  await waitTold(page, 'finished', {}, { after: after - 1 });
  assert.equal((await losses(page)).at(-1).step, 5);
  assert.equal(prepared.heldOut, 4);
  await waitWorkers(page, 0);
}));

test('a stored run that was resumed and has ended: its pictures are there for another', onPage({}, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  const id = await start(page, SETTINGS, { paused: true });
  await waitTold(page, 'saved');
  await page.evaluate(() => window.session.close());
  await openSession(page, 'cpu', IDLE);
  await page.evaluate((run) => window.session.resume(run), id);
  await waitTold(page, 'finished');
  await waitWorkers(page, 0);
  assert.equal((await plan(page, { ...SETTINGS, batch: 8 })).fits, true);
}));

// --- WebGPU

const KEEP_DEVICE = `
{
  const original = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await original.apply(this, args);
    new BroadcastChannel('device').onmessage = () => device.destroy();
    return device;
  };
}`;

test('a destroyed WebGPU device: the CPU takes the run up', { timeout: 600_000 }, onGpuPage({ worker: KEEP_DEVICE, edits: SAVE_OFTEN }, async (page) => {
  await openSession(page, 'webgpu');
  await prepare(page, trainFiles(40));
  const { device, reason } = await waitTold(page, 'device');
  assert.equal(device, 'webgpu', reason);
  await start(page, SETTINGS);
  await waitStep(page, 1, 300_000);
  assert.deepEqual((await all(page, 'progress')).filter((one) => one.phase === 'compiling').map((one) => one.done), [0, 1]);
  await page.waitForFunction(() => window.told.some((one) => one.type === 'saved' && one.detail.step > 0), undefined, { timeout: 120_000 });
  await page.evaluate(() => new BroadcastChannel('device').postMessage('destroy'));
  const words = await waitTold(page, 'restart');
  assert.match(words, /^The WebGPU device was lost \(.+\)\. Training continues on your CPU\. The run continues from step \d+\.$/);
  const { step } = await waitTold(page, 'finished', {}, { timeout: 120_000 });
  assert.equal(step, STEPS);
  assert.equal(await page.evaluate(() => window.session.device), 'cpu');
  await assertWentOn(page, words);
  // Both devices train alike, but for rounding, which grows from step to step.
  await assertNothingLost(page, 0.05);
}));

test('WebGPU that scores wrongly is not trained on', { timeout: 300_000 }, onGpuPage({
  routes: {
    [`**/models/${setOf(SOLAR).model}`]: withHeader((header) => ({ ...header, self_check: { ...header.self_check, anomaly_score: header.self_check.anomaly_score * 1.5 } }), readFileSync(join(root, 'www/models', setOf(SOLAR).model))),
  },
}, async (page) => {
  await openSession(page, 'webgpu');
  await prepare(page, trainFiles(12));
  const { device, reason } = await waitTold(page, 'device', {}, { timeout: 120_000 });
  assert.equal(device, 'cpu');
  assert.match(reason, /^Trains on your CPU, although WebGPU was requested: WebGPU computed [\d.e-]+ as the anomaly score of a built-in image, where the model file states [\d.e-]+\.$/);
  await start(page, { ...SETTINGS, steps: 2 });
  await waitTold(page, 'finished');
}));

// --- Storage

const FULL = `
IDBObjectStore.prototype.put = function () {
  throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
};`;

test('storage full: said once, the run goes on, and a killed worker still loses nothing', onPage({ worker: FULL, module: SLOW(20), edits: SAVE_OFTEN }, async (page) => {
  await openSession(page, 'cpu', IMPATIENT);
  await prepare(page, trainFiles(40));
  await start(page, SETTINGS);
  await waitStep(page, 20);
  await killWorker(page);
  const words = await waitTold(page, 'restart');
  const { step } = await waitTold(page, 'finished');
  assert.equal(step, STEPS);
  const said = await problems(page, 'storage');
  assert.equal(said.length, 2, 'once by each worker');
  assert.match(said[0], /^The browser has no storage left for this site: .*Training continues/);
  assert.deepEqual(await all(page, 'saved'), []);
  await assertWentOn(page, words);
  await assertNothingLost(page);
}));

test('storage that fills up later: the checkpoint before stays whole', onPage({ module: SLOW(20), edits: SAVE_OFTEN, worker: `
const put = IDBObjectStore.prototype.put;
let puts = 0;
IDBObjectStore.prototype.put = function (...args) {
  if (this.name === 'checkpoints' && ++puts > 2) throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
  return put.apply(this, args);
};` }, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  const run = await start(page, SETTINGS);
  await waitTold(page, 'problem', { kind: 'storage' });
  const saved = (await all(page, 'saved')).at(-1);
  assert.ok(saved.step > 0);
  await page.reload();
  await waitReady(page);
  await openSession(page);
  const [kept] = await page.evaluate(() => window.session.runs());
  assert.deepEqual([kept.id, kept.step, kept.state], [run, saved.step, 'running'], 'run and checkpoint belong together');
  await page.evaluate((id) => window.session.resume(id, true), run);
  assert.equal((await waitTold(page, 'state', { state: 'paused' })).step, saved.step);
}));

test('no storage at all, as in some private windows: said plainly, the run goes on', onPage({
  worker: "IDBFactory.prototype.open = () => { throw new DOMException('A mutation operation was attempted on a database that did not allow mutations.', 'InvalidStateError'); };",
}, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  await start(page, SETTINGS);
  await waitTold(page, 'finished');
  const said = await problems(page, 'storage');
  assert.equal(said.length, 1);
  assert.match(said[0], /cannot store data for this page; a private window may be the cause/);
  await assertNothingLost(page);
}));

test('a reloaded page: the run goes on, and loses no step but those since the last checkpoint', onPage({ module: SLOW(20), edits: SAVE_OFTEN }, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40, { normal: 4, abnormal: 4 }));
  const run = await start(page, SETTINGS);
  await waitStep(page, 25);
  const before = await byStep(page);
  const saved = (await all(page, 'saved')).at(-1).step;
  assert.ok(saved > 0);
  await page.reload();
  await waitReady(page);
  await openSession(page);
  const sizes = await page.evaluate(() => window.session.stored());
  assert.ok(sizes.available && sizes.bytes > 100_000 && sizes.usage > 0, JSON.stringify(sizes));
  await page.evaluate((id) => window.session.resume(id), run);
  const { history } = await waitTold(page, 'history');
  assert.ok(history.losses.length >= saved, `resumed at ${history.losses.length}, saved at ${saved}`);
  for (const loss of history.losses) if (before.has(loss.step)) assert.equal(loss.generator, before.get(loss.step).generator);
  const finished = await waitTold(page, 'finished');
  assert.equal(finished.labelled.normal.length, 4, 'labelled pictures were kept too');
  const after = await byStep(page);
  assert.deepEqual([...after.keys()], [...Array(STEPS - history.losses.length).keys()].map((i) => i + 1 + history.losses.length));
  const expected = await reference();
  for (const [step, loss] of after) assert.equal(loss.generator, expected.get(step).generator, `step ${step}`);
  assert.equal((await page.evaluate(() => window.session.runs()))[0].state, 'done');
  await page.evaluate(() => window.session.clear());
  assert.deepEqual(await page.evaluate(() => window.session.runs()), []);
  assert.equal((await page.evaluate(() => window.session.stored())).bytes, 0);
}));

test('a run that is open in another tab is not resumed twice', onPage({ module: SLOW(20) }, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  const run = await start(page, { ...SETTINGS, steps: 2000 });
  await waitTold(page, 'saved');
  const other = await page.context().newPage();
  await other.goto(page.url());
  await waitReady(other);
  await openSession(other);
  await other.evaluate((id) => window.session.resume(id), run);
  const { words } = await waitTold(other, 'state', { state: 'failed' });
  assert.equal(words, 'This run is open in another tab.');
  assert.equal((await status(page)).state, 'running');
}));

// --- Settings and memory

test('a loss that is not a number: the run ends, its last checkpoint is kept', onPage({ edits: SAVE_OFTEN }, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  await start(page, { ...SETTINGS, contextual_weight: 1e38 });
  const { words } = await waitTold(page, 'state', { state: 'failed' });
  assert.match(words, /diverged (at step \d+: a loss is no longer a number|by step \d+: .* not finite)/);
  const [said] = await problems(page, 'diverged');
  assert.match(said, /The checkpoint of step \d+ is kept/);
  const [kept] = await page.evaluate(() => window.session.runs());
  assert.equal(kept.state, 'failed');
  // The worker goes on to serve: other settings train.
  await start(page, SETTINGS);
  await waitTold(page, 'finished');
}));

test('too much memory: refused before anything is allocated, with what would fit', onPage({}, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  const settings = { ...SETTINGS, size: 64, width: 64, batch: 4096 };
  const planned = await plan(page, settings);
  assert.equal(planned.fits, false);
  assert.ok(planned.memory.total > planned.memory.limit, JSON.stringify(planned.memory));
  assert.match(planned.words, /^These settings need about [\d.]+ GB of memory; at most 3\.0 GB can be used here\. A batch of \d+ would work\.$/);
  assert.deepEqual(planned.would, { batch: 32 }, 'no more than there are pictures to train on');
  // With more pictures, what is offered fits, and twice as much would not.
  const found = await page.evaluate(async (given) => {
    const module = await import('./pkg/cpu/skip_ganomaly.js');
    await module.default();
    const { weigh, limitsOf } = await import('./lib/training/planner.js');
    const judge = (change) => weigh(module, module.complete_settings({ ...given, ...change }), 10_000, limitsOf(null));
    const { would } = judge({});
    return { would, fits: judge(would).fits, twice: judge({ batch: 2 * would.batch }).fits, wide: judge({ width: 256, batch: 4 }).would };
  }, settings);
  assert.ok(found.would.batch > 32 && found.would.width === undefined, JSON.stringify(found));
  assert.deepEqual([found.fits, found.twice], [true, false]);
  assert.ok(found.wide.width < 256, 'where no batch fits, a width is offered');
  await start(page, settings);
  await waitTold(page, 'state', { state: 'failed' });
  assert.equal((await problems(page, 'memory')).length, 1);
}));

test('what a graphics processor gives in one piece is a limit too', onPage({}, async (page) => {
  const found = await page.evaluate(async () => {
    const { weigh, limitsOf } = await import('./lib/training/planner.js');
    const GIB = 2 ** 30;
    const limits = limitsOf({ software: false, words: '', limits: { maxBufferSize: GIB, maxStorageBufferBindingSize: GIB / 8 } });
    // A piece grows with the batch and the width, everything with the square of the width.
    const module = { plan_run: ({ batch, width }) => ({ training: 900, total_steps: 1, memory: { weights: 0, optimisers: 0, pictures: 0, activations: 0, total: width ** 2 * 2 ** 18, largest_buffer: batch * width * 2 ** 16 } }) };
    const judge = (batch, width) => weigh(module, { batch, width, held_out: 0.1 }, 1000, limits);
    return [judge(64, 32), judge(64, 33), judge(64, 256), judge(4, 512)];
  });
  assert.deepEqual(found.map((one) => one.fits), [true, false, false, false]);
  assert.deepEqual(found.map((one) => one.would), [null, { batch: 32 }, { width: 128, batch: 16 }, { width: 128 }]);
  assert.match(found[1].words, /a single buffer of 132 MB; this GPU allows at most 128 MB per buffer\. A batch of 32 would work\./);
}));

test('a batch larger than the pictures: what would do is said, by the plan and by the start', onPage({}, async (page) => {
  await openSession(page, 'cpu', IMPATIENT);
  await prepare(page, trainFiles(12));
  const planned = await plan(page, { ...SETTINGS, batch: 64 });
  assert.deepEqual([planned.fits, planned.would], [false, { batch: 8 }]);
  assert.match(planned.words, /^Of 12 images, 11 would be trained on .*fewer than a batch of 64\. A batch of 8 would work\.$/);
  await start(page, { ...SETTINGS, batch: 64 });
  const { words } = await waitTold(page, 'state', { state: 'failed' });
  assert.equal(words, planned.words);
  // A worker that dies now has no run to take up.
  await killWorker(page);
  assert.match(await waitTold(page, 'restart'), /It was restarted\.$/);
  await start(page, { ...SETTINGS, ...planned.would, steps: 3 });
  await waitTold(page, 'finished');
}));

// --- Pictures

test('bad pictures among the set: named and left out, the others are trained on', onPage({}, async (page) => {
  await openSession(page);
  const found = await page.evaluate(async ([files, given]) => {
    const cut = await (await fetch(files[0].source.url)).arrayBuffer();
    const list = [
      ...files.slice(0, 3),
      { path: 'cut.png', source: { blob: new Blob([cut.slice(0, cut.byteLength / 2)]) } },
      { path: 'letter.png', source: { blob: new Blob(['Dear reader']) } },
      { path: 'gone.png', source: { url: './samples/gone.png' } },
      ...files.slice(3),
    ];
    return window.session.prepare(list, given);
  }, [trainFiles(20), TINY]);
  assert.equal(found.pictures, 20);
  assert.deepEqual(found.skipped.map((one) => one.path).sort(), ['cut.png', 'gone.png', 'letter.png']);
  for (const { path, reason } of found.skipped) assert.ok(reason.length > 10, `${path}: ${reason}`);
  assert.match(found.skipped.find((one) => one.path === 'gone.png').reason, /404/);
  const [said] = await problems(page, 'pictures');
  assert.match(said, /^Skipped what cannot be read: \S+\.png \(.+\), and 2 more\. The other images are used\.$/);
  await start(page, { ...SETTINGS, steps: 4 });
  await waitTold(page, 'finished');
}));

test('nothing but bad pictures, or none: refused with a reason', onPage({}, async (page) => {
  await openSession(page);
  const bad = await page.evaluate((given) => window.session.prepare([{ path: 'letter.png', source: { blob: new Blob(['Dear reader']) } }], given).catch((error) => error.message), TINY);
  assert.match(bad, /^The image cannot be read\. letter\.png: .{10,}/);
  const none = await prepare(page, [], TINY);
  assert.ok(none.refused?.length > 10, JSON.stringify(none));
  await start(page, SETTINGS);
  assert.equal((await waitTold(page, 'state', { state: 'failed' })).state, 'failed');
  assert.equal((await prepare(page, trainFiles(12))).pictures, 12, 'good ones are taken afterwards');
}));

test('pictures that are all the same: said, and the run goes on', onPage({}, async (page) => {
  await openSession(page);
  const [one] = trainFiles(1);
  const found = await prepare(page, [...Array(16).keys()].map((i) => ({ ...one, path: `${i}.png` })));
  assert.equal(found.alike, true);
  assert.deepEqual(await problems(page, 'pictures'), ['All 16 images are identical: a model would learn only that image.']);
  assert.equal((await prepare(page, trainFiles(16))).alike, false);
  assert.equal((await problems(page, 'pictures')).length, 1);
}));

test('a checkpoint of other pictures is refused; on its own it goes on', onPage({}, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  await start(page, SETTINGS, { paused: true });
  await waitTold(page, 'state', { state: 'paused' });
  for (let i = 1; i <= 3; i++) {
    await page.evaluate(() => window.session.step('both'));
    await waitStep(page, i);
  }
  const step = await page.evaluate(async () => {
    const { step, checkpoint } = await window.session.checkpoint();
    window.file = checkpoint;
    window.session.discard();
    return step;
  });
  assert.equal(step, 3);
  const continued = (paused) => page.evaluate((still) => window.session.continue(window.file, { name: 'again', paused: still }).then(() => 'taken', (error) => error.message), paused);
  await prepare(page, trainFiles(39));
  assert.match(await continued(true), /made with other images/);
  const model = await page.evaluate(() => window.session.continue(new Blob(['no checkpoint at all']), { name: 'x' }).catch((error) => error.message));
  assert.ok(model.length > 10);
  await prepare(page, trainFiles(40));
  assert.equal(await continued(false), 'taken');
  await waitTold(page, 'finished');
  await assertNothingLost(page);
}));

// --- Control

/** The step that the worker is at, by its own word: what was asked for before has been done by then. */
const workerStep = (page) => page.evaluate(async () => (await window.session.checkpoint()).step);

test('a pause stops between two steps and keeps a checkpoint; single steps train one network', onPage({ module: SLOW(30) }, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  await start(page, { ...SETTINGS, steps: 1000 });
  for (const step of [5, 12, 20]) {
    await waitStep(page, step);
    const told = await page.evaluate(() => {
      window.session.pause();
      return window.told.length;
    });
    await waitTold(page, 'state', { state: 'paused' }, { after: told });
    const at = await workerStep(page);
    assert.equal((await status(page)).step, at);
    assert.equal(await workerStep(page), at, 'no step while paused');
    assert.equal((await all(page, 'saved')).at(-1).step, at, 'a pause keeps a checkpoint');
    if (step < 20) await page.evaluate(() => window.session.go());
  }
  const { step } = await status(page);
  for (const [i, update] of ['generator', 'discriminator', 'both'].entries()) {
    await page.evaluate((which) => window.session.step(which), update);
    await waitStep(page, step + i + 1);
  }
  await page.evaluate(() => window.session.stop());
  const finished = await waitTold(page, 'finished');
  assert.equal(finished.step, step + 3, 'a stopped run gives its model where it is');
  assert.ok(finished.threshold > 0 && finished.heldOut.length === 4);
}));

test('a pause does not wait for a preview', onPage({ module: `{
  const go = new Promise((resolve) => (new BroadcastChannel('go').onmessage = resolve));
  const preview = Training.prototype.preview;
  Training.prototype.preview = async function (...args) {
    await go;
    return preview.apply(this, args);
  };
}` }, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  await start(page, SETTINGS);
  await waitTold(page, 'state', { state: 'running' });
  await page.evaluate(() => window.session.pause());
  await waitTold(page, 'state', { state: 'paused' });
  assert.deepEqual(await all(page, 'preview'), [], 'the pause came before the preview was through');
  await page.evaluate(() => new BroadcastChannel('go').postMessage(0));
  await waitTold(page, 'preview');
  assert.equal(await workerStep(page), 0);
  assert.equal((await status(page)).step, 0);
  await page.evaluate(() => window.session.go());
  await waitTold(page, 'finished');
}));

test('other sizes after the pictures were prepared: they are prepared again', onPage({}, async (page) => {
  await openSession(page);
  const first = await prepare(page, trainFiles(16), {});
  assert.deepEqual([first.settings.size, first.settings.channels, first.settings.batch], [64, 1, 4], JSON.stringify(first.settings));
  const planned = await plan(page, { ...SETTINGS, size: 32, channels: 3, steps: 2 });
  assert.ok(planned.fits, planned.words);
  await start(page, { ...SETTINGS, size: 32, channels: 3, steps: 2 });
  await waitTold(page, 'finished');
  const preview = (await all(page, 'preview')).at(-1).preview;
  assert.deepEqual([preview.step, preview.pictures[0].size], [2, 32]);
  assert.deepEqual(Object.values(preview.pictures[0].input).slice(0, 4), [0x89, 0x50, 0x4e, 0x47], 'a PNG');
}));

test('a run by minutes ends when they are over', onPage({ module: SLOW(20) }, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  await start(page, TINY, { minutes: 0.05 });
  const { step, elapsedMs } = await waitTold(page, 'finished');
  assert.ok(elapsedMs >= 3000, `${elapsedMs} ms`);
  assert.ok(step > 0 && step <= 151, `${step} steps of 20 ms and more`);
}));

// --- What a person sees of it

const training = (page, state) =>
  page.waitForFunction((wanted) => document.documentElement.dataset.training === wanted, state, { timeout: 180_000, polling: 20 });
const QUERY = '?device=cpu&size=32&channels=1&width=4&batch=4&steps=60';

test('on the page: a panic is told, and the run ends as it should', onPage({ query: QUERY, edits: SAVE_OFTEN, module: PANIC_ONCE }, async (page) => {
  await panicOnce(page);
  await page.setInputFiles('#train-files', sampleFiles(40));
  await page.click('#train-start');
  await training(page, 'done');
  assert.equal(await page.getAttribute('html', 'data-step'), '60');
  await waitText(page, '#train-problems', /The training program stopped \(unreachable\)\. It was restarted\. The run continues from step \d+\./);
  // The page scores with the model that came of it.
  await page.setInputFiles('#files', sampleFiles(2));
  await page.waitForFunction(() => document.querySelectorAll('#results tbody tr').length === 2);
}));

test('on the page: a full storage and a picture that cannot be read are told, and the run ends as it should', onPage({ query: QUERY, worker: FULL }, async (page) => {
  const files = sampleFiles(20);
  files.splice(3, 0, { name: 'letter.png', mimeType: 'image/png', buffer: Buffer.from('Dear reader') });
  await page.setInputFiles('#train-files', files);
  await page.click('#train-start');
  await training(page, 'done');
  await waitText(page, '#train-problems', /no storage left for this site/);
  await waitText(page, '#train-said', /20 normal images/);
  await waitText(page, '#train-said', /letter\.png: .{10,}/);
}));

test('on the page: a panic where the browser stores nothing is told, and the run ends with its model', onPage({ query: QUERY, worker: FULL, edits: SAVE_OFTEN, module: PANIC_ONCE }, async (page) => {
  await panicOnce(page);
  await page.setInputFiles('#train-files', sampleFiles(40));
  await page.click('#train-start');
  await training(page, 'done');
  await waitText(page, '#train-problems', /It was restarted\. The run continues from step \d+\./);
  await waitText(page, '#train-status', /^Done/);
  assert.equal(await page.isEnabled('#download-model'), true, 'its model can be downloaded');
}));

test('on the page: a diverged run says what happened, and another can be started', onPage({ query: `${QUERY}&contextual-weight=1e38` }, async (page) => {
  await page.setInputFiles('#train-files', sampleFiles(40));
  await page.click('#train-start');
  await training(page, 'failed');
  await waitText(page, '#train-problems', /diverged .*The checkpoint of step \d+ is kept\./s);
  await page.$eval('#set-contextual-weight', (input) => {
    input.value = '50';
    input.dispatchEvent(new Event('change', { bubbles: true }));
  });
  await page.click('#train-start');
  await training(page, 'done');
}));
