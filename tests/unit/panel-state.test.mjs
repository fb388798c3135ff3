// Held: what each event makes of each state of the training section, and what is shown in each state.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IDLE, isBusy, isOpen, statusOf, trainingOf, transition, viewOf } from '../../www/lib/training/panel-state.js';

const rest = ['idle', 'done', 'failed'].map((phase) => ({ phase }));
const reading = (before) => ({ phase: 'reading', before });
const starting = (step = null) => ({ phase: 'starting', step });
const requested = (step = null) => ({ phase: 'requested', run: 'a', step });
const continuing = (run = null) => ({ phase: 'continuing', name: 'n', run });
const running = (asked = null) => ({ phase: 'running', run: 'a', asked });
const paused = (asked = null) => ({ phase: 'paused', run: 'a', asked });
const finishing = { phase: 'finishing', run: 'a' };

const STATES = {
  idle: { phase: 'idle' },
  done: { phase: 'done' },
  failed: { phase: 'failed' },
  reading: reading({ phase: 'done' }),
  starting: starting(),
  'starting with a step': starting('generator'),
  requested: requested(),
  'requested with a step': requested('both'),
  continuing: continuing(),
  'continuing as a run': continuing('a'),
  running: running(),
  pausing: running('pause'),
  stopping: running('stop'),
  paused: paused(),
  'paused, stopping': paused('stop'),
  finishing,
};
const worker = (state, run = 'a', words = '') => ({ type: 'worker', state, run, words });
const EVENTS = {
  start: { type: 'start', step: null },
  'start with a step': { type: 'start', step: 'both' },
  unready: { type: 'unready' },
  request: { type: 'request', run: 'a' },
  continue: { type: 'continue', name: 'n' },
  refused: { type: 'refused' },
  pause: { type: 'pause' },
  stop: { type: 'stop' },
  finished: { type: 'finished', run: 'a' },
  'finished, another': { type: 'finished', run: 'b' },
  scoring: { type: 'scoring' },
  'worker: idle': worker('idle', null),
  'worker: idle, of the run': worker('idle'),
  'worker: preparing': worker('preparing'),
  'worker: preparing, no run': worker('preparing', null),
  'worker: running': worker('running'),
  'worker: running, another': worker('running', 'b'),
  'worker: paused': worker('paused'),
  'worker: paused, another': worker('paused', 'b'),
  'worker: done': worker('done'),
  'worker: done, no run': worker('done', null),
  'worker: failed': worker('failed', 'a', 'It diverged.'),
  'worker: failed, no run': worker('failed', null, 'The worker could not start.'),
  'worker: failed before': worker('failed', null),
};

/** By state, what each event makes of it; every event that is not named is ignored. */
const failures = { 'worker: failed': { phase: 'failed' }, 'worker: failed, no run': { phase: 'failed' } };
const atRest = (state) => ({
  start: starting(),
  'start with a step': starting('both'),
  request: requested(),
  continue: continuing(),
  ...failures,
  ...(state ? { 'worker: preparing': reading(state), 'worker: preparing, no run': reading(state) } : {}),
});
const stops = { 'worker: idle': IDLE, 'worker: idle, of the run': IDLE, finished: finishing, ...failures };
const EXPECTED = {
  idle: atRest(STATES.idle),
  done: atRest(STATES.done),
  failed: atRest(STATES.failed),
  reading: {
    ...atRest(null),
    // Whatever the worker is afterwards, nobody asked it for a run.
    ...Object.fromEntries(['idle', 'idle, of the run', 'running', 'running, another', 'paused', 'paused, another', 'done', 'done, no run', 'failed before']
      .map((said) => [`worker: ${said}`, STATES.done])),
  },
  starting: { unready: IDLE, request: requested(), ...failures },
  'starting with a step': { unready: IDLE, request: requested('generator'), ...failures },
  requested: { 'worker: running': running(), 'worker: paused': paused(), 'worker: idle, of the run': IDLE, finished: finishing, ...failures },
  'requested with a step': { 'worker: running': running(), 'worker: paused': paused(), 'worker: idle, of the run': IDLE, finished: finishing, ...failures },
  continuing: {
    refused: IDLE,
    'worker: preparing': continuing('a'),
    'worker: running': running(),
    'worker: running, another': { ...running(), run: 'b' },
    'worker: paused': paused(),
    'worker: paused, another': { ...paused(), run: 'b' },
    ...failures,
  },
  'continuing as a run': {
    refused: IDLE,
    'worker: running': running(),
    'worker: running, another': { ...running(), run: 'b' },
    'worker: paused': paused(),
    'worker: paused, another': { ...paused(), run: 'b' },
    finished: finishing,
    ...failures,
  },
  running: { pause: running('pause'), stop: running('stop'), 'worker: paused': paused(), 'worker: preparing': requested(), ...stops },
  pausing: { stop: running('stop'), 'worker: paused': paused(), 'worker: preparing': requested(), ...stops },
  stopping: { 'worker: paused': paused('stop'), 'worker: preparing': requested(), ...stops },
  paused: { stop: paused('stop'), 'worker: running': running(), 'worker: preparing': requested(), ...stops },
  'paused, stopping': { 'worker: running': running('stop'), 'worker: preparing': requested(), ...stops },
  finishing: { scoring: { phase: 'done' } },
};

