// Held: how a run goes on when the training worker dies, when it is given up, and who is answered by whom.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { TrainingSession } from '../../www/lib/training/session.js';
import { beat, beats, install, settled, workers } from './worker.mjs';

beforeEach(install);

/** A session, what it tells, and its worker in use. */
function open(device = 'auto', times) {
  const session = new TrainingSession(device, times);
  const told = [];
  for (const type of ['device', 'failed', 'restart', 'problem', 'state', 'losses', 'saved', 'finished', 'preview', 'progress']) {
    session.addEventListener(type, ({ detail }) => told.push([type, detail]));
  }
  return {
    session, told,
    get worker() {
      return workers.at(-1);
    },
    last: (type) => told.filter(([one]) => one === type).at(-1)?.[1],
    count: (type) => told.filter(([one]) => one === type).length,
    die: (cause = 'panic') => workers.at(-1).say({ type: 'fatal', cause, reason: 'unreachable' }),
    losses: (run, step, stepMs = 10) => workers.at(-1).say({ type: 'losses', run, losses: [{ step }], stepMs, heapBytes: 1 }),
    saved: (run, step) => workers.at(-1).say({ type: 'saved', run, step, bytes: 1 }),
    state: (run, state, step = 0) => workers.at(-1).say({ type: 'state', state, run, step, totalSteps: 100, words: '' }),
  };
}
/** The messages but for their `open`. */
const asked = (worker) => worker.told.filter(({ type }) => type !== 'open' && type !== 'ping');

test('the worker is started when it is first needed, for the device that was chosen', () => {
  const on = open('webgpu');
  assert.equal(workers.length, 0);
  const id = on.session.start({ name: 'a', given: { size: 32 }, minutes: 2 });
  assert.deepEqual(on.worker.told, [
    { type: 'open', device: 'webgpu' },
    { type: 'start', run: id, name: 'a', given: { size: 32 }, minutes: 2, paused: false },
  ]);
  assert.notEqual(on.session.start({ name: 'b', given: {} }), id);
});

test('a run that was never saved starts again; one that is stored is resumed', () => {
  const on = open();
  const id = on.session.start({ name: 'a', given: { size: 32 } });
  on.die();
  assert.deepEqual(asked(on.worker), [{ type: 'start', run: id, name: 'a', given: { size: 32 }, minutes: null, paused: false }]);
  on.saved(id, 20);
  on.losses(id, 25);
  on.die();
  assert.deepEqual(asked(on.worker), [{ type: 'resume', run: id, paused: false }]);
  assert.match(on.last('problem').words, /20/);
  assert.deepEqual([workers.length, workers.filter(({ ended }) => ended).length, on.count('restart')], [3, 2, 2]);
});

test('where the browser stores nothing, the run goes on from the checkpoint that the page holds', () => {
  const on = open();
  const id = on.session.start({ name: 'a', given: {}, minutes: 3 });
  on.saved(id, 10);
  const checkpoint = new Blob(['x']);
  on.worker.say({ type: 'kept', run: id, step: 30, checkpoint });
  on.die();
  assert.deepEqual(asked(on.worker), [{ type: 'continue', id: 0, run: id, name: 'a', minutes: 3, checkpoint, paused: false }]);
  on.worker.say({ type: 'continued', id: 0, run: id });
  on.die();
  assert.equal(asked(on.worker)[0].checkpoint, checkpoint);
});

test('a checkpoint of another run is not gone on from', () => {
  const on = open();
  const id = on.session.start({ name: 'a', given: {} });
  on.saved('other', 20);
  on.worker.say({ type: 'kept', run: 'other', step: 20, checkpoint: new Blob() });
  on.die();
  assert.equal(asked(on.worker)[0].type, 'start');
  assert.equal(asked(on.worker)[0].run, id);
});

test('paused stays paused, and a stop that was asked for is asked for again', () => {
  const on = open();
  on.session.start({ name: 'a', given: {} });
  on.session.pause();
  on.die();
  assert.equal(asked(on.worker)[0].paused, true);
  on.session.go();
  on.session.stop();
  on.die();
  assert.deepEqual(asked(on.worker).map(({ type, paused }) => [type, paused]), [['start', false], ['stop', undefined]]);
});

