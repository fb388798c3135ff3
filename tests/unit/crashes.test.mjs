// Held: what becomes of the pictures, the model and the calls in progress when a worker stops.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, MODEL, names, settled, workers } from './scorer.mjs';

/** A worker that has a model and takes `size` pictures at a time. */
async function warm(options) {
  const bench = new Bench();
  await bench.load(options);
  await bench.ask(names(64));
  while (bench.open().length > 0) await bench.answer({ perPicture: 1, device: options?.device });
  bench.answers.clear();
  return bench;
}

test('another worker is started on the CPU, with the model that was in use before anything else', async () => {
  const bench = await warm();
  await bench.ask(['a', 'b']);
  await bench.die();
  assert.equal(workers.length, 2);
  assert.ok(workers[0].ended);
  assert.deepEqual(bench.worker.told.map(({ type }) => type), ['open', 'load']);
  assert.equal(bench.worker.told[0].device, 'cpu');
  assert.equal(bench.worker.told[1].model, MODEL);
  assert.deepEqual(bench.batches, [], 'no picture before the model');
  bench.loaded();
  await settled();
  assert.deepEqual(bench.batches, [['a']]);
  assert.equal(bench.count('loaded'), 1, 'the same model, loaded again, is no news');
  assert.equal(bench.count('restart'), 1);
});

test('after a lost device nobody is suspected: everything is sent again, together', async () => {
  const bench = await warm({ device: 'webgpu' });
  await bench.ask(names(40, 100));
  await bench.die('device-lost');
  bench.loaded();
  await settled();
  await bench.die('device-lost');
  bench.loaded();
  await settled();
  assert.equal(bench.batches.length, 2, 'two on their way');
  while (bench.open().length > 0) await bench.answer();
  assert.deepEqual([...bench.answers.keys()], names(40, 100), 'in the order of asking');
  assert.ok([...bench.answers.values()].every(({ result, device }) => 'score' in result && device === 'cpu'));
});

