// How soon the page answers while it trains. Times depend on what else runs on the machine: a file of its own, so that
// it can be run again by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, startServer } from './harness.mjs';
import { TRACE, mainThreadTasks, sampleFiles, waitText, withPage } from './drive.mjs';
import { TINY, openSession, prepare, start, trainFiles, waitStep as waitSessionStep, waitTold } from './train.mjs';

let server;
let browser;
before(async () => {
  server = await startServer();
  browser = await launch({ webgpu: false });
});
after(async () => {
  await browser?.close();
  await server?.close();
});
const onPage = (options, run) => (t) => withPage(browser, server.url, options, (page) => run(page, t));

const waitTraining = (page, wanted, timeout = 120_000) =>
  page.waitForFunction((one) => document.documentElement.dataset.training === one, wanted, { timeout, polling: 20 });
const stepOf = (page) => page.evaluate(() => Number(document.documentElement.dataset.step));
const waitStep = (page, step) =>
  page.waitForFunction((n) => Number(document.documentElement.dataset.step) >= n, step, { timeout: 120_000, polling: 20 });

/** Milliseconds from a press of the pause button to the state. */
const pause = (page) => page.evaluate(async () => {
  const began = performance.now();
  const paused = new Promise((resolve) => {
    const watch = new MutationObserver(() => {
      if (document.documentElement.dataset.training !== 'paused') return;
      watch.disconnect();
      resolve(performance.now() - began);
    });
    watch.observe(document.documentElement, { attributes: true, attributeFilter: ['data-training'] });
  });
  document.querySelector('#train-pause').click();
  return paused;
});

test('the bundled folder: a pause comes within 200 ms, and the main thread is free while it trains', onPage({
  query: '?device=cpu&preset=memory&size=32&channels=1&width=8&batch=32&steps=2000&seed=0&name=Bundled', viewport: { width: 1280, height: 900 },
}, async (page, t) => {
  await page.waitForSelector('#set-width');
  await page.click('#train-bundled');
  await waitText(page, '#plan-words', /2000 steps/, 120_000);
  await page.click('#train-start');
  await waitTraining(page, 'running');
  await waitStep(page, 3);
  const pauses = [];
  for (let i = 0; i < 5; i++) {
    pauses.push(Math.round(await pause(page)));
    await page.click('#train-pause');
    await waitTraining(page, 'running');
    await waitStep(page, (await stepOf(page)) + 2);
  }
  t.diagnostic(`pauses took ${pauses} ms`);
  assert.ok(Math.min(...pauses) <= 200, `a pause takes ${pauses} ms`);

  const step = await stepOf(page);
  await browser.startTracing(page, TRACE);
  await page.locator('#train-pause').scrollIntoViewIfNeeded();
  await waitStep(page, step + 40);
  await page.locator('.charts').scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelectorAll('.charts canvas').length === 3);
  await waitStep(page, step + 80);
  const tasks = mainThreadTasks(await browser.stopTracing());
  const [longest] = tasks;
  t.diagnostic(`80 steps: ${tasks.length} main-thread tasks, the longest ran ${longest.ran.toFixed(1)} ms (lasted ${longest.lasted.toFixed(1)})`);
  assert.ok(tasks.length > 100, 'the trace has the tasks of the page');
  // A task also lasts as long as it waits for a processor, which other programs may keep busy. So what counts is how
  // long it ran; 25 ms are 50 with a processor shared by two.
  assert.ok(longest.ran <= 25, `the main thread was held up for ${longest.ran} ms`);
}));

/** Milliseconds from the call of `pause` to the state, on the session alone. */
const pauseSession = (page) => page.evaluate(() => new Promise((resolve) => {
  const began = performance.now();
  const listen = ({ detail }) => {
    if (detail.state !== 'paused') return;
    window.session.removeEventListener('state', listen);
    resolve(performance.now() - began);
  };
  window.session.addEventListener('state', listen);
  window.session.pause();
}));

/** Steps that take a while. */
const SLOW = (ms) => `{
  const step = Training.prototype.step;
  Training.prototype.step = function (update) {
    const until = performance.now() + ${ms};
    while (performance.now() < until);
    return step.call(this, update);
  };
}`;

test('a pause comes within 200 ms where steps take 30', onPage({ query: '?device=cpu', module: SLOW(30) }, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  await start(page, { ...TINY, steps: 1000 });
  for (const step of [5, 12, 20]) {
    await waitSessionStep(page, step);
    const ms = await pauseSession(page);
    assert.ok(ms < 200, `paused after ${ms} ms`);
    await page.evaluate(() => window.session.go());
  }
}));

test('a pause comes within 200 ms, whatever a preview takes', onPage({ query: '?device=cpu', module: `{
  const preview = Training.prototype.preview;
  Training.prototype.preview = async function (...args) {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return preview.apply(this, args);
  };
}` }, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  await start(page, { ...TINY, steps: 60 });
  await waitTold(page, 'state', { state: 'running' });
  const ms = await pauseSession(page);
  assert.ok(ms < 200, `paused after ${ms} ms`);
}));

test('a run of three seconds takes less than five', onPage({ query: '?device=cpu', module: SLOW(20) }, async (page) => {
  await openSession(page);
  await prepare(page, trainFiles(40));
  await start(page, TINY, { minutes: 0.05 });
  const { elapsedMs } = await waitTold(page, 'finished');
  assert.ok(elapsedMs >= 3000 && elapsedMs < 5000, `${elapsedMs} ms`);
}));

/** Previews and the calibration search: a hundred steps of 100 ms each. */
const SEARCHING = `{
  const search = async (onSearch) => {
    for (let step = 1; step <= 100; step++) {
      await new Promise((done) => setTimeout(done, 100));
      if (onSearch(step, 100) === false) throw Object.assign(new Error('the search was stopped'), { name: 'Stopped' });
    }
  };
  const { preview, finish } = Training.prototype;
  Training.prototype.preview = async function (shown, onSearch) { await search(onSearch); return preview.call(this, shown); };
  Training.prototype.finish = async function (onProgress, onSearch) { await search(onSearch); return finish.call(this, onProgress); };
}`;

test('searches of ten seconds: a run is closed within eight, and stopped without waiting for two', onPage({
  query: '?device=cpu&size=32&channels=1&width=2&batch=4&seed=3&steps=4', module: SEARCHING,
}, async (page) => {
  await page.setInputFiles('#train-files', sampleFiles(20));
  for (const button of ['#train-discard', '#train-stop']) {
    await page.click('#train-start');
    await waitText(page, '#train-count', /^Reconstructing held-out images, optimising latent codes: step [1-9] of 100/);
    const pressed = Date.now();
    await page.click(button);
    if (button === '#train-discard') {
      await waitTraining(page, 'idle', 8_000);
      continue;
    }
    // The end's own preview begins, which is one search and not two.
    await waitText(page, '#train-count', /^Calibrating the model, optimising latent codes/, 20_000);
    assert.ok(Date.now() - pressed < 18_000, `calibrating after ${Date.now() - pressed} ms`);
    await page.click('#train-discard');
    await waitTraining(page, 'idle', 8_000);
  }
}));
