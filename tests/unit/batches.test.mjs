// Held: how pictures are put into batches, how a batch grows, and what a latent optimisation and a cancelled picture change of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, names, settled, workers } from './scorer.mjs';

/** Sizes of the batches that a queue is answered in. */
async function sizes(bench, count, options) {
  await bench.ask(names(count));
  const found = [];
  while (bench.open().length > 0) found.push(await bench.answer(options));
  return found;
}

test('nothing is sent before a model is there, and one picture alone at first', async () => {
  const bench = new Bench();
  await bench.ask(names(5));
  assert.deepEqual(bench.batches, []);
  await bench.load();
  await settled();
  assert.deepEqual(bench.batches, [['p0'], ['p1']], 'two on their way, in the order of asking');
  assert.equal(bench.scorer.pending, 5);
});

test('a batch doubles until it takes about 200 ms, and no more', async () => {
  const bench = new Bench();
  await bench.load();
  // 40 ms a picture: five of them. The second batch was on its way before the first was answered.
  assert.deepEqual(await sizes(bench, 28, { perPicture: 40 }), [1, 1, 2, 4, 5, 5, 5, 5]);
});

test('a slow picture goes alone, and a batch that was too large shrinks at once', async () => {
  const bench = new Bench();
  await bench.load();
  assert.deepEqual(await sizes(bench, 4, { perPicture: 900 }), [1, 1, 1, 1]);
  await sizes(bench, 100, { perPicture: 10 });
  await bench.ask(names(60));
  assert.deepEqual(bench.batches.map(({ length }) => length), [16, 16]);
  await bench.answer({ perPicture: 100 });
  assert.equal(bench.batches.at(-1).length, 2);
});

test('however quick: at most 16 on the CPU and 64 on WebGPU', async () => {
  const cpu = new Bench();
  await cpu.load();
  assert.equal(Math.max(...await sizes(cpu, 200, { perPicture: 0 })), 16);
  const gpu = new Bench();
  await gpu.load({ device: 'webgpu' });
  assert.equal(Math.max(...await sizes(gpu, 400, { perPicture: 0, device: 'webgpu' })), 64);
});

test('another device begins again with one picture', async () => {
  const bench = new Bench();
  await bench.load();
  await sizes(bench, 100, { perPicture: 1 });
  bench.worker.say({ type: 'device', device: 'webgpu', reason: '' });
  assert.equal((await sizes(bench, 10, { perPicture: 1, device: 'webgpu' }))[0], 1);
});

test('a batch holds at most 32 MB of files; one that is larger goes alone', async () => {
  const bench = new Bench();
  await bench.load();
  await sizes(bench, 100, { perPicture: 1 });
  const MB = 1024 * 1024;
  await bench.ask(['a', 'b', 'c'], { bytes: 12 * MB });
  assert.deepEqual(bench.batches, [['a', 'b'], ['c']]);
  await bench.answer();
  await bench.answer();
  await bench.ask(['small'], { bytes: 1 });
  await bench.answer();
  await bench.ask(['large', 'after'], { bytes: 40 * MB });
  assert.deepEqual(bench.batches, [['large'], ['after']]);
});

test('pictures that are asked for in one turn share a batch', async () => {
  const bench = new Bench();
  await bench.load();
  await sizes(bench, 40, { perPicture: 1 });
  bench.scorer.score({ blob: { size: 1, name: 'a' } });
  bench.scorer.score({ blob: { size: 1, name: 'b' } });
  await settled();
  assert.deepEqual(bench.batches, [['a', 'b']]);
});

test('each answer goes to the picture that it is of, with the device and the model that gave it', async () => {
  const bench = new Bench();
  await bench.load();
  await bench.load();
  await bench.ask(['a', 'b']);
  const keys = bench.open().map(({ items }) => items[0].key);
  const [, b] = bench.open();
  bench.worker.say({ type: 'scored', id: b.id, device: 'cpu', elapsedMs: 5, results: [{ key: keys[1], result: { score: 2 } }] });
  await settled();
  assert.deepEqual(bench.answers, new Map([['b', { result: { score: 2 }, generation: 2, device: 'cpu' }]]));
  const [a] = bench.open();
  bench.worker.say({ type: 'scored', id: a.id, device: 'cpu', elapsedMs: 5, results: [] });
  await settled();
  assert.ok(bench.answers.get('a').result.error, 'no answer is an error, not a picture that waits for ever');
  assert.equal(bench.scorer.pending, 0);
});

test('a method that optimises latent codes: one batch at a time, from one picture to sixteen', async () => {
  const bench = new Bench();
  await bench.load({ latentSteps: 500 });
  await bench.ask(names(60));
  const found = [];
  while (bench.open().length > 0) {
    assert.equal(bench.open().length, 1, 'one on its way');
    found.push(await bench.answer({ perPicture: 100 }));
  }
  assert.deepEqual(found, [1, 2, 4, 8, 16, 16, 13]);
});

