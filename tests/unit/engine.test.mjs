// Held: what workers share: reading a file, telling errors apart, and watching a latent optimisation.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPanic, isStopped, onDeviceLost, read, optimisationWatch, tellDeviceLost, text, UserError } from '../../www/lib/engine.js';
import { stopClock } from './clock.mjs';

test('a latent optimisation is told about every 200 ms, and asked at every step whether it is wanted', (t) => {
  const clock = stopClock(t);
  const told = [];
  let wanted = true;
  let asked = 0;
  const watch = optimisationWatch((...args) => told.push(args), () => (asked++, wanted));
  for (let step = 1; step <= 10; step++) {
    clock.pass(90);
    wanted = step < 10;
    assert.equal(watch(step, 10), wanted);
  }
  assert.deepEqual([told, asked], [[[3, 10], [6, 10], [9, 10]], 10]);
});

test('the bytes of a file, of the visitor or of the site', async () => {
  assert.deepEqual(await read({ blob: new Blob([Uint8Array.of(1, 2)]) }), Uint8Array.of(1, 2));
  globalThis.fetch = async () => new Response(Uint8Array.of(3));
  assert.deepEqual(await read({ url: 'https://site.example/a' }), Uint8Array.of(3));
});

test('a file that is too large is refused before it is read', async () => {
  const blob = { size: 256 * 1024 * 1024 + 1, arrayBuffer: () => assert.fail('read') };
  await assert.rejects(read({ blob }), UserError);
  assert.equal((await read({ blob: { size: 256 * 1024 * 1024, arrayBuffer: async () => new ArrayBuffer(1) } })).length, 1);
});

test('a file that moved away, a server that has none, no network: in words for people', async () => {
  await assert.rejects(read({ blob: { size: 1, arrayBuffer: () => Promise.reject(new Error('x')) } }), UserError);
  globalThis.fetch = async () => new Response('', { status: 404 });
  await assert.rejects(read({ url: 'https://site.example/sub/a.png' }), (error) => error instanceof UserError && /\/sub\/a\.png.*404/.test(error.message));
  globalThis.fetch = () => Promise.reject(new TypeError('failed'));
  await assert.rejects(read({ url: 'https://site.example/sub/a.png' }), (error) => error instanceof UserError && /\/sub\/a\.png/.test(error.message));
});

test('errors: a panic, a latent optimisation that was ended, and whatever else', () => {
  const stopped = Object.assign(new Error('x'), { name: 'Stopped' });
  assert.deepEqual([new WebAssembly.RuntimeError('x'), stopped, new Error('x'), 'Stopped', null].map((error) => [isPanic(error), isStopped(error)]),
    [[true, false], [false, true], [false, false], [false, false], [false, false]]);
  assert.deepEqual([new Error(' no '), 'no', 7].map(text), ['no', 'no', '7']);
  for (const nothing of [new Error(''), '', '  ']) assert.notEqual(text(nothing).trim(), '');
});

test('a lost device is told to whoever listens, and it is known whether someone does', () => {
  assert.equal(tellDeviceLost('early'), false);
  const heard = [];
  onDeviceLost((why) => heard.push(why));
  assert.equal(tellDeviceLost('now'), true);
  onDeviceLost(null);
  assert.equal(tellDeviceLost('late'), false);
  assert.deepEqual(heard, ['now']);
});
