// Held: a worker takes one message after another, and says nothing more once it cannot be trusted.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { settled } from './worker.mjs';

const said = [];
const listeners = new Map();
globalThis.postMessage = (message) => said.push(message);
globalThis.addEventListener = (type, listener) => listeners.set(type, listener);
const { answerWithin, Guard } = await import('../../www/lib/guard.js');
const { onDeviceLost } = await import('../../www/lib/engine.js');

beforeEach(() => {
  said.length = 0;
  onDeviceLost(null);
});

/** A worker that notes what it does; messages of the type `bad` fail. */
function serve(work = {}) {
  const guard = new Guard();
  const done = [];
  guard.serve({
    take: async ({ type, wait }) => {
      done.push(`${type} begins`);
      await wait;
      if (type === 'bad') throw new Error('no\nat line 1');
      done.push(`${type} ends`);
    },
    failed: (error, message) => done.push(`${message?.type} failed: ${error.message}`),
    ...work,
  });
  return { guard, done, hear: (message) => globalThis.onmessage({ data: message }) };
}
const panic = () => new WebAssembly.RuntimeError('unreachable');
const unhandled = (error) => listeners.get('unhandledrejection')({ reason: error, preventDefault() {} });

test('one message after another, also after one that failed; what is heard is heard at once', async () => {
  const heard = [];
  const on = serve({ hear: ({ type }) => (heard.push(type), type === 'cancel') });
  let go;
  on.hear({ type: 'a', wait: new Promise((resolve) => (go = resolve)) });
  for (const type of ['bad', 'cancel', 'b']) on.hear({ type });
  await settled();
  assert.deepEqual(on.done, ['a begins']);
  assert.deepEqual(heard, ['a', 'bad', 'cancel', 'b']);
  go();
  await settled();
  assert.deepEqual(on.done, ['a begins', 'a ends', 'bad begins', 'bad failed: no\nat line 1', 'b begins', 'b ends']);
});

test('where nothing waits, what there is to do is done, and a message comes before it', async () => {
  let turns = 0;
  const on = serve({ rest: () => (turns < 3 ? Promise.resolve(void turns++) : null) });
  await settled();
  assert.equal(turns, 3);
  turns = 0;
  on.hear({ type: 'a' });
  await settled();
  assert.deepEqual([on.done, turns], [['a begins', 'a ends'], 3]);
});

test('a ping is answered by the worker itself', async () => {
  const on = serve();
  on.hear({ type: 'ping' });
  await settled();
  assert.deepEqual([said, on.done], [[{ type: 'pong' }], []]);
});

test('what is fatal is said once, in one line, and nothing after it', async () => {
  const on = serve();
  on.guard.fatal('panic', new Error('unreachable\nat wasm'));
  on.guard.fatal('device-lost', 'gone');
  on.guard.post({ type: 'scored' });
  on.hear({ type: 'a' });
  on.hear({ type: 'ping' });
  await settled();
  assert.deepEqual(said, [{ type: 'fatal', cause: 'panic', reason: 'unreachable' }]);
  assert.ok(!on.done.includes('b begins'));
});

test('an error that nobody awaits: a lost device on WebGPU, a panic elsewhere, else nothing', () => {
  serve();
  unhandled(new Error('any'));
  assert.deepEqual(said, []);
  unhandled(panic());
  assert.equal(said[0].cause, 'panic');
  said.length = 0;
  serve().guard.kind = 'webgpu';
  unhandled(new Error('any'));
  assert.deepEqual(said, [{ type: 'fatal', cause: 'device-lost', reason: 'any' }]);
});

test('while WebGPU starts, a panic is that attempt\'s alone', () => {
  const lost = [];
  onDeviceLost((reason) => lost.push(reason));
  serve();
  unhandled(panic());
  assert.deepEqual([lost, said], [['unreachable'], []]);
});

test('an answer within the limit, or none: silence is counted from the last sign of life', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const lost = new Error('lost');
  assert.equal(await answerWithin(10, lost, async () => 7), 7);
  let alive;
  const late = answerWithin(10, lost, (sign) => new Promise(() => (alive = sign)));
  late.catch(() => {});
  t.mock.timers.tick(9);
  alive();
  t.mock.timers.tick(9);
  assert.equal(await Promise.race([late, 'still waiting']), 'still waiting');
  t.mock.timers.tick(1);
  await assert.rejects(late, lost);
});