test('pictures that were chosen are told to the new worker before the run', () => {
  const on = open();
  const files = [{ path: 'a.png' }];
  void on.session.prepare(files, { size: 64 });
  on.worker.say({ type: 'prepared', id: 1, pictures: 1 });
  on.session.start({ name: 'a', given: {} });
  on.die();
  assert.deepEqual(asked(on.worker).map(({ type }) => type), ['files', 'start']);
  assert.deepEqual(asked(on.worker)[0], { type: 'files', files, given: { size: 64 } });
});

test('a lost device: the CPU takes over, for good', () => {
  const on = open('webgpu');
  on.session.start({ name: 'a', given: {} });
  on.die('device-lost');
  assert.equal(on.worker.told[0].device, 'cpu');
  on.die();
  assert.equal(on.worker.told[0].device, 'cpu');
});

test('a panic on the device that was asked for: the same device again', () => {
  const on = open('webgpu');
  on.session.start({ name: 'a', given: {} });
  on.die();
  assert.equal(on.worker.told[0].device, 'webgpu');
});

test('three tries without a new step, then it is given up, saying what is kept', () => {
  const on = open();
  const id = on.session.start({ name: 'a', given: {} });
  on.state(id, 'running');
  on.saved(id, 20);
  on.losses(id, 29);
  for (let i = 0; i < 3; i++) {
    on.die();
    on.losses(id, 25 + i); // to come there again is no progress
  }
  assert.equal(on.count('failed'), 0);
  on.die();
  assert.equal(workers.length, 4);
  assert.match(on.last('failed').reason, /20/);
  assert.deepEqual([on.session.status.state, on.session.status.run], ['failed', id]);
  assert.ok(workers.every(({ ended }) => ended));
  assert.equal(beats.length, 0, 'nobody is asked any more');
});

test('each new step gives three tries again', () => {
  const on = open();
  const id = on.session.start({ name: 'a', given: {} });
  for (let step = 1; step < 20; step++) {
    on.die();
    on.losses(id, step);
  }
  assert.equal(on.count('failed'), 0);
});

test('a run that ended is not taken up again', () => {
  for (const end of [
    (on, id) => on.worker.say({ type: 'finished', run: id }), (on, id) => on.state(id, 'done'), (on, id) => on.state(id, 'failed'),
    (on) => on.session.discard(),
  ]) {
    const on = open();
    const id = on.session.start({ name: 'a', given: {} });
    end(on, id);
    on.die();
    assert.deepEqual(asked(on.worker), []);
  }
});

test('a resumed run that dies before it saves is resumed from the step that it was at', () => {
  const on = open();
  on.session.resume('stored');
  on.state('stored', 'running', 40);
  on.die();
  assert.deepEqual(asked(on.worker), [{ type: 'resume', run: 'stored', paused: false }]);
  assert.match(on.last('problem').words, /40/);
});

test('questions are answered each by its number, and asked again of the next worker', async () => {
  const on = open();
  const one = on.session.plan({ a: 1 });
  const two = on.session.plan({ a: 2 }, 5);
  on.die();
  const [first, second] = asked(on.worker);
  assert.deepEqual([first.given, second.given, second.minutes], [{ a: 1 }, { a: 2 }, 5]);
  on.worker.say({ type: 'planned', id: second.id, steps: 2 });
  on.worker.say({ type: 'refused', id: first.id, reason: 'too large' });
  on.worker.say({ type: 'planned', id: second.id, steps: 3 });
  assert.equal((await two).steps, 2);
  await assert.rejects(one, { message: 'too large' });
});

test('a checkpoint file: the run becomes the session\'s once the worker has taken it', async () => {
  const on = open();
  const checkpoint = new Blob(['x']);
  const going = on.session.continue(checkpoint, { name: 'c' });
  const [{ id, run }] = asked(on.worker);
  on.worker.say({ type: 'continued', id, run });
  assert.equal(await going, run);
  on.die();
  assert.deepEqual(asked(on.worker), [{ type: 'continue', id: 0, run, name: 'c', minutes: null, checkpoint, paused: false }]);
});

test('a checkpoint that the new worker refuses ends the session', () => {
  const on = open();
  const id = on.session.start({ name: 'a', given: {} });
  on.worker.say({ type: 'kept', run: id, step: 3, checkpoint: new Blob() });
  on.die();
  on.worker.say({ type: 'refused', id: 0, reason: 'other pictures' });
  assert.match(on.last('failed').reason, /other pictures/);
});

