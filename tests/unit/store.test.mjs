// Held: what the browser keeps of runs is whole, shared pictures are kept once and go with their last run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { install, refuse, stores } from './database.mjs';

// Each test has a store, and a module, of its own.
let fresh = 0;
async function open(options) {
  install(options);
  return import(`../../www/lib/training/store.js?${fresh++}`);
}

const run = (id, more) => ({ id, name: id, changed: 1, bytes: 2, pictures: 'p', pictureBytes: 10, step: 1, state: 'running', ...more });
const checkpoint = (n) => Uint8Array.of(n, n);
const pictures = { training: new Uint8Array(7), labelled: new Uint8Array(3), digest: 'd' };

test('a run comes back with its checkpoint and its pictures', async () => {
  const store = await open();
  await store.saveRun(run('a'), checkpoint(1), pictures);
  assert.deepEqual(await store.loadRun('a'), { run: run('a'), checkpoint: checkpoint(1), pictures });
  assert.equal(await store.loadRun('b'), null);
});

test('a later checkpoint takes the place of the one before', async () => {
  const store = await open();
  await store.saveRun(run('a'), checkpoint(1), pictures);
  await store.saveRun(run('a', { step: 9 }), checkpoint(9), pictures);
  const { run: kept, checkpoint: bytes } = await store.loadRun('a');
  assert.deepEqual([kept.step, bytes], [9, checkpoint(9)]);
  assert.equal((await store.listRuns()).length, 1);
});

test('a run that lacks a part is no run', async () => {
  const store = await open();
  await store.saveRun(run('a'), checkpoint(1), pictures);
  stores.pictures.delete('p');
  assert.equal(await store.loadRun('a'), null);
});

test('pictures are written once, and shared', async () => {
  const store = await open();
  const written = [];
  refuse.write = (name) => (written.push(name), null);
  await store.saveRun(run('a'), checkpoint(1), pictures);
  await store.saveRun(run('b'), checkpoint(2), pictures);
  await store.saveRun(run('c', { pictures: 'q' }), checkpoint(3), pictures);
  assert.equal(written.filter((name) => name === 'pictures').length, 2);
});

test('removed: the run and its checkpoint at once, its pictures with the last run that uses them', async () => {
  const store = await open();
  await store.saveRun(run('a'), checkpoint(1), pictures);
  await store.saveRun(run('b'), checkpoint(2), pictures);
  await store.removeRun('a');
  assert.deepEqual([[...stores.runs.keys()], [...stores.checkpoints.keys()], [...stores.pictures.keys()]], [['b'], ['b'], ['p']]);
  await store.removeRun('b');
  assert.deepEqual([stores.runs.size, stores.checkpoints.size, stores.pictures.size], [0, 0, 0]);
  await store.removeRun('b');
});

test('runs are listed with the last changed first', async () => {
  const store = await open();
  for (const [id, changed] of [['a', 5], ['b', 9], ['c', 7]]) await store.saveRun(run(id, { changed }), checkpoint(1), pictures);
  assert.deepEqual((await store.listRuns()).map(({ id }) => id), ['b', 'c', 'a']);
});

test('a note changes a run that is stored, and makes none', async () => {
  const store = await open();
  await store.saveRun(run('a'), checkpoint(1), pictures);
  await store.noteRun('a', { state: 'done' });
  await store.noteRun('gone', { state: 'done' });
  assert.deepEqual(await store.listRuns(), [run('a', { state: 'done' })]);
});

test('all is cleared', async () => {
  const store = await open();
  await store.saveRun(run('a'), checkpoint(1), pictures);
  await store.clearAll();
  assert.deepEqual(Object.values(stores).map(({ size }) => size), [0, 0, 0]);
});

test('a write that fails leaves everything as it was, whichever part it is', async () => {
  for (const part of ['runs', 'checkpoints', 'pictures']) {
    const store = await open();
    await store.saveRun(run('a'), checkpoint(1), pictures);
    refuse.write = (name) => (name === part ? new DOMException('', 'QuotaExceededError') : null);
    const change = run('a', { step: 9, pictures: 'q' });
    await assert.rejects(store.saveRun(change, checkpoint(9), pictures), (error) => error instanceof store.StoreError && error.full);
    refuse.write = () => null;
    assert.deepEqual(await store.loadRun('a'), { run: run('a'), checkpoint: checkpoint(1), pictures }, part);
    await store.saveRun(change, checkpoint(9), pictures);
    assert.equal((await store.loadRun('a')).run.step, 9);
  }
});

test('no store at all: refused with a reason, which is not for want of room; it is tried again', async () => {
  let refuses = true;
  const store = await open({ opens: () => (refuses ? new DOMException('not allowed', 'SecurityError') : null) });
  for (const ask of [() => store.listRuns(), () => store.saveRun(run('a'), checkpoint(1), pictures)]) {
    await assert.rejects(ask(), (error) => error instanceof store.StoreError && !error.full && /not allowed/.test(error.message));
  }
  refuses = false;
  assert.deepEqual(await store.listRuns(), []);
  const none = await open();
  delete globalThis.indexedDB;
  await assert.rejects(none.listRuns(), (error) => error instanceof none.StoreError && !error.full);
});

test('a database that the browser closed, or another version of the page wants, is opened anew', async () => {
  for (const happens of ['onclose', 'onversionchange']) {
    const store = await open();
    await store.saveRun(run('a'), checkpoint(1), pictures);
    const { last } = globalThis.indexedDB;
    last[happens]();
    assert.equal((await store.listRuns()).length, 1);
    assert.notEqual(globalThis.indexedDB.last, last);
  }
});

/** What the browser says of the site's storage. */
const site = (storage) => Object.defineProperty(globalThis, 'navigator', { value: { storage }, configurable: true });

test('sizes: what all runs take, shared pictures once; nothing where nothing is stored', async () => {
  site(undefined);
  const store = await open();
  await store.saveRun(run('a'), checkpoint(1), pictures);
  await store.saveRun(run('b', { bytes: 3 }), checkpoint(1), pictures);
  await store.saveRun(run('c', { bytes: 4, pictures: 'q', pictureBytes: 100 }), checkpoint(1), pictures);
  assert.deepEqual(await store.storedSizes(), { available: true, bytes: 2 + 3 + 4 + 10 + 100, usage: null, quota: null, persisted: null });
  assert.equal(store.pictureBytes(pictures), 10);
  assert.equal(store.pictureBytes({ ...pictures, labelled: null }), 7);
  const closed = await open({ opens: () => new Error('no') });
  const { available, bytes } = await closed.storedSizes();
  assert.deepEqual([available, bytes], [false, 0]);
});

test('the browser\'s own figures, where it gives them', async () => {
  const store = await open();
  site({ estimate: async () => ({ usage: 5, quota: 50 }), persisted: async () => true, persist: async () => true });
  const { usage, quota, persisted } = await store.storedSizes();
  assert.deepEqual([usage, quota, persisted, await store.persist()], [5, 50, true, true]);
  const no = () => Promise.reject(new Error('no'));
  site({ estimate: no, persisted: no, persist: no });
  assert.deepEqual([(await store.storedSizes()).quota, await store.persist()], [null, false]);
  site(undefined);
  assert.equal(await store.persist(), false);
});