test('a picture that was in the worker goes alone, with nothing else on its way, until it is answered', async () => {
  const bench = await warm();
  await bench.ask(['a', 'b', 'c']);
  await bench.ask(['d']);
  await bench.ask(['e', 'f', 'g']);
  assert.deepEqual(bench.batches, [['a', 'b', 'c'], ['d']], 'the others were not there');
  await bench.die();
  bench.loaded();
  await settled();
  const order = [];
  while (bench.open().length > 0) {
    const now = bench.batches;
    if (now.flat().some((name) => 'abcd'.includes(name))) assert.deepEqual([now.length, now[0].length], [1, 1], 'alone');
    order.push(...now[0]);
    await bench.answer();
  }
  assert.deepEqual(order, ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  assert.equal(bench.scorer.pending, 0);
});

test('the picture that stops the worker is given up after three times; all others are scored', async () => {
  const bench = await warm();
  await bench.ask(['a', 'bad', 'c', ...names(30, 100)]);
  let deaths = 0;
  for (let turn = 0; bench.scorer.pending > 0 && turn < 200; turn++) {
    if (bench.batches[0].includes('bad')) {
      deaths++;
      await bench.die('panic', 'unreachable');
      bench.loaded();
      await settled();
    } else {
      await bench.answer();
    }
  }
  assert.equal(deaths, 3);
  assert.match(bench.answers.get('bad').result.error, /unreachable/);
  for (const [name, { result }] of bench.answers) assert.equal('score' in result, name !== 'bad', name);
  assert.equal(bench.answers.size, 33);
  assert.equal(bench.count('failed'), 0);
});

/** Answers until nothing is left; a picture that begins with "bad" stops the worker. Gives those that were given up. */
async function givenUp(pictures) {
  const bench = await warm();
  await bench.ask(pictures);
  for (let turn = 0; bench.scorer.pending > 0 && turn < 200; turn++) {
    if (bench.batches[0].some((name) => name.startsWith('bad'))) {
      await bench.die();
      bench.loaded();
      await settled();
    } else {
      await bench.answer();
    }
  }
  assert.equal(bench.count('failed'), 0);
  assert.equal(bench.answers.size, pictures.length);
  return [...bench.answers].filter(([, { result }]) => 'error' in result).map(([name]) => name).sort();
}

test('two bad pictures: each is given up by itself', async () => {
  assert.deepEqual(await givenUp(['bad1', 'a', 'bad2', 'b']), ['bad1', 'bad2']);
});

test('bad pictures in a row do not end the model', async () => {
  assert.deepEqual(await givenUp(['bad1', 'bad2', 'bad3', 'a']), ['bad1', 'bad2', 'bad3']);
});

test('when the model is given up, what is still queued is answered with the reason', async () => {
  const bench = await warm();
  await bench.ask(names(90, 200));
  while (bench.count('failed') === 0) await bench.die('device-lost', 'gone');
  await settled();
  assert.equal(bench.scorer.pending, 0);
  assert.equal(bench.answers.size, 90);
  for (const { result } of bench.answers.values()) assert.match(result.error, /gone/);
  await bench.ask(['later']);
  await settled();
  assert.match(bench.answers.get('later').result.error, /gone/, 'and so is what comes afterwards');
});

test('a panic on WebGPU is no proof against a picture', async () => {
  const bench = await warm({ device: 'webgpu' });
  await bench.ask(['a', 'b']);
  await bench.die('panic');
  bench.loaded();
  await settled();
  await bench.die('panic');
  bench.loaded();
  await settled();
  await bench.die('panic'); // the second on the CPU
  bench.loaded();
  await settled();
  while (bench.open().length > 0) await bench.answer();
  assert.ok('score' in bench.answers.get('a').result);
});

test('a worker that stops without ever answering is not started for ever', async () => {
  const bench = await warm();
  let deaths = 0;
  while (bench.count('failed') === 0 && deaths < 20) {
    await bench.die();
    deaths++;
  }
  assert.equal(deaths, 5);
  assert.ok(workers.every(({ ended }) => ended));
  await assert.rejects(bench.scorer.loadModel({}));
});

test('an answer between two deaths lets it go on', async () => {
  const bench = await warm();
  for (let i = 0; i < 12; i++) {
    await bench.die('device-lost');
    bench.loaded();
    await bench.ask([`p${i}`]);
    await bench.answer();
  }
  assert.equal(bench.count('failed'), 0);
});

test('calls in progress are made again by the new worker, and answered once', async () => {
  const bench = await warm();
  const display = bench.scorer.display(0.5, Float64Array.of(1));
  const other = { size: 9 };
  const loading = bench.scorer.loadModel(other);
  const { id } = bench.worker.of('display')[0];
  await bench.die();
  const again = bench.worker.of('display');
  assert.deepEqual(again.map((message) => [message.id, message.threshold]), [[id, 0.5]]);
  assert.deepEqual(bench.worker.of('load').map(({ model }) => model), [MODEL, other], 'the one in use, then the one asked for');
  const values = Float64Array.of(0.25);
  bench.worker.say({ type: 'displayed', id, values });
  assert.equal(await display, values);
  for (const { id: load } of bench.worker.of('load')) {
    bench.worker.say({ type: 'loaded', id: load, info: { threshold: null }, build: {}, device: 'cpu', reason: '' });
    await settled();
  }
  assert.equal((await loading).generation, 2);
  assert.equal(bench.count('loaded'), 2);
});

test('a model that cannot be loaded again ends it, with a word', async () => {
  const bench = await warm();
  await bench.ask(['a']);
  await bench.die();
  bench.worker.say({ type: 'load-failed', id: bench.worker.of('load')[0].id, reason: 'no room' });
  await settled();
  assert.match(bench.told.find(([type]) => type === 'failed')[1], /no room/);
});

test('what a worker that was given up still says is not heard', async () => {
  const bench = await warm();
  await bench.ask(['a']);
  const [old] = workers;
  const { id, items: [{ key }] } = bench.open()[0];
  await bench.die();
  old.say({ type: 'scored', id, device: 'cpu', elapsedMs: 1, results: [{ key, result: { score: 1 } }] });
  old.say({ type: 'fatal', cause: 'panic', reason: 'again' });
  old.say({ type: 'device', device: 'webgpu', reason: '' });
  await settled();
  assert.deepEqual([bench.answers.size, workers.length], [0, 2]);
  assert.ok(!bench.told.some(([type, detail]) => type === 'device' && detail.device === 'webgpu'));
});

test('an error of the worker itself: before a model it cannot start, afterwards it is started again', async () => {
  const bench = new Bench();
  const event = { message: 'Unexpected token', preventDefault() {} };
  bench.worker.onerror(event);
  assert.deepEqual([bench.count('failed'), workers.length], [1, 1]);
  const later = await warm();
  later.worker.onerror(event);
  assert.deepEqual([later.count('failed'), later.count('restart'), workers.length], [0, 1, 2]);
});

test('a latent optimisation that ends with its worker is said to be over', async () => {
  const bench = new Bench();
  await bench.load({ latentSteps: 100 });
  await bench.ask(['a']);
  bench.worker.say({ type: 'optimising', id: bench.open()[0].id, step: 1, steps: 100, pictures: 1 });
  await bench.die();
  assert.equal(bench.told.filter(([type]) => type === 'optimisation').at(-1)[1], null);
});