test('a worker that does not answer is dead after a minute, counted in beats', () => {
  const on = open('auto', { heartbeatMs: 5000, silenceMs: 60_000 });
  const id = on.session.start({ name: 'a', given: {} });
  on.losses(id, 1, 10);
  assert.deepEqual(beats.map(({ every }) => every), [5000]);
  for (let i = 0; i < 12; i++) beat();
  assert.equal(on.worker.of('ping').length, 12);
  assert.equal(workers.length, 1, 'a minute has just gone by');
  beat();
  assert.equal(workers.length, 2);
  assert.match(on.last('problem').words, /60/);
  assert.equal(beats.length, 1, 'one clock, for the new worker');
});

test('any word of the worker is a sign of life', () => {
  const on = open('auto', { heartbeatMs: 5000, silenceMs: 60_000 });
  const id = on.session.start({ name: 'a', given: {} });
  on.losses(id, 1, 10);
  for (let i = 0; i < 40; i++) {
    beat();
    on.worker.say({ type: i % 2 ? 'pong' : 'progress', phase: 'planning', done: 0, total: 1 });
  }
  assert.equal(workers.length, 1);
  assert.ok(!on.told.some(([type]) => type === 'pong'));
});

test('more patience before the first step, and where a step takes long', () => {
  const beatsToDeath = (prepare) => {
    install();
    const on = open('auto', { heartbeatMs: 5000, silenceMs: 60_000 });
    const id = on.session.start({ name: 'a', given: {} });
    prepare(on, id);
    let count = 0;
    while (workers.length === 1 && count < 1000) {
      beat();
      count++;
    }
    return count;
  };
  assert.equal(beatsToDeath(() => {}), 61, 'five minutes');
  assert.equal(beatsToDeath((on, id) => on.losses(id, 1, 10_000)), 61, 'thirty steps of ten seconds');
  assert.equal(beatsToDeath((on, id) => on.losses(id, 1, 100)), 13);
});

test('an error of the worker itself: before it ever spoke it cannot start, afterwards it is started again', () => {
  const event = { message: 'Unexpected token', preventDefault() {} };
  const on = open();
  on.session.open();
  on.worker.onerror(event);
  assert.deepEqual([on.count('failed'), workers.length], [1, 1]);
  on.session.open();
  on.worker.say({ type: 'device', device: 'cpu', reason: '' });
  on.worker.onerror(event);
  assert.deepEqual([on.count('failed'), workers.length], [1, 3]);
  on.worker.onerror(event); // one has run before: it is no old browser
  assert.deepEqual([on.count('failed'), workers.length], [1, 4]);
});

test('what a worker that was given up still says is not heard', () => {
  const on = open();
  const id = on.session.start({ name: 'a', given: {} });
  const [old] = workers;
  on.die();
  old.say({ type: 'saved', run: id, step: 99, bytes: 1 });
  old.say({ type: 'fatal', cause: 'panic', reason: '' });
  old.onerror({ message: '', preventDefault() {} });
  assert.deepEqual([on.count('saved'), workers.length], [0, 2]);
});

test('closed: the worker ends, its clock too, and whoever waits is told', async () => {
  const on = open();
  const waits = on.session.plan({});
  on.session.close();
  await assert.rejects(waits);
  assert.deepEqual([on.worker.ended, beats.length, on.count('failed')], [true, 0, 0]);
});

test('the state that was told last is the session\'s, with the steps since', async () => {
  const on = open();
  const id = on.session.start({ name: 'a', given: {} });
  on.state(id, 'running', 5);
  on.losses(id, 8);
  await settled();
  assert.deepEqual([on.session.status.state, on.session.status.step, on.session.status.totalSteps], ['running', 8, 100]);
  on.worker.say({ type: 'device', device: 'webgpu', reason: '' });
  assert.equal(on.session.device, 'webgpu');
});

test('another run counts its tries, and its steps, anew', () => {
  const on = open();
  const a = on.session.start({ name: 'a', given: {} });
  on.losses(a, 50);
  for (let i = 0; i < 3; i++) on.die();
  on.session.discard();
  const b = on.session.start({ name: 'b', given: {} });
  for (let i = 0; i < 3; i++) on.die();
  assert.equal(on.count('failed'), 0);
  for (let step = 1; step < 5; step++) {
    on.losses(b, step); // less than the other run had, and new to this one
    for (let i = 0; i < 3; i++) on.die();
  }
  assert.equal(on.count('failed'), 0);
});