for (const [name, state] of Object.entries(STATES)) {
  test(`${name}: every event leads where it is to, or is ignored`, () => {
    const before = structuredClone(state);
    assert.deepEqual(Object.keys(EXPECTED[name]).filter((event) => !(event in EVENTS)), []);
    for (const [said, event] of Object.entries(EVENTS)) {
      const next = transition(state, event);
      if (said in EXPECTED[name]) assert.deepEqual(next, EXPECTED[name][said], said);
      else assert.equal(next, state, `${said} is ignored: the very same state`);
    }
    assert.deepEqual(state, before, 'no state is changed in place');
  });
}

const by = (make) => Object.fromEntries(Object.entries(STATES).map(([name, state]) => [name, make(state)]));
const names = (make) => Object.entries(by(make)).filter(([, value]) => value).map(([name]) => name);

test('what is open and what is busy', () => {
  assert.deepEqual(names(isOpen), ['running', 'pausing', 'stopping', 'paused', 'paused, stopping']);
  assert.deepEqual(names((state) => !isBusy(state)), ['idle', 'done', 'failed', 'reading']);
});

test('the document has the worker\'s words', () => {
  assert.deepEqual(by(trainingOf), {
    idle: 'idle', done: 'done', failed: 'failed', reading: 'preparing', starting: 'preparing', 'starting with a step': 'preparing',
    requested: 'preparing', 'requested with a step': 'preparing', continuing: 'preparing', 'continuing as a run': 'preparing',
    running: 'running', pausing: 'running', stopping: 'running', paused: 'paused', 'paused, stopping': 'paused', finishing: 'running',
  });
});

test('buttons: what can be pressed in which state', () => {
  const pressable = (id) => names((state) => !viewOf(state, true).disabled[id]);
  assert.deepEqual(pressable('train-start'), ['idle', 'done', 'failed', 'reading']);
  assert.deepEqual(pressable('train-step'), ['idle', 'done', 'failed', 'reading', 'paused', 'paused, stopping']);
  for (const id of ['train-step-g', 'train-step-d']) assert.deepEqual(pressable(id), ['paused', 'paused, stopping']);
  assert.deepEqual(pressable('train-pause'), ['running', 'pausing', 'paused']);
  assert.deepEqual(pressable('train-stop'), ['running', 'pausing', 'paused']);
  assert.deepEqual(names((state) => viewOf(state, true).open), names(isOpen));
  assert.deepEqual(names((state) => viewOf(state, true).locked), names(isBusy));
  assert.deepEqual(names((state) => viewOf(state, true).still), ['idle', 'failed']);
});

test('buttons: what they say', () => {
  for (const state of rest) {
    assert.equal(viewOf(state, false).words['train-start'], 'Train');
    assert.equal(viewOf(state, true).words['train-start'], 'Train again');
  }
  assert.equal(viewOf(running(), true).words['train-start'], 'Train');
  assert.deepEqual([running(), running('pause'), paused(), paused('stop')].map((state) => viewOf(state, true).words['train-pause']), ['Pause', 'Pausing…', 'Continue', 'Continue']);
});

test('the status line says where it trains and after which step it waits, but not over what was asked for', () => {
  const run = { device: 'webgpu', step: 1234 };
  assert.match(statusOf(running(), run), /GPU/);
  assert.match(statusOf(running(), { ...run, device: 'cpu' }), /CPU/);
  assert.match(statusOf(paused(), run), /1,234/);
  for (const state of [...rest, starting(), finishing, running('stop'), paused('stop')]) assert.equal(statusOf(state, run), null);
});
