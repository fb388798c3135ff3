// Held: what the page's parts know of the model and the device, and that the document says the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';

const { dataset } = (globalThis.document = { documentElement: { dataset: {} } }).documentElement;
const { PageState } = await import('../../www/page/state.js');

function open() {
  for (const name of Object.keys(dataset)) delete dataset[name];
  const scorer = new EventTarget();
  const state = new PageState(scorer);
  const told = [];
  for (const type of ['loaded', 'ready', 'failed', 'device']) state.addEventListener(type, ({ detail }) => told.push(detail ? `${type}: ${detail}` : type));
  return { state, told, say: (type, detail) => scorer.dispatchEvent(new CustomEvent(type, { detail })) };
}
const loaded = (threshold) => ({ info: { threshold }, build: {}, generation: 1 });

test('a model makes the page ready, once; each one after it brings its own threshold', () => {
  const { state, told, say } = open();
  assert.deepEqual([state.phase, state.modelThreshold], ['loading', null]);
  say('loaded', loaded(0.5));
  const { readyMs } = dataset;
  assert.deepEqual([state.phase, state.modelThreshold, dataset.state], ['ready', 0.5, 'ready']);
  say('loaded', loaded(null));
  assert.equal(state.modelThreshold, null);
  assert.deepEqual(told, ['ready', 'loaded', 'loaded']);
  assert.equal(dataset.readyMs, readyMs);
});

test('a page that cannot score says why; a model that comes later makes it ready again', () => {
  const { state, told, say } = open();
  say('failed', 'no module');
  assert.deepEqual([state.phase, dataset.state], ['failed', 'failed']);
  state.fail('no model');
  say('loaded', loaded(1));
  assert.deepEqual([state.phase, dataset.state], ['ready', 'ready']);
  assert.deepEqual(told, ['failed: no module', 'failed: no model', 'ready', 'loaded']);
});

test('the device, and the first score alone', () => {
  const { state, told, say } = open();
  say('device', { device: 'webgpu', reason: 'Runs on your GPU.' });
  assert.deepEqual([state.device, dataset.device, told], ['webgpu', 'webgpu', ['device: Runs on your GPU.']]);
  assert.equal(state.setScored(), true);
  const { firstScoreMs } = state;
  assert.equal(dataset.firstScoreMs, String(firstScoreMs));
  assert.equal(state.setScored(), false);
  assert.equal(state.firstScoreMs, firstScoreMs);
});