test('a latent optimisation that takes seconds a picture stays at what takes eight', async () => {
  const bench = new Bench();
  await bench.load({ latentSteps: 500 });
  assert.deepEqual(await sizes(bench, 12, { perPicture: 2000 }), [1, 2, 4, 4, 1]);
});

test('a model that optimises latent codes begins with one picture, whatever the one before did', async () => {
  const bench = new Bench();
  await bench.load();
  await sizes(bench, 100, { perPicture: 1 });
  await bench.load({ latentSteps: 500 });
  assert.equal((await sizes(bench, 10))[0], 1);
});

test('how far a latent optimisation is, and that it is over, is told', async () => {
  const bench = new Bench();
  await bench.load({ latentSteps: 500 });
  await bench.ask(['a']);
  bench.worker.say({ type: 'optimising', id: bench.open()[0].id, step: 30, steps: 500, pictures: 1 });
  await bench.answer();
  assert.deepEqual(bench.told.filter(([type]) => type === 'optimisation').map(([, detail]) => detail), [{ step: 30, steps: 500, pictures: 1 }, null]);
});

test('cancelled: what waits is left out at once, what is on its way is not given out', async () => {
  const bench = new Bench();
  await bench.load();
  const controller = new AbortController();
  await bench.ask(names(5), { signal: controller.signal });
  await bench.ask(['kept']);
  const [first, second] = bench.open();
  controller.abort();
  await settled();
  for (const name of ['p2', 'p3', 'p4']) assert.equal(bench.answers.get(name).name, 'AbortError');
  assert.deepEqual(bench.worker.of('cancel').map(({ id }) => id), [first.id, second.id]);
  await bench.answer(); // scored all the same: it had begun
  assert.equal(bench.answers.get('p0').name, 'AbortError');
  await bench.stop(second.id);
  assert.equal(bench.answers.get('p1').name, 'AbortError');
  await bench.answer();
  assert.ok('score' in bench.answers.get('kept').result);
  assert.equal(bench.scorer.pending, 0);
  await bench.ask(['late'], { signal: controller.signal });
  assert.equal(bench.answers.get('late').name, 'AbortError');
  assert.deepEqual(bench.batches, []);
});

test('a stopped batch gives back, before the others, what in it was not cancelled', async () => {
  const bench = new Bench();
  await bench.load({ latentSteps: 500 });
  await sizes(bench, 3, { perPicture: 1 }); // from now on four at a time
  const controller = new AbortController();
  void bench.ask(['x'], { signal: controller.signal });
  await bench.ask(['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(bench.batches, [['x', 'a', 'b', 'c']]);
  controller.abort();
  await bench.stop(bench.open()[0].id);
  assert.equal(bench.answers.get('x').name, 'AbortError');
  assert.deepEqual(bench.batches, [['a', 'b', 'c', 'd']]);
});

test('another model ends a latent optimisation; its pictures are scored afterwards, by the new one', async () => {
  const bench = new Bench();
  await bench.load({ latentSteps: 500 });
  await bench.ask(['a', 'b']);
  const [{ id }] = bench.open();
  const loading = bench.load();
  assert.deepEqual(bench.worker.of('cancel').map((message) => message.id), [id]);
  await loading;
  await bench.stop(id);
  while (bench.open().length > 0) await bench.answer();
  assert.deepEqual([...bench.answers].map(([name, { generation }]) => [name, generation]).sort(), [['a', 2], ['b', 2]]);
});

test('closed: the worker ends, and whoever waits is told', async () => {
  const bench = new Bench();
  await bench.load();
  await bench.ask(names(4));
  const display = bench.scorer.display(0.5, new Float64Array(1));
  bench.scorer.close();
  await assert.rejects(display, { name: 'AbortError' });
  await settled();
  assert.deepEqual([...bench.answers.values()].map(({ name }) => name), Array(4).fill('AbortError'));
  assert.ok(workers.every(({ ended }) => ended));
  await assert.rejects(bench.scorer.loadModel({}));
});

test('a model file that cannot be read: the caller is told, and the one before goes on', async () => {
  const bench = new Bench();
  await bench.load();
  const loading = bench.scorer.loadModel({});
  bench.worker.say({ type: 'load-failed', id: bench.worker.of('load').at(-1).id, reason: 'no model' });
  await assert.rejects(loading, { message: 'no model' });
  await bench.ask(['a']);
  await bench.answer();
  assert.equal(bench.answers.get('a').generation, 1);
});

test('many pictures in one turn are told of once', async () => {
  const bench = new Bench();
  await bench.ask(names(100));
  assert.equal(bench.count('queue'), 1);
});
