// Training on the page, in Chromium, on the CPU: pictures and settings in, a model out, and everything between.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { addressOf, launch, outputDir, root, startServer } from './harness.mjs';
import { downloaded, giveFiles, open, sampleFiles, tabTo, waitReady, waitRows, waitStill, waitText, withPage } from './drive.mjs';

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
const onPage = (options, run) => () => withPage(browser, server.url, options, run);

/** Settings that train in a moment. */
const SMALL = '?device=cpu&size=32&channels=1&width=2&batch=4&seed=3';

const state = (page) => page.evaluate(() => ({ training: document.documentElement.dataset.training, step: Number(document.documentElement.dataset.step) }));

/** Waits for a state of the training; says what the page shows where it does not come. */
async function waitTraining(page, wanted, timeout = 120_000) {
  try {
    await page.waitForFunction((one) => document.documentElement.dataset.training === one, wanted, { timeout, polling: 20 });
  } catch {
    const status = await page.textContent('#train-status');
    const problems = await page.textContent('#train-problems').catch(() => '');
    throw new Error(`expected the training to be ${wanted}, it is ${JSON.stringify(await state(page))}: ${status} ${problems}`);
  }
}
const waitStep = (page, step) =>
  page.waitForFunction((n) => Number(document.documentElement.dataset.step) >= n, step, { timeout: 120_000, polling: 20 });
const value = (page, selector) => page.inputValue(selector);

/** The names of the tensors in a safetensors file, and what it says of itself. */
function safetensors(bytes) {
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0))));
  return { names: Object.keys(header), about: JSON.parse(header.__metadata__['skip-ganomaly']) };
}

// --- Before a run

test('the address fills the form; what is wrong in it is said beside its field', async () => {
  await withPage(browser, server.url, { query: '?size=64&channels=3&width=12&batch=16&steps=33&seed=5&learning-rate=0.001&preset=paper&name=A%20run&device=cpu' }, async (page) => {
    await page.waitForSelector('#set-width');
    assert.equal(await value(page, '#set-size'), '64');
    assert.equal(await value(page, '#set-channels'), '3');
    assert.equal(await value(page, '#set-width'), '12');
    assert.equal(await value(page, '#set-batch'), '16');
    assert.equal(await value(page, '#set-length'), 'steps');
    assert.equal(await value(page, '#set-steps'), '33');
    assert.equal(await value(page, '#set-seed'), '5');
    assert.equal(await value(page, '#set-learning-rate'), '0.001');
    assert.equal(await value(page, '#set-preset'), 'paper');
    assert.equal(await value(page, '#set-name'), 'A run');
    assert.equal(await value(page, '#set-device'), 'cpu');
    assert.equal((await state(page)).training, 'idle');
  });
  await withPage(browser, server.url, { query: '?size=33&width=abc&batch=1&method=pca&colour=red&device=cpu' }, async (page) => {
    await page.waitForSelector('#set-width');
    assert.match(await page.textContent('#set-size-error'), /33/);
    assert.match(await page.textContent('#set-width-error'), /abc/);
    assert.match(await page.textContent('#set-batch-error'), /at least 2/);
    assert.match(await page.textContent('#set-method-error'), /pca.*Expected one of skip-ganomaly, repair, ganomaly/, 'there is nothing to train in PCA');
    assert.equal(await page.getAttribute('#set-batch', 'aria-invalid'), 'true');
    assert.match(await page.textContent('#train-problems'), /colour/);
  });
});

test('without an address, only what is used is loaded; a start without pictures asks for them', async () => {
  const asked = [];
  const counting = await startServer({ onRequest: (path) => asked.push(path) });
  try {
    await withPage(browser, counting.url, { query: '?device=cpu' }, async (page) => {
      assert.deepEqual(asked.filter((path) => /training|vendor|solar-ir\.json/.test(path)), [], 'nothing of training comes with the first load');
      assert.deepEqual(await state(page), { training: 'idle', step: 0 });
      await page.click('#train-start');
      await waitText(page, '#train-status', /Choose normal images first/);
      assert.equal(await page.evaluate(() => document.activeElement.id), 'train-files');
      assert.ok(!asked.some((path) => path.includes('uplot.js')), 'the curves come with a run');
    });
  } finally {
    await counting.close();
  }
});

test('pictures chosen and a start pressed before the page has its parts: the run goes through', onPage({ ready: false }, async (page) => {
  await page.setInputFiles('#train-files', sampleFiles(24));
  await page.click('#train-start');
  await waitTraining(page, 'done');
  assert.match(await page.textContent('#train-said'), /24 normal images/);
  assert.ok((await state(page)).step > 0);
  await waitReady(page);
}));

test('a bad setting is refused beside its field, before a run begins', onPage({ query: SMALL }, async (page) => {
  await page.setInputFiles('#train-files', sampleFiles(20));
  await waitText(page, '#train-plan', /step/);
  await page.fill('#set-batch', '1');
  await page.press('#set-batch', 'Tab');
  assert.match(await page.textContent('#set-batch-error'), /at least 2/);
  await page.click('#train-start');
  await waitText(page, '#train-status', /Correct the marked setting/);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'set-batch');
  assert.equal((await state(page)).training, 'idle');
}));

