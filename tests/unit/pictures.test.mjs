// Held: which files are prepared to train on and in which order, what is left out and why, and that nothing leaks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instantYields, stopClock } from './clock.mjs';

instantYields();
const { prepare, settingsOf, Superseded } = await import('../../www/lib/training/pictures.js');

/** A file whose bytes are its number; `bad` cannot be read. */
const file = (path, number, bad = false) => ({
  path,
  source: { blob: { size: 1, arrayBuffer: async () => (bad ? Promise.reject(new Error('locked')) : Uint8Array.of(number).buffer) } },
});

/** A program that takes folders `good` to train on and `bad` for anomalies, and refuses the byte 13. */
function program() {
  const sets = [];
  class TrainingPictures {
    constructor(size, channels) {
      Object.assign(this, { size, channels, taken: [], freed: false });
      sets.push(this);
    }
    add(path, [byte]) {
      if (byte === 13) throw new Error('no picture');
      if (byte === 66) throw new WebAssembly.RuntimeError('unreachable');
      this.taken.push(byte);
    }
    get count() {
      return this.taken.length;
    }
    to_bytes() {
      return Uint8Array.from(this.taken);
    }
    digest() {
      return this.taken.join('-');
    }
    all_alike() {
      return new Set(this.taken).size === 1;
    }
    free() {
      this.freed = true;
    }
  }
  const looked = [];
  const module = {
    TrainingPictures,
    recognise: (paths) => ({
      training: paths.flatMap((path, i) => (path.startsWith('good') ? [i] : [])),
      test: paths.flatMap((path, i) => (path.startsWith('test') ? [{ index: i, abnormal: path.includes('bad') }] : [])),
      left_out: paths.filter((path) => path.startsWith('other')), layout: 'layout', said: 'said',
    }),
    suggest_settings: (first, count) => {
      looked.push(first.map(([byte]) => byte), count);
      return { size: 64 };
    },
    complete_settings: (given) => ({ size: 32, channels: 3, ...given }),
  };
  return { module, sets, looked };
}

const watch = (more) => ({ superseded: () => false, progress: () => {}, ...more });

test('the training pictures in their order, the labelled ones with what they are, the rest counted', async () => {
  const { module, sets } = program();
  const files = [file('test/bad/1', 1), file('good/2', 2), file('other', 3), file('good/4', 4), file('test/fine/5', 5)];
  const made = await prepare(module, files, { channels: 1 }, watch());
  assert.deepEqual([...made.training], [2, 4]);
  assert.deepEqual([[...made.labelled], [...made.abnormal], made.counts], [[1, 5], [1, 0], { normal: 1, abnormal: 1 }]);
  assert.deepEqual([made.size, made.channels, made.count, made.leftOut, made.layout, made.said, made.digest, made.alike],
    [64, 1, 2, 1, 'layout', 'said', '2-4', false]);
  assert.deepEqual(made.suggested, { size: 64 });
  assert.ok(sets.every(({ freed, size, channels }) => freed && size === 64 && channels === 1));
});

test('what cannot be read or is no picture is named with its reason; labels stay with their pictures', async () => {
  const { module } = program();
  const files = [
    file('good/a', 1), file('good/locked', 2, true), file('good/broken', 13), file('good/b', 4),
    file('test/bad/broken', 13), file('test/fine/c', 6), file('test/bad/d', 7),
  ];
  const made = await prepare(module, files, {}, watch());
  assert.deepEqual([[...made.training], [...made.labelled], [...made.abnormal]], [[1, 4], [6, 7], [0, 1]]);
  assert.deepEqual(made.skipped.map(({ path }) => path), ['good/locked', 'good/broken', 'test/bad/broken']);
  assert.ok(made.skipped.every(({ reason }) => reason.length > 0));
});

test('no labelled picture that can be read: none are spoken of', async () => {
  const { module, sets } = program();
  const made = await prepare(module, [file('good/a', 1), file('test/bad/b', 13)], {}, watch());
  assert.deepEqual([made.labelled, made.abnormal, made.counts], [null, null, null]);
  assert.ok(sets.every(({ freed }) => freed));
});

test('nothing to train on: refused, with what is wrong with the first', async () => {
  const { module, sets } = program();
  await assert.rejects(prepare(module, [file('good/a', 13), file('good/b', 13)], {}, watch()), /good\/a.*no picture/);
  assert.ok(sets.every(({ freed }) => freed));
});

test('files are read ahead, eight at a time, and keep their order however long each takes', async () => {
  const { module } = program();
  let open = 0;
  let most = 0;
  const files = Array.from({ length: 30 }, (_, i) => {
    const one = file(`good/${i}`, i + 100);
    one.source.blob.arrayBuffer = async () => {
      most = Math.max(most, ++open);
      for (let turn = 1 + ((i * 7) % 11); turn > 0; turn--) await null;
      open--;
      return Uint8Array.of(i + 100).buffer;
    };
    return one;
  });
  assert.deepEqual([...(await prepare(module, files, {}, watch())).training], files.map((_, i) => i + 100));
  assert.equal(most, 8);
});

test('settings are suggested by the first two dozen that can be read, and by how many there are', async () => {
  const { module, looked } = program();
  await prepare(module, Array.from({ length: 40 }, (_, i) => file(`good/${i}`, i + 100, i === 0)), {}, watch());
  assert.deepEqual(looked, [Array.from({ length: 23 }, (_, i) => i + 101), 40]);
});

test('superseded: it ends at the next picture, and frees what it had', async () => {
  const { module, sets } = program();
  await assert.rejects(
    prepare(module, Array.from({ length: 10 }, (_, i) => file(`good/${i}`, i)), {}, watch({ superseded: () => sets[0]?.count >= 3 })),
    (error) => error instanceof Superseded,
  );
  assert.deepEqual([sets.length, sets[0].count, sets[0].freed], [1, 3, true]);
});

test('a program that stopped at a picture is no bad picture', async () => {
  const { module } = program();
  await assert.rejects(prepare(module, [file('good/a', 66)], {}, watch()), WebAssembly.RuntimeError);
});

test('how far it is, after each slice of time, from nothing to all', async (t) => {
  const clock = stopClock(t);
  const { module } = program();
  const files = Array.from({ length: 6 }, (_, i) => file(`good/${i}`, i));
  const add = module.TrainingPictures.prototype.add;
  module.TrainingPictures.prototype.add = function (...args) {
    clock.pass(30);
    add.apply(this, args);
  };
  const told = [];
  await prepare(module, files, {}, watch({ progress: (...args) => told.push(args) }));
  assert.deepEqual(told, [[0, 6], [2, 6], [4, 6], [6, 6], [6, 6]]);
});

test('settings: what was given before what suits the pictures, and the preset of the method', () => {
  const module = { complete_settings: (all) => all };
  assert.deepEqual(settingsOf(module, { size: 64, batch: 64, repair: { size: 64, batch: 8 } }, { size: 32 }), { preset: 'repair', size: 32, batch: 8 });
  assert.deepEqual(settingsOf(module, { size: 64, batch: 64, repair: { size: 64, batch: 8 } }, { preset: 'memory' }), { preset: 'memory', size: 64, batch: 64 });
  assert.equal(settingsOf(module, {}, { method: 'aae' }).preset, 'paper');
  assert.equal(settingsOf(module, {}, { preset: 'paper' }).preset, 'paper');
});