test('without a run, an answer is progress', async () => {
  const on = open();
  for (let round = 0; round < 3; round++) {
    const plan = on.session.plan({});
    for (let i = 0; i < 3; i++) on.die();
    on.worker.say({ type: 'planned', id: asked(on.worker)[0].id });
    await plan;
  }
  assert.equal(on.count('failed'), 0);
});

test('a worker that spoke before it had a device is started again', () => {
  const on = open();
  on.session.open();
  on.worker.say({ type: 'pong' });
  on.worker.onerror({ message: '', preventDefault() {} });
  assert.deepEqual([on.count('failed'), workers.length], [0, 2]);
});

// --- Workers that have nothing to do

const IDLE = { heartbeatMs: 1000, idleMs: 60_000, idleAfterRunMs: 5000 };
/** Beats, each answered, as of a worker that lives. */
function beatFor(on, count) {
  for (let i = 0; i < count && !on.worker.ended; i++) {
    beat();
    if (!on.worker.ended) on.worker.say({ type: 'pong' });
  }
}
/** A run to its end, as the worker tells it. */
function finish(on, id) {
  on.saved(id, 100);
  on.worker.say({ type: 'finished', run: id, step: 100 });
  on.state(id, 'done', 100);
}

test('a worker whose run has ended is ended soon, and nothing is told of it', () => {
  const on = open('cpu', IDLE);
  const id = on.session.start({ name: 'a', given: {} });
  on.losses(id, 100);
  beatFor(on, 100);
  assert.equal(on.worker.ended, false, 'a run is never ended');
  on.state(id, 'paused', 50);
  beatFor(on, 100);
  assert.equal(on.worker.ended, false, 'nor is one that is paused');
  finish(on, id);
  const { length } = on.told;
  beatFor(on, 5);
  assert.equal(on.worker.ended, false);
  beatFor(on, 1);
  assert.deepEqual([on.worker.ended, beats.length, on.told.length, on.session.status.state], [true, 0, length, 'done']);
});

test('the next worker knows the pictures of the last one, prepared if a run was stored with them', async () => {
  const on = open('cpu', IDLE);
  const files = [{ path: 'a.png' }];
  const prepared = on.session.prepare(files, {});
  on.worker.say({ type: 'prepared', id: asked(on.worker).at(-1).id });
  await prepared;
  const id = on.session.start({ name: 'a', given: {} });
  finish(on, id);
  beatFor(on, 20);
  assert.ok(on.worker.ended);
  void on.session.plan({ size: 32 });
  assert.equal(workers.length, 2);
  assert.deepEqual(asked(on.worker).map(({ type, run }) => [type, run]), [['files', undefined], ['stored', id], ['plan', undefined]]);
  on.session.start({ name: 'b', given: {} });
  assert.deepEqual(asked(on.worker).at(-1).type, 'start');
});

test('pictures that were chosen afterwards are not those of the run', () => {
  const on = open('cpu', IDLE);
  finish(on, on.session.start({ name: 'a', given: {} }));
  void on.session.prepare([{ path: 'b.png' }], {});
  on.worker.say({ type: 'prepared', id: asked(on.worker).at(-1).id });
  beatFor(on, 100);
  void on.session.plan({});
  assert.deepEqual(asked(on.worker).map(({ type }) => type), ['files', 'plan']);
});

test('after a plan a worker waits longer; while one is made, for ever', () => {
  const on = open('cpu', IDLE);
  finish(on, on.session.start({ name: 'a', given: {} }));
  void on.session.plan({});
  beatFor(on, 200);
  assert.equal(on.worker.ended, false);
  on.worker.say({ type: 'planned', id: asked(on.worker).at(-1).id });
  beatFor(on, 60);
  assert.equal(on.worker.ended, false);
  beatFor(on, 1);
  assert.equal(on.worker.ended, true);
});

test('what is asked of a run whose worker has ended starts no other', () => {
  const on = open('cpu', IDLE);
  finish(on, on.session.start({ name: 'a', given: {} }));
  beatFor(on, 20);
  on.session.pause();
  on.session.stop();
  on.session.discard();
  assert.deepEqual([workers.length, on.session.status.state], [1, 'idle']);
});