test('what does not fit is refused with what would, and that is taken at a press', onPage({ query: `${SMALL}&batch=64` }, async (page) => {
  await page.setInputFiles('#train-files', sampleFiles(20));
  await waitText(page, '#plan-would', /batch 16/);
  assert.match(await page.textContent('#plan-words'), /fewer than a batch of 64/);
  await page.click('#train-start');
  await waitText(page, '#train-status', /do not fit/);
  assert.equal((await state(page)).training, 'idle');
  await page.click('#plan-would');
  assert.equal(await value(page, '#set-batch'), '16');
  await waitText(page, '#plan-words', /\d+ steps? of/);
}));

test('files dropped on the section train, files dropped elsewhere are scored', onPage({ query: SMALL }, async (page) => {
  const broken = { name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') };
  const notes = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') };
  await giveFiles(page, 'drop', [...sampleFiles(20), broken, notes], '#train');
  await waitText(page, '#train-said', /20 normal images/);
  const said = await page.textContent('#train-said');
  assert.match(said, /about 18 to train on, 2 held out/);
  assert.match(said, /No labelled test images/);
  assert.match(said, /1 file could not be read/);
  assert.match(said, /broken\.png: ./, 'which one was skipped, and why');
  assert.match(said, /1 file ignored/);
  assert.equal(await page.locator('#results tbody tr').count(), 0, 'nothing was scored');
  await giveFiles(page, 'drop', sampleFiles(2));
  await waitRows(page, 2);
}));

test('the camera gives as many frames as asked for', async () => {
  const withCamera = await launch({ webgpu: false, args: ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'] });
  try {
    await withPage(withCamera, server.url, { query: SMALL }, async (page) => {
      await page.waitForSelector('#set-width');
      await page.click('#train-camera');
      await page.waitForFunction(() => document.querySelector('#train-camera-dialog video').videoWidth > 0);
      await page.fill('#train-frames', '20');
      const track = await page.evaluateHandle(() => document.querySelector('#train-camera-dialog video').srcObject.getTracks()[0]);
      await page.click('#train-capture');
      await waitText(page, '#train-said', /20 normal images/, 120_000);
      assert.ok(await page.isHidden('#train-camera-dialog'));
      await page.waitForFunction((one) => one.readyState === 'ended', track);
    });
  } finally {
    await withCamera.close();
  }
});

// --- A run

/** Presses the pause button and waits until the run is paused and its checkpoint stored; gives what the button said at once. */
async function pause(page) {
  const said = await page.evaluate(() => {
    const button = document.querySelector('#train-pause');
    button.click();
    return button.textContent;
  });
  await waitTraining(page, 'paused');
  await waitStored(page);
  return said;
}

/** Waits until the checkpoint of the step that the page shows is stored: a pause stores one. */
const waitStored = (page) => page.waitForFunction(async () => {
  const { listRuns } = await import('./lib/training/store.js');
  const [run] = await listRuns();
  return run?.step === Number(document.documentElement.dataset.step);
});

test('the bundled folder: plan, run, pause, steps, curves, stop, and the page scores with the model', onPage({
  query: '?device=cpu&preset=memory&size=32&channels=1&width=8&batch=32&steps=2000&seed=0&name=Bundled', viewport: { width: 1280, height: 900 },
}, async (page) => {
  await page.waitForSelector('#set-width');
  await page.click('#train-bundled');
  await waitText(page, '#train-said', /500 normal images: about 450 to train on, 50 held out/, 120_000);
  const said = await page.textContent('#train-said');
  assert.match(said, /paper/i, 'the layout is named');
  assert.match(said, /50 normal and 50 abnormal labelled images: for information only; no choice is based on them/);
  await waitText(page, '#plan-words', /^About .*: 2000 steps of [\d.]+ ms\. About [\d.]+ MB of memory\.$/, 120_000);
  assert.match(await page.textContent('#train-plan'), /networks.*optimisers.*activations.*images.*total.*limit/s);

  await page.click('#train-start');
  await waitTraining(page, 'running');
  assert.match(page.url(), /steps=2000.*#train$/, 'the run is in the address');
  await waitStep(page, 3);

  for (let i = 0; i < 3; i++) {
    assert.match(await pause(page), /Pausing/, 'the button says at once that it was pressed');
    assert.equal(await page.textContent('#train-pause'), 'Continue');
    await page.click('#train-pause');
    await waitTraining(page, 'running');
    await waitStep(page, (await state(page)).step + 2);
  }
  await pause(page);
  const { step } = await state(page);
  await page.evaluate(() => {
    window.updates = [];
    const send = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
      if (message.type === 'step') window.updates.push(message.update);
      return send.call(this, message, ...rest);
    };
  });
  for (const [i, id] of ['#train-step', '#train-step-g', '#train-step-d'].entries()) {
    await page.click(id);
    await waitStep(page, step + i + 1);
    // The worker gives the checkpoint after all that was asked for before.
    await downloaded(page, '#download-checkpoint');
    assert.deepEqual(await state(page), { training: 'paused', step: step + i + 1 }, `${id} takes one step and waits`);
  }
  assert.deepEqual(await page.evaluate(() => window.updates), ['both', 'generator', 'discriminator']);

  await page.click('#train-pause');
  await waitTraining(page, 'running');
  await waitStep(page, step + 40);
  // Drawn, in view: canvas, legend with numbers, preview pictures, table.
  await page.locator('.charts').scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelectorAll('.charts canvas').length === 3);
  await page.waitForFunction(() => /\d/.test(document.querySelector('.charts .legend .value').textContent));
  await waitStep(page, step + 60);
  assert.deepEqual(await page.$$eval('.charts figure', (figures) => figures.length), 4);
  const charts = await page.locator('.charts').ariaSnapshot();
  for (const name of ['Losses', "D's estimate that an image is real", 'Residual of held-out images', 'Scores of held-out images']) {
    assert.ok(charts.includes(`figure "${name}"`), `a chart is called ${name}: ${charts}`);
  }
  await page.click('.charts .data-table >> nth=0 >> summary');
  await page.waitForFunction(() => document.querySelectorAll('.charts .data-table tbody tr').length >= 50);
  const first = await page.$$eval('.charts .data-table:first-of-type tbody tr:first-child > *', (cells) => cells.map((cell) => cell.textContent));
  assert.equal(first[0], '1');
  assert.equal(first.length, 6);
  assert.ok(first.slice(1).every((text) => Number.isFinite(Number(text))), `losses as numbers: ${first}`);
  await page.waitForFunction(() => document.querySelectorAll('.previews img').length === 8 * 4);
  assert.ok(await page.$eval('.previews img', async (image) => (await image.decode(), image.naturalWidth === 32)));
  assert.match(await page.textContent('.charts'), /held out \(50\).*labelled normal \(50\).*labelled abnormal \(50\)/s);
  assert.match(await page.textContent('.charts'), /AUROC of the labelled images: 0\.\d+\. For information only; no choice is based on it\./);
  assert.match(await page.textContent('#train-command'), /^skip-ganomaly train --data www\/samples\/solar-ir .*--steps 2000/);

  const checkpoint = await downloaded(page, '#download-checkpoint');
  const inside = safetensors(checkpoint.bytes);
  assert.ok(inside.names.some((name) => /moment|adam/i.test(name)), 'a checkpoint has the moments of Adam');

  await page.click('#train-stop');
  await waitTraining(page, 'done');
  const end = (await state(page)).step;
  assert.ok(end < 2000 && end > step, `stopped at step ${end}`);
  await waitText(page, '#train-status', /^Done after \d+ steps/);
  assert.match(await page.textContent('#model-said'), /^bundled\.safetensors: skip-ganomaly/i);
  const model = await downloaded(page, '#download-model');
  assert.equal(model.name, 'bundled.safetensors');
  const { about, names } = safetensors(model.bytes);
  assert.equal(about.architecture.size, 32);
  assert.ok(!names.some((name) => /moment|adam/i.test(name)), 'a model has no moments');

  await page.setInputFiles('#files', sampleFiles(3));
  const rows = await waitRows(page, 3);
  const threshold = await page.inputValue('#threshold-number');
  assert.ok(Math.abs(Number(threshold) - about.calibration.threshold) < 1e-4 * about.calibration.threshold, 'the threshold is the new model\'s');
  for (const row of rows) assert.ok(Number(row.score) > 0, `${row.name} has a score`);
}));

test('a checkpoint file resumes, on the images that it was trained on and on no others', onPage({ query: `${SMALL}&steps=20` }, async (page) => {
  await page.setInputFiles('#train-files', sampleFiles(20));
  for (let step = 1; step <= 3; step++) {
    await page.click('#train-step');
    await waitStep(page, step);
    await waitTraining(page, 'paused');
  }
  const { name, bytes } = await downloaded(page, '#download-checkpoint');
  const file = { name, mimeType: 'application/octet-stream', buffer: bytes };

  await page.goto(addressOf(`${server.url}?device=cpu`));
  await waitReady(page);
  await page.setInputFiles('#train-checkpoint', file);
  await waitText(page, '#train-status', /choose the images that the checkpoint was trained on/);
  await page.setInputFiles('#train-files', sampleFiles(20));
  await waitTraining(page, 'done');
  assert.equal((await state(page)).step, 20, 'it ends where the run was to end');
  await page.locator('.charts').scrollIntoViewIfNeeded();
  await page.click('.charts .data-table >> nth=0 >> summary');
  await page.waitForFunction(() => document.querySelector('.charts .data-table').querySelectorAll('tbody tr').length === 20);
  assert.match(await page.textContent('#train-command'), /--width 2 .*--steps 20 .*--batch 4/, 'its settings are those of the file');

  await page.goto(addressOf(`${server.url}?device=cpu`));
  await waitReady(page);
  await page.setInputFiles('#train-files', sampleFiles(21));
  await waitText(page, '#train-said', /21 normal images/);
  await page.setInputFiles('#train-checkpoint', file);
  await page.waitForFunction(() => /other|picture|image/i.test(document.querySelector('#train-problems').textContent));
  assert.equal((await state(page)).training, 'idle');
}));

test('a run whose length is given in minutes is named by them', onPage({ query: `${SMALL}&minutes=0.01` }, async (page) => {
  await page.setInputFiles('#train-files', sampleFiles(20));
  await page.click('#train-start');
  await waitTraining(page, 'done');
  assert.match(await value(page, '.runs input[type="text"]'), /^repair, 32 px, width 2, batch 4, 0\.01 minutes$/);
}));

test('a first step alone, before the run: it waits after it', onPage({ query: `${SMALL}&steps=6` }, async (page) => {
  await page.setInputFiles('#train-files', sampleFiles(20));
  await page.click('#train-step');
  await waitStep(page, 1);
  await waitTraining(page, 'paused');
  assert.deepEqual(await state(page), { training: 'paused', step: 1 });
  await page.click('#train-pause');
  await waitTraining(page, 'done');
  assert.equal((await state(page)).step, 6);
}));

// --- Kept in the browser

test('a tab closed while it trains: the next visit offers to resume, goes on, and can clear all', async () => {
  const page = await open(browser, server.url, { query: `${SMALL}&steps=100000&name=Long` });
  const context = page.context();
  try {
    await page.setInputFiles('#train-files', sampleFiles(24));
    await page.click('#train-start');
    await waitStep(page, 12);
    await pause(page);
    await page.waitForSelector('#train-stored', { state: 'attached' });
    const { step } = await state(page);
    await page.close();

    const second = await context.newPage();
    await second.goto(addressOf(`${server.url}?device=cpu`));
    await waitText(second, '#notices', /"Long" was left at step/);
    const offer = await second.textContent('#train-stored li');
    assert.match(offer, new RegExp(`Long.*unfinished.*Step ${step} of 100,000.*[kM]B.*20\\d\\d`, 's'));
    await second.getByRole('button', { name: 'Resume Long' }).click();
    await second.waitForFunction(() => !document.querySelector('#notices').textContent.includes('Long'), undefined); // the offer is taken
    await waitTraining(second, 'running');
    await waitStep(second, step + 3);
    await second.locator('.charts').scrollIntoViewIfNeeded();
    await second.click('.charts .data-table >> nth=0 >> summary');
    await second.waitForFunction(() => document.querySelector('.charts .data-table tbody tr th')?.textContent === '1');
    await pause(second);
    await second.click('#train-discard');
    await waitTraining(second, 'idle');
    await second.waitForSelector('#train-stored li');
    await second.click('#train-clear');
    await second.waitForFunction(() => document.querySelectorAll('#train-stored li').length === 0);
    const left = await second.evaluate(async () => {
      const { listRuns, storedSizes } = await import('./lib/training/store.js');
      return { runs: (await listRuns()).length, bytes: (await storedSizes()).bytes, mark: localStorage.getItem('training') };
    });
    assert.deepEqual(left, { runs: 0, bytes: 0, mark: null });
  } finally {
    await context.close();
  }
});

test('discard removes the one run that is offered', async () => {
  const page = await open(browser, server.url, { query: `${SMALL}&steps=100000&name=Thrown` });
  const context = page.context();
  try {
    await page.setInputFiles('#train-files', sampleFiles(20));
    await page.click('#train-start');
    await waitStep(page, 2);
    await page.waitForFunction(() => localStorage.getItem('training') !== null);
    await page.close();
    const second = await context.newPage();
    await second.goto(addressOf(`${server.url}?device=cpu`));
    await second.getByRole('button', { name: 'Discard Thrown' }).click();
    await second.waitForFunction(() => document.querySelectorAll('#train-stored li').length === 0);
    assert.equal(await second.evaluate(() => localStorage.getItem('training')), null);
  } finally {
    await context.close();
  }
});

/** A visit, and what the page does when the server is gone. @param visit what happens before @param offline after */
async function withoutServer(visit, offline) {
  const own = await startServer();
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(addressOf(`${own.url}?device=cpu`));
    await page.waitForFunction(() => document.documentElement.dataset.offline === 'ready', undefined, { timeout: 120_000 });
    await visit(page, own.url);
    await own.close();
    await offline(page, own.url);
  } finally {
    await context.close();
    await own.close().catch(() => {});
  }
}

test('offline, after one visit that never came near the training: it trains', () =>
  withoutServer(async () => {}, async (page, url) => {
    await page.goto(addressOf(`${url}${SMALL}&steps=5`));
    await waitReady(page);
    await page.setInputFiles('#train-files', sampleFiles(20));
    await page.click('#train-start');
    await waitTraining(page, 'done');
    assert.equal((await state(page)).step, 5);
    await page.locator('.charts').scrollIntoViewIfNeeded();
    await page.waitForSelector('.charts canvas');
    // The bundled pictures were never used here, so there is nothing to take them from.
    await page.click('#train-bundled');
    await waitText(page, '#train-problems', /could not be (read|fetched)|can be read/, 120_000);
  }));

test('offline: the bundled pictures train once they were used', () =>
  withoutServer(async (page, url) => {
    await page.goto(addressOf(`${url}${SMALL}&steps=3`));
    await waitReady(page);
    await page.click('#train-bundled');
    await waitText(page, '#train-said', /500 normal images/, 120_000);
  }, async (page, url) => {
    await page.goto(addressOf(`${url}${SMALL}&steps=4`));
    await waitReady(page);
    await page.click('#train-bundled');
    await page.click('#train-start');
    await waitTraining(page, 'done');
    assert.equal((await state(page)).step, 4);
    assert.match(await page.textContent('#train-said'), /500 normal images/);
  }));

// --- Several runs

test('two runs: named, over each other, their settings side by side, as CSV, and as a link that repeats one', async () => {
  const page = await open(browser, server.url, { query: `${SMALL}&steps=5&name=First`, permissions: ['clipboard-read', 'clipboard-write'] });
  try {
    await page.setInputFiles('#train-files', sampleFiles(20));
    await page.click('#train-start');
    await waitTraining(page, 'done');
    await page.fill('#set-name', '=Second');
    await page.fill('#set-width', '3');
    await page.press('#set-width', 'Tab');
    await page.click('#train-start');
    await page.waitForFunction(() => document.querySelectorAll('.runs input[type="text"]').length === 2);
    await waitTraining(page, 'done');
    await page.waitForFunction(() => document.querySelector('#train-status').textContent.startsWith('Done'));

    await page.locator('#compare-measure').scrollIntoViewIfNeeded();
    await page.selectOption('#compare-measure', 'generator');
    const differ = page.getByRole('region', { name: 'Settings that differ' });
    assert.deepEqual(await differ.locator('tr').allTextContents(), ['SettingFirst=Second', 'width23']);
    const overlay = page.getByRole('figure', { name: 'Comparison of runs' });
    await overlay.locator('summary').click();
    await page.waitForFunction(() => [...document.querySelectorAll('figure')].find((one) => one.textContent.includes('Comparison of runs')).querySelectorAll('tbody tr').length === 5);
    const row = await overlay.locator('tbody tr').first().locator('td').allTextContents();
    assert.ok(row.length === 2 && row.every((text) => Number(text) > 0), `both curves have numbers: ${row}`);

    await page.fill('.runs li:nth-child(1) input[type="text"]', 'Renamed');
    await page.press('.runs li:nth-child(1) input[type="text"]', 'Tab');
    await page.waitForFunction(() => /Renamed/.test(document.querySelector('[aria-label="Settings that differ"]').textContent));

    const csv = (await downloaded(page, '#runs-csv')).bytes.toString().trim().split('\r\n');
    assert.equal(csv[0], 'run,step,adversarial,contextual,latent,structural,generator,marking,discriminator,real,fake,held_out_residual,auroc_information');
    const lines = csv.slice(1).map((line) => line.split(','));
    assert.equal(lines.filter(([run, step]) => run === 'Renamed' && Number(step) > 0).length, 5);
    assert.equal(lines.filter(([run, step]) => run === "'=Second" && Number(step) > 0).length, 5, 'no cell is a formula');
    assert.ok(lines.filter(([, step]) => step === '0').every((cells) => cells[2] === '' && Number(cells[11]) > 0), 'before the first step there is a residual and no loss');

    await page.click('.runs li:nth-child(2) .copy-link');
    const link = await page.evaluate(() => navigator.clipboard.readText());
    const query = new URL(link).searchParams;
    assert.equal(query.get('width'), '3');
    assert.equal(query.get('steps'), '5');
    await page.goto('about:blank');
    await page.goto(link);
    await page.waitForSelector('#set-width');
    assert.equal(await value(page, '#set-width'), '3');
    assert.equal(await value(page, '#set-name'), '=Second');
    assert.equal(await value(page, '#set-steps'), '5');
    // The same settings on the same pictures give the same losses.
    await page.setInputFiles('#train-files', sampleFiles(20));
    await page.click('#train-start');
    await waitTraining(page, 'done');
    const again = (await downloaded(page, '#runs-csv')).bytes.toString().trim().split('\r\n').slice(1).map((line) => line.split(','));
    const second = lines.filter(([run]) => run === "'=Second");
    assert.deepEqual(again.map((cells) => cells.slice(1, 9)), second.map((cells) => cells.slice(1, 9)));
    // Between the ends, the clock says which steps have a preview.
    const residuals = new Map(second.map((cells) => [cells[1], cells[9]]));
    const both = again.filter((cells) => cells[9] && residuals.get(cells[1]));
    assert.ok(both.length >= 2);
    for (const cells of both) assert.equal(cells[9], residuals.get(cells[1]), `residual after step ${cells[1]}`);
  } finally {
    await page.context().close();
  }
});

// --- For everybody

test('keyboard alone: pictures, a setting, start, pause, a step, resume, stop', onPage({ query: `${SMALL}&steps=100000` }, async (page) => {
  await page.waitForSelector('#set-width');
  await tabTo(page, '#train-files');
  await tabTo(page, '#train-bundled');
  await page.keyboard.press('Enter');
  await waitText(page, '#train-said', /500 normal images/, 120_000);
  await tabTo(page, '#set-width');
  await page.keyboard.press('ArrowUp');
  await tabTo(page, '#train-start');
  assert.equal(await value(page, '#set-width'), '3');
  await page.keyboard.press('Enter');
  await waitStep(page, 2);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'train-pause', 'the focus is not lost with the button');
  await page.keyboard.press('Space');
  await waitTraining(page, 'paused');
  await waitStored(page);
  const { step } = await state(page);
  await tabTo(page, '#train-step');
  await page.keyboard.press('Enter');
  await waitStep(page, step + 1);
  await tabTo(page, '#train-stop');
  await page.keyboard.press('Enter');
  await waitTraining(page, 'done');
  await tabTo(page, '.charts summary');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelectorAll('.charts .data-table[open] tbody tr').length > 2);
  await tabTo(page, '#download-model');
  assert.equal(await page.getAttribute('#train-status', 'role'), 'status');
  assert.equal(await page.getAttribute('#train-progress', 'role'), 'progressbar');
}));

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

for (const colorScheme of ['light', 'dark']) {
  test(`${colorScheme}: no serious finding in an accessibility scan, nothing sticks out at 320, 768 and 1440 px`, () =>
    withPage(browser, server.url, { colorScheme, query: `${SMALL}&steps=12&name=Shown`, viewport: { width: 1440, height: 900 } }, async (page) => {
      mkdirSync(outputDir, { recursive: true });
      const look = async (what) => {
        for (const width of [1440, 768, 320]) {
          await page.setViewportSize({ width, height: 900 });
          const sticksOut = (none) => {
            const out = [...document.querySelectorAll('#train *')]
              .filter((element) => !element.closest('.scroll, .visually-hidden') && element.getBoundingClientRect().right > innerWidth + 1);
            return none ? out.length === 0 : out.map((element) => element.outerHTML.slice(0, 80));
          };
          // The curves follow the width a little later.
          await page.waitForFunction(sticksOut, true).catch(() => {});
          assert.deepEqual(await page.evaluate(sticksOut, false), [], `${what} at ${width} px`);
          await waitStill(page, '#train, #train canvas');
          await page.locator('#train').screenshot({ path: join(outputDir, `training-${what}-${width}-${colorScheme}.png`) });
          await page.evaluate(axe);
          const { violations, passes } = await page.evaluate(() => window.axe.run('#train', { resultTypes: ['violations'] }));
          assert.ok(passes.length > 15, 'the scan ran');
          const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
          assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`), [], `${what} at ${width} px`);
        }
        await page.setViewportSize({ width: 1440, height: 900 });
      };
      await page.waitForSelector('#set-width');
      await look('empty');
      await page.click('#train-bundled');
      await waitText(page, '#train-plan', /step/, 120_000);
      await page.click('#train-form summary');
      await look('prepared');
      await page.click('#train-step');
      await waitStep(page, 1);
      await look('paused');
      await page.click('#train-pause');
      await waitTraining(page, 'done');
      await page.locator('.charts').scrollIntoViewIfNeeded();
      await page.click('.charts .data-table >> nth=0 >> summary');
      await look('done');
      // Charts that nobody sees must not keep the page as wide as it was.
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.locator('.charts').scrollIntoViewIfNeeded();
      await page.waitForFunction(() => (document.querySelector('.charts canvas')?.getBoundingClientRect().width ?? 0) > 400);
      await page.evaluate(() => scrollTo(0, 0));
      // Until the page knows that they are out of view.
      await page.evaluate(() => new Promise((resolve) => {
        new IntersectionObserver(([entry]) => !entry.isIntersecting && requestAnimationFrame(() => setTimeout(resolve)), { rootMargin: '100px' }).observe(document.querySelector('#train'));
      }));
      await page.setViewportSize({ width: 320, height: 900 });
      await page.waitForFunction(() => [...document.querySelectorAll('.charts canvas')].every((canvas) => canvas.getBoundingClientRect().right <= innerWidth));
    }));
}

const schema = JSON.parse(readFileSync(join(root, 'www/lib/training/schema.json'), 'utf8'));
for (const { name: method, in_steps, searches } of schema.methods) if (in_steps && method !== 'skip-ganomaly') test(`${method} trains with its own settings, and the page scores with it`, onPage({ query: `?device=cpu&method=${method}&size=32&channels=1&width=2&batch=4&steps=6${searches ? '&search-steps=20' : ''}` }, async (page) => {
  await page.waitForSelector('#set-method');
  assert.equal(await value(page, '#set-preset'), method === 'repair' ? 'repair' : 'paper');
  await page.setInputFiles('#train-files', sampleFiles(20));
  await page.click('#train-start');
  await waitTraining(page, 'done');
  await waitText(page, '#model-said', new RegExp(`: ${method},`));
  await page.setInputFiles('#files', sampleFiles(2, (i) => `scored-${i}.png`));
  for (const row of await waitRows(page, 2)) assert.ok(Number.isFinite(Number(row.score)) && row.verdict !== 'error', JSON.stringify(row));
}));

const withNetworks = schema.methods.filter(({ in_steps }) => in_steps).map(({ name }) => name);

test('the form offers every method with networks, and for each the settings that the program lets it have', onPage({ query: '?device=cpu&size=32' }, async (page) => {
  await page.waitForSelector('#set-method');
  assert.deepEqual(await page.$$eval('#set-method option', (options) => options.map(({ value }) => value)), withNetworks);
  // Of each setting another value than its default: the program refuses it where the method does not use it.
  const refusals = await page.evaluate(async ([settings, methods]) => {
    const module = await import(new URL('./pkg/cpu/skip_ganomaly.js', document.baseURI).href);
    await module.default();
    const refused = {};
    for (const method of methods) {
      refused[method] = settings.filter(({ field, kind, choices, default: plain, min = 0 }) => {
        if (['method', 'components'].includes(field)) return false;
        const other = kind === 'flag' ? !plain : choices ? choices.find((choice) => choice !== plain) : kind === 'integer' ? Math.max(min, 3) : 0.25;
        try {
          module.complete_settings({ preset: 'paper', size: 32, channels: 1, width: 2, method, [field]: other });
          return false;
        } catch (error) {
          if (!/left out/.test(error.message)) throw new Error(`${method}, ${field} ${other}: ${error.message}`);
          return true;
        }
      }).map(({ field }) => field);
    }
    return refused;
  }, [schema.settings, withNetworks]);
  assert.ok(refusals.egbad.includes('cut_skips'), JSON.stringify(refusals));
  await page.click('#train-form summary');
  for (const method of withNetworks) {
    await page.selectOption('#set-method', method);
    const hidden = await page.$$eval('#train-form .field[hidden] :is(input, select)', (inputs) => inputs.map(({ id }) => id.replace('set-', '').replaceAll('-', '_')));
    assert.deepEqual(hidden.filter((field) => field !== 'preset').sort(), refusals[method].sort(), method);
    assert.equal(hidden.includes('preset'), !['skip-ganomaly', 'repair'].includes(method), 'the others have only their published settings');
  }
}));

test('settings that belong to another method are left out of a run', onPage({ query: '?device=cpu&method=ganomaly&cut-skips=2&size=32&channels=1&width=2&batch=4&steps=3' }, async (page) => {
  await waitText(page, '#train-problems', /The address sets cut-skips, which ganomaly does not use; it is ignored\./);
  await page.selectOption('#set-method', 'skip-ganomaly');
  await page.selectOption('#set-preset', 'memory');
  await page.click('#train-form summary');
  await page.fill('#set-label-smoothing', '0.1');
  await page.press('#set-label-smoothing', 'Tab');
  await page.selectOption('#set-method', 'egbad');
  assert.ok(await page.isHidden('#set-label-smoothing'));
  await page.setInputFiles('#train-files', sampleFiles(20));
  await page.click('#train-start');
  await waitTraining(page, 'done');
  await waitText(page, '#model-said', /: egbad,/);
}));

test('the preset repair is proposed, and a preset has its method: what was chosen last decides', onPage({ query: '?device=cpu&seed=0' }, async (page) => {
  await page.waitForSelector('#set-method');
  const chosen = async () => [await value(page, '#set-method'), await value(page, '#set-preset')];
  assert.deepEqual(await chosen(), ['repair', 'repair']);
  await page.setInputFiles('#train-files', sampleFiles(40));
  await waitText(page, '#train-said', /40 normal images/);
  const plan = async (words) => waitText(page, '#plan-words', words, 120_000);
  await plan(/: 1000 steps of/);
  assert.deepEqual([await value(page, '#set-length'), await value(page, '#set-steps')], ['steps', '1000']);
  assert.deepEqual([await value(page, '#set-batch'), await value(page, '#set-width')], ['8', '8']);
  assert.equal(await value(page, '#set-schedule'), 'one-cycle');
  for (const [field, to, both] of [['preset', 'memory', ['skip-ganomaly', 'memory']], ['method', 'repair', ['repair', 'repair']], ['preset', 'paper', ['skip-ganomaly', 'paper']], ['method', 'aae', ['aae', 'paper']], ['method', 'skip-ganomaly', ['skip-ganomaly', 'memory']], ['preset', 'repair', ['repair', 'repair']]]) {
    await page.selectOption(`#set-${field}`, to);
    assert.deepEqual(await chosen(), both, `${field} ${to}`);
  }
}));

test('a run of the preset repair: its losses, marks as the heat map, how small a fault the model finds', onPage({ query: `${SMALL}&steps=12&name=Marked`, viewport: { width: 1280, height: 900 } }, async (page) => {
  await page.setInputFiles('#train-files', sampleFiles(20));
  await page.click('#train-start');
  await waitTraining(page, 'done');
  assert.match(await page.textContent('#model-said'), /^marked\.safetensors: repair/);
  assert.match(await page.textContent('#train-command'), /--preset repair /);
  assert.match(await page.textContent('#formula'), /^A = 0\.\d+ M′ \+ 0\.\d+ L′$/);
  assert.match(await page.textContent('#marks-part'), /The marks M say how plainly/);
  await page.locator('.charts').scrollIntoViewIfNeeded();
  await waitText(page, '.charts .legend', /Marking loss/);
  await page.locator('.previews').scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelectorAll('.previews img').length > 0);
  assert.match(await page.textContent('#train-panel'), /what the model marks as damaged, over the input/);
  await page.setInputFiles('#files', sampleFiles(2, (i) => `marked-${i}.png`));
  for (const row of await waitRows(page, 2)) assert.ok(Number(row.marks) > 0 || Number(row.marks) < 0, JSON.stringify(row));

  await page.click('#faults-measure');
  await waitText(page, '#faults-said', /^At [\d.]+ % false alarms it finds 90 % of simulated scratches in images of 32 × 32 .*\.$/, 120_000);
  assert.equal(await page.locator('#faults-chart circle').count(), 16);
  assert.ok(await page.isHidden('#faults-leave'));
  await page.click('#faults-measure');
  await page.click('#faults-leave');
  await waitText(page, '#train-status', /The measurement was ended\.|Measured how small/);
  await page.waitForFunction(() => !document.querySelector('#faults-measure').disabled);
}));

/**
 * Previews and the calibration search, as those of a method without an encoder do: thousands of steps, told on the
 * channel "searches" with the search's number. A word on "search", "preview" or "calibration", ends its kind at once.
 */
const STEPS = 5000;
const SEARCHING = `{
  const through = new Set();
  new BroadcastChannel('search').onmessage = ({ data }) => through.add(data);
  const told = new BroadcastChannel('searches');
  let searches = 0;
  const search = async (kind, onSearch) => {
    const number = ++searches;
    for (let step = 1; step <= ${STEPS} && !through.has(kind); step++) {
      await new Promise((done) => setTimeout(done, 20));
      told.postMessage({ number, step });
      if (onSearch(step, ${STEPS}) === false) throw Object.assign(new Error('the search was stopped'), { name: 'Stopped' });
    }
  };
  const { preview, finish } = Training.prototype;
  Training.prototype.preview = async function (shown, onSearch) { await search('preview', onSearch); return preview.call(this, shown); };
  Training.prototype.finish = async function (onProgress, onSearch) { await search('calibration', onSearch); return finish.call(this, onProgress); };
}`;
const through = (page, kind) => page.evaluate((which) => new BroadcastChannel('search').postMessage(which), kind);
const PREVIEW_SEARCH = new RegExp(`^Reconstructing held-out images, optimising latent codes: step \\d+ of ${STEPS}…$`);
const CALIBRATION_SEARCH = new RegExp(`^Calibrating the model, optimising latent codes: step \\d+ of ${STEPS}…$`);

test('previews and a calibration that search say how far they are', onPage({ query: `${SMALL}&steps=4`, module: SEARCHING }, async (page) => {
  await page.setInputFiles('#train-files', sampleFiles(20));
  await page.click('#train-start');
  await waitText(page, '#train-count', PREVIEW_SEARCH);
  await through(page, 'preview');
  await waitText(page, '#train-count', CALIBRATION_SEARCH);
  await through(page, 'calibration');
  await waitTraining(page, 'done');
  await page.waitForSelector('.previews li', { state: 'attached' });
}));

test('a run that searches can be closed meanwhile, and stopped without waiting for a preview', onPage({ query: `${SMALL}&steps=4`, module: SEARCHING }, async (page) => {
  await page.evaluate(() => {
    window.searches = {};
    new BroadcastChannel('searches').onmessage = ({ data: { number, step } }) => (window.searches[number] = step);
  });
  await page.setInputFiles('#train-files', sampleFiles(20));
  await page.click('#train-start');
  await waitText(page, '#train-count', PREVIEW_SEARCH);
  await page.click('#train-discard');
  await waitTraining(page, 'idle');

  await page.click('#train-start');
  await waitText(page, '#train-count', PREVIEW_SEARCH);
  await page.click('#train-stop');
  // The end's own preview begins, which is the third search; the one that was under way has ended before its end.
  await page.waitForFunction(() => window.searches[3] > 0);
  const { 1: first, 2: second } = await page.evaluate(() => window.searches);
  assert.ok(first < STEPS && second < STEPS, `the searches ended at the steps ${first} and ${second}`);
  await through(page, 'preview');
  await waitText(page, '#train-count', CALIBRATION_SEARCH);
  await page.click('#train-discard');
  await waitTraining(page, 'idle');
  assert.ok((await page.evaluate(() => window.searches[4])) < STEPS, 'the calibration was left');
}));
