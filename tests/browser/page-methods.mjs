// The page in Chromium with other methods than its own: one in place of it, one beside it, and one that
// searches for each picture's code.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { addressOf, launch, outputDir, root, startServer } from './harness.mjs';
import {
  broken, downloaded, nothingSticksOut, open, otherMethods, parseCsv, rows, sampleFiles, scanAccess, slide, tabTo, waitReady, waitRows, waitText, withPage,
} from './drive.mjs';

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

const others = otherMethods();
const titleOf = (method) => others.find((one) => one.method === method).title;
const fileOf = (method) => readFileSync(join(root, 'www/models', others.find((one) => one.method === method).file));

/** Waits until the methods can be chosen. */
const waitMethods = (page) => page.waitForFunction(() => !document.querySelector('#method').disabled);

/** Chooses a method, and waits until it is in use. */
async function choose(page, method) {
  await waitMethods(page);
  await page.selectOption('#method', method);
  await waitText(page, '#model-said', new RegExp(`: ${method},`));
}

/** Puts a method beside the first, and waits until every row has its score. */
async function compareWith(page, method) {
  await waitMethods(page);
  await page.selectOption('#compare', method);
  await waitSeconds(page);
}

async function waitSeconds(page, timeout = 120_000) {
  await page.waitForFunction(
    () => [...document.querySelectorAll('#results tbody tr')].every((tr) => tr.dataset.secondState === 'done'),
    undefined,
    { timeout, polling: 50 },
  );
  return rows(page);
}

/**
 * Models of a method are made to search: steps of `ms` each, for all images of a batch together. The steps are told on
 * the channel "steps"; a message on "search" ends every search at once, as if it were through.
 */
const searching = (method, ms, steps = 100) => `{
  let hurry = false;
  new BroadcastChannel('search').onmessage = () => (hurry = true);
  const told = new BroadcastChannel('steps');
  const info = Model.prototype.info;
  Model.prototype.info = function () {
    const found = info.call(this);
    return found.method === '${method}' ? { ...found, search_steps: ${steps} } : { ...found, search_steps: null };
  };
  const score = Model.prototype.score;
  Model.prototype.score = async function (files, onSearch) {
    for (let step = 1; this.info().search_steps && step <= ${steps} && !hurry; step++) {
      await new Promise((done) => setTimeout(done, ${ms}));
      told.postMessage(step);
      if (onSearch(step, ${steps}) === false) throw Object.assign(new Error('the search was stopped'), { name: 'Stopped' });
    }
    return score.call(this, files);
  };
}`;

// --- One in place of another

test('the chooser: each model is fetched when it is chosen, not before, and scores by itself', async () => {
  assert.ok(others.length >= 5, 'the page offers other methods');
  const asked = [];
  const counting = await startServer({ onRequest: (path) => asked.push(path) });
  try {
    await withPage(browser, counting.url, {}, async (page) => {
      await page.waitForFunction(() => document.documentElement.dataset.firstScoreMs);
      await waitMethods(page);
      await page.waitForLoadState('networkidle');
      const late = () => asked.filter((path) => /models\/methods|compare\.(js|css)/.test(path));
      assert.deepEqual(late(), [], 'nothing of it comes with the first load');
      const offered = await page.$$eval('#method option', (options) => options.map((option) => option.textContent));
      assert.equal(offered[0], 'Skip-GANomaly, bundled');
      assert.deepEqual(offered.slice(1).map((words) => words.replace(/, [\d.]+ [kM]B$/, '')), others.map(({ title }) => title));
      for (const words of offered.slice(1)) assert.match(words, /, [\d.]+ [kM]B$/, 'the size is told before');
      assert.equal(await page.inputValue('#method'), 'skip-ganomaly');

      const scores = new Map();
      const [file] = sampleFiles(1);
      for (const [i, method] of ['skip-ganomaly', ...others.map((one) => one.method)].entries()) {
        if (i > 0) await choose(page, method);
        assert.equal(await page.inputValue('#method'), method);
        await page.setInputFiles('#files', [{ ...file, name: `${method}.png` }]);
        const row = (await waitRows(page, i + 1)).at(-1);
        assert.ok(Number(row.score) > 0 && ['normal', 'anomalous'].includes(row.verdict), JSON.stringify(row));
        scores.set(method, row.score);
        assert.deepEqual(late(), others.slice(0, i).map(({ file: path }) => `/models/${path}`));
        if (i > 0) assert.equal(await page.textContent('#method-said'), others[i - 1].words);
      }
      assert.equal(new Set(scores.values()).size, scores.size, `each method has a score of its own: ${JSON.stringify([...scores])}`);
      const found = await rows(page);
      assert.equal(found.filter((row) => row.stale !== undefined).length, found.length - 1, 'rows of the methods before are marked');

      await page.selectOption('#method', 'skip-ganomaly');
      await waitText(page, '#model-said', /^solar-ir\.safetensors: skip-ganomaly,/);
      await page.setInputFiles('#files', [file]);
      assert.equal((await waitRows(page, found.length + 1)).at(-1).score, scores.get('skip-ganomaly'), 'and back again');
    });
  } finally {
    await counting.close();
  }
});

test('another model: the lead, the first look, the samples\' note and the explanation are about it', onPage({}, async (page) => {
  await page.waitForFunction(() => document.documentElement.dataset.firstScoreMs);
  await waitMethods(page);
  const texts = () => page.evaluate(() => Object.fromEntries(['lead-words', 'method-words', 'residual-words', 'latent-words', 'formula', 'gallery-words'].map((id) => [id, document.getElementById(id).textContent])));
  const score = () => page.textContent('#look .look-score');
  const bundled = await texts();
  assert.match(bundled['lead-words'], /thermal images of normal solar modules.*memory bank/);
  assert.match(bundled['gallery-words'], /first look/);
  const first = await score();

  await choose(page, 'pca');
  await page.waitForFunction((old) => document.querySelector('#look .look-score').textContent !== old && document.querySelector('#look-stale').hidden, first);
  assert.equal(await page.textContent('#look-title'), 'First look');
  const pca = await texts();
  for (const [id, words] of Object.entries(pca)) assert.notEqual(words, bundled[id], id);
  assert.match(pca['method-words'], /no network/);
  assert.equal(pca.formula, 'A = R');
  const sample = await page.$eval('#look .look-name', (one) => one.textContent);
  await page.click(`#thumbs button[data-sample="${sample}"]`);
  const [row] = await waitRows(page, 1);
  assert.equal(Number(await score()).toPrecision(4), Number(row.score).toPrecision(4), 'the first look had the score of the new model');

  // Nothing is said of what the visitor's own file was trained on.
  await page.setInputFiles('#model-file', { name: 'mine.safetensors', mimeType: 'application/octet-stream', buffer: fileOf('ganomaly') });
  await waitText(page, '#model-said', /^mine\.safetensors/);
  await waitText(page, '#lead-words', /codes/);
  assert.doesNotMatch(await page.textContent('.lead'), /solar/);
  await choose(page, 'skip-ganomaly');
  await page.waitForFunction((old) => document.querySelector('#gallery-words').textContent === old, bundled['gallery-words']);
  assert.deepEqual(await texts(), bundled);
}));

test('a notice takes the place of the earlier one about the same thing', onPage({}, async (page) => {
  await choose(page, 'pca');
  await waitText(page, '#notices', /The model pca\.safetensors is now in use\./);
  await page.setInputFiles('#model-file', { name: 'cut.safetensors', mimeType: 'application/octet-stream', buffer: fileOf('pca').subarray(0, 3000) });
  await waitText(page, '#notices', /cut\.safetensors was not loaded/);
  assert.equal(await page.getAttribute('#notices .notice', 'role'), 'alert');
  await choose(page, 'ganomaly');
  await waitText(page, '#notices', /The model ganomaly\.safetensors is now in use\./);
  assert.equal(await page.locator('#notices .notice').count(), 1);
  assert.equal(await page.getAttribute('#notices .notice', 'role'), null);
  // About something else: beside it. What is no longer so goes.
  await page.selectOption('#compare', 'pca');
  await waitText(page, '#notices', /Images are now also scored with PCA\./);
  assert.equal(await page.locator('#notices .notice').count(), 2);
  await page.selectOption('#compare', '');
  await page.waitForFunction(() => document.querySelectorAll('#notices .notice').length === 1);
  assert.match(await page.textContent('#notices'), /ganomaly/);
}));

test('a list that cannot be read, a model that cannot be fetched: said in words, and what is in use stays', async () => {
  const page = await open(browser, server.url, { routes: { '**/models/index.json': '<html>' } });
  try {
    await waitText(page, '#method-said', /^The list of other methods could not be loaded \(.+\)\. Skip-GANomaly remains in use\.$/);
    assert.ok(await page.isDisabled('#method'));
    await page.setInputFiles('#files', sampleFiles(1));
    assert.ok(Number((await waitRows(page, 1))[0].score) > 0);
    await page.context().unroute('**/models/index.json');
    await page.click('#method-again');
    await waitMethods(page);
    assert.ok(await page.isHidden('#method-again'));

    await page.context().route('**/models/methods/**', (route) => route.fulfill({ status: 404, body: 'gone' }));
    await page.selectOption('#method', 'ganomaly');
    await waitText(page, '#notices', /GANomaly could not be fetched \(the server answered 404\)\. Check the connection\. Skip-GANomaly remains in use\./);
    assert.equal(await page.inputValue('#method'), 'skip-ganomaly');
    await page.context().unroute('**/models/methods/**');
    await page.context().route('**/models/methods/**', (route) => route.fulfill({ body: fileOf('ganomaly').subarray(0, 5000) }));
    await page.selectOption('#method', 'ganomaly');
    await waitText(page, '#notices', /ganomaly\.safetensors was not loaded: .{10,} The previous model remains in use\./);
    assert.equal(await page.inputValue('#method'), 'skip-ganomaly');
    assert.deepEqual(page.errors, []);
  } finally {
    await page.context().close();
  }
});

test('the visitor\'s own file is in the list, and one that the address asks for is found there', async () => {
  await withPage(browser, server.url, {}, async (page) => {
    await waitMethods(page);
    await page.setInputFiles('#model-file', { name: 'mine.safetensors', mimeType: 'application/octet-stream', buffer: fileOf('pca') });
    await waitText(page, '#model-said', /^mine\.safetensors: pca,/);
    const chosen = () => page.$eval('#method', (select) => select.selectedOptions[0].textContent);
    assert.equal(await chosen(), 'mine.safetensors, your file');
    assert.equal(await page.textContent('#method-said'), 'Your file; it stays on this device.');
    await choose(page, 'skip-ganomaly');
    await page.selectOption('#method', { label: 'mine.safetensors, your file' });
    await waitText(page, '#model-said', /^mine\.safetensors: pca,/);
  });
  await withPage(browser, server.url, { query: '?model=models/methods/pca.safetensors' }, async (page) => {
    assert.match(await page.textContent('#model-said'), /: pca,/);
    await waitMethods(page);
    assert.equal(await page.inputValue('#method'), 'pca');
    assert.equal(await page.locator('#method option').count(), others.length + 1);
  });
  const page = await open(browser, server.url, { query: '?model=models/missing.safetensors', ready: false });
  try {
    await waitMethods(page);
    assert.equal(await page.inputValue('#method'), '', 'no model is said to be in use');
    await page.selectOption('#method', 'skip-ganomaly');
    await page.waitForFunction(() => document.documentElement.dataset.state === 'ready');
    assert.match(await page.textContent('#model-said'), /^solar-ir\.safetensors/);
  } finally {
    await page.context().close();
  }
});

test('without a network: a method that was chosen before is there, another is said to be missing', async () => {
  const own = await startServer();
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(addressOf(own.url));
    await waitReady(page);
    await page.waitForFunction(() => document.documentElement.dataset.offline === 'ready', undefined, { timeout: 120_000 });
    // The worker has the page from its next load on.
    await page.reload();
    await waitReady(page);
    await choose(page, 'pca');
    const kept = await page.evaluate(async () => {
      const all = await Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)));
      return all.flat().filter((path) => path.includes('models/methods'));
    });
    assert.deepEqual(kept, ['/models/methods/pca.safetensors']);
    await own.close();
    await context.setOffline(true);
    await page.reload();
    await waitReady(page);
    await choose(page, 'pca');
    await page.selectOption('#method', 'alocc');
    await waitText(page, '#notices', /ALOCC could not be fetched/);
    assert.equal(await page.inputValue('#method'), 'pca');
    await page.setInputFiles('#files', sampleFiles(1));
    await waitRows(page, 1);
    await compareWith(page, 'skip-ganomaly');
  } finally {
    await context.close();
    await own.close().catch(() => {});
  }
});

// --- Two side by side

test('side by side: both scores and verdicts in a row, sorted by either, counted, and exported', onPage({}, async (page) => {
  await page.setInputFiles('#files', [...sampleFiles(8), broken]);
  const alone = await waitRows(page, 9);
  assert.equal(await page.locator('#results .second').count(), 0, 'off unless chosen');
  await compareWith(page, 'ganomaly');
  // Later pictures are scored by both as well.
  await page.setInputFiles('#files', sampleFiles(12).slice(8));
  await waitRows(page, 13);
  const both = await waitSeconds(page);
  alone.forEach((row, i) => assert.equal(both[i].score, row.score, 'the first is as it was'));
  const pictures = both.filter((row) => row.verdict !== 'error');
  assert.equal(pictures.length, 12);
  const threshold = Number(JSON.parse((await downloaded(page, '#export-json')).bytes.toString()).second_model.threshold);
  for (const row of pictures) {
    assert.notEqual(row.secondScore, row.score);
    assert.equal(row.secondVerdict, Number(row.secondScore) > threshold ? 'anomalous' : 'normal', 'by its own threshold');
    assert.equal(row.agrees, row.secondVerdict === row.verdict ? 'yes' : 'no');
  }
  const agree = pictures.filter((row) => row.agrees === 'yes').length;
  assert.ok(agree > 0, 'the example says something');
  assert.equal(await page.textContent('#agree p'), `Skip-GANomaly and GANomaly agree on ${agree} of 12 images, each with its own threshold.`);

  // The scores are those that the method gives alone.
  const single = await open(browser, server.url);
  await choose(single, 'ganomaly');
  await single.setInputFiles('#files', sampleFiles(8));
  const expected = await waitRows(single, 8);
  await single.context().close();
  expected.forEach((row, i) => assert.ok(Math.abs(Number(row.score) - Number(both[i].secondScore)) < 1e-6, row.name));

  // The first's threshold moves its verdict, not the second's.
  await slide(page, '#threshold', 0);
  await page.waitForFunction(() => [...document.querySelectorAll('#results tr[data-score]')].every((tr) => tr.dataset.verdict === 'anomalous'));
  const moved = await rows(page);
  assert.deepEqual(moved.map((row) => row.secondVerdict), both.map((row) => row.secondVerdict));
  const anomalous = moved.filter((row) => row.secondVerdict === 'anomalous').length;
  await waitText(page, '#agree p', new RegExp(`agree on ${anomalous} of 12 images`));
  await page.click('#threshold-reset');

  await page.selectOption('#sort', { label: "GANomaly's score, highest first" });
  const seconds = (await rows(page)).map((row) => Number(row.secondScore ?? -Infinity));
  assert.deepEqual(seconds, seconds.toSorted((a, b) => b - a));
  await page.selectOption('#sort', 'high');
  const firsts = (await rows(page)).map((row) => Number(row.score ?? -Infinity));
  assert.deepEqual(firsts, firsts.toSorted((a, b) => b - a));
  await page.selectOption('#sort', 'order');

  const csv = parseCsv((await downloaded(page, '#export-csv')).bytes.toString());
  const column = (name) => csv[0].indexOf(name);
  for (const [i, row] of both.entries()) {
    assert.equal(csv[i + 1][column('second_method')], 'GANomaly');
    assert.equal(csv[i + 1][column('second_score')], row.secondScore ?? '');
    if (row.secondScore) assert.equal(csv[i + 1][column('second_verdict')], row.secondVerdict);
  }
  const json = JSON.parse((await downloaded(page, '#export-json')).bytes.toString());
  assert.equal(json.second_model.method, 'ganomaly');
  assert.deepEqual(json.pictures.map((one) => one.second_score), both.map((row) => (row.secondScore ? Number(row.secondScore) : null)));
  assert.match(json.pictures[8].second_error, /.{10}/, 'what neither can read has its reason');
  const zip = (await downloaded(page, '#export-zip')).bytes.toString('latin1');
  for (const part of ['input', 'heat', 'reconstruction', 'second-heat', 'second-reconstruction']) assert.ok(zip.includes(`pictures/sample-000-${part}.png`), part);

  await page.selectOption('#compare', '');
  await page.waitForFunction(() => document.querySelectorAll('#results .second, #results .cell-by').length === 0);
  assert.ok(await page.isHidden('#agree'));
  assert.equal(await page.locator('#sort option').count(), 4);
  assert.ok(!(await downloaded(page, '#export-csv')).bytes.toString().includes('second_'));
}));

test('linked selection, by the keyboard alone: both methods\' pictures, scores and verdicts of one row, then of the next', onPage({}, async (page) => {
  await page.setInputFiles('#files', sampleFiles(3));
  await waitRows(page, 3);
  await waitMethods(page);
  await tabTo(page, '#compare');
  await page.keyboard.press('E'); // EGBAD, the only one that begins so
  await page.waitForFunction(() => document.querySelector('#compare').value === 'egbad');
  const found = await waitSeconds(page);
  await tabTo(page, '#results button.name');
  await page.keyboard.press('Enter');
  /** What the sides show; scores as they are written. */
  const shown = async () => {
    await page.waitForFunction(() => [...document.querySelectorAll('#row-dialog .side img')].every((image) => image.complete && image.naturalWidth > 0));
    return page.evaluate(() => ({
      title: document.querySelector('#row-dialog h2').textContent,
      sides: [...document.querySelectorAll('#row-dialog .side')].map((side) => ({
        method: side.querySelector('h3').textContent,
        name: side.querySelector('.look-name').textContent,
        score: side.querySelector('.look-score').title || side.querySelector('.look-score').textContent,
        verdict: side.querySelector('.verdict-word').textContent,
        pictures: [...side.querySelectorAll('img')].map((image) => image.src),
      })),
    }));
  };
  const views = [];
  for (const [i, row] of found.entries()) {
    if (i > 0) await page.keyboard.press('ArrowRight');
    const view = await shown();
    views.push(view);
    assert.equal(view.title, row.name);
    const [a, b] = view.sides;
    assert.deepEqual([a.method, b.method], ['Skip-GANomaly', 'EGBAD']);
    assert.deepEqual([a.name, b.name], [row.name, row.name], 'both sides show the same picture');
    assert.ok(Math.abs(Number(a.score) / Number(row.score) - 1) < 1e-3 && Math.abs(Number(b.score) / Number(row.secondScore) - 1) < 1e-3, JSON.stringify(view));
    assert.deepEqual([a.verdict.toLowerCase(), b.verdict.toLowerCase()], [row.verdict, row.secondVerdict]);
    assert.equal(a.pictures[0], b.pictures[0], 'the input is one');
    assert.notEqual(a.pictures[1], b.pictures[1], 'each reconstructs it');
  }
  await page.keyboard.press('ArrowLeft');
  assert.equal((await shown()).title, found[1].name, 'the arrows work at the end of the list too');
  assert.equal(JSON.stringify(await shown()), JSON.stringify(views[1]), 'and back again');
  await page.keyboard.press('Escape');
  assert.ok(await page.evaluate(() => document.activeElement.matches('#results button.name')), 'the focus comes back');
}));

test('another first, another second: rows of an earlier first are marked, the second scores again', onPage({}, async (page) => {
  await page.setInputFiles('#files', sampleFiles(6));
  await waitRows(page, 6);
  await compareWith(page, 'ganomaly');
  const before = await rows(page);
  await page.selectOption('#compare', 'pca');
  await waitText(page, '#compare-said', /^No network/);
  await page.waitForFunction((old) => [...document.querySelectorAll('#results tbody tr')].every((tr, i) => tr.dataset.secondState === 'done' && tr.dataset.secondScore !== old[i]), before.map((row) => row.secondScore));
  const pca = await rows(page);
  assert.deepEqual(pca.map((row) => row.score), before.map((row) => row.score));
  assert.match(await page.textContent('#results .cell-by.second'), /PCA/);

  await choose(page, 'ganomaly');
  await page.waitForFunction(() => document.querySelectorAll('#results tr[data-stale]').length === 6);
  assert.deepEqual((await rows(page)).map((row) => row.secondScore), pca.map((row) => row.secondScore), 'the second stays');
  await waitText(page, '#agree p', /^No image has a verdict from both GANomaly and PCA yet\.$/);
  await page.click('#again');
  await page.waitForFunction(() => document.querySelectorAll('#results tr[data-stale]').length === 0);
  const again = await waitSeconds(page);
  again.forEach((row, i) => {
    assert.ok(Math.abs(Number(row.score) - Number(before[i].secondScore)) < 1e-6, 'what was the second is the first now');
    assert.equal(row.secondScore, pca[i].secondScore);
  });
  await waitText(page, '#agree p', /^GANomaly and PCA agree on \d of 6 images/);
  await page.click('#clear');
  await waitRows(page, 0);
  assert.ok(await page.isHidden('#agree'));
  await page.setInputFiles('#files', sampleFiles(2));
  await waitRows(page, 2);
  assert.ok((await waitSeconds(page)).every((row) => Number(row.secondScore) > 0));
}));

test('a second model that fails is said, and the first goes on', onPage({}, async (page) => {
  await page.setInputFiles('#files', sampleFiles(2));
  const before = await waitRows(page, 2);
  await waitMethods(page);
  await page.context().route('**/models/methods/alocc.safetensors', (route) => route.fulfill({ status: 500, body: 'x' }));
  await page.selectOption('#compare', 'alocc');
  await waitText(page, '#notices', /ALOCC cannot be used for the comparison: ALOCC could not be fetched \(the server answered 500\)\. Check the connection\. Scoring continues with the first method only\./);
  assert.equal(await page.inputValue('#compare'), '');
  await page.context().route('**/models/methods/egbad.safetensors', (route) => route.fulfill({ body: fileOf('egbad').subarray(0, 9000) }));
  await page.selectOption('#compare', 'egbad');
  await waitText(page, '#notices', /EGBAD cannot be used for the comparison: .{10,} Scoring continues with the first method only\./);
  assert.equal(await page.inputValue('#compare'), '');
  await page.setInputFiles('#files', sampleFiles(3).slice(2));
  const found = await waitRows(page, 3);
  assert.deepEqual(found.slice(0, 2).map((row) => row.score), before.map((row) => row.score));
  assert.ok(Number(found[2].score) > 0);
  await page.context().route('**/worker.js', (route) => route.abort());
  await page.selectOption('#compare', 'pca');
  await waitText(page, '#notices', /PCA cannot be used for the comparison: The part of the page that runs the model could not be started\./);
  await page.context().unroute('**/worker.js');
  // With one in place already, that one stays.
  await compareWith(page, 'pca');
  await page.selectOption('#compare', 'alocc');
  await waitText(page, '#notices', /ALOCC cannot be used for the comparison: .* PCA remains the second method\./);
  assert.equal(await page.inputValue('#compare'), 'pca');
  assert.ok((await waitSeconds(page)).every((row) => Number(row.secondScore) > 0));
}));

test('a second worker that dies at one picture is started again; only that picture is given up, and only by it', onPage({
  module: `{
    const score = Model.prototype.score;
    Model.prototype.score = function (files, ...rest) {
      if (this.info().method === 'pca' && files.some((file) => file.at(-1) === 77)) throw new WebAssembly.RuntimeError('unreachable');
      return score.call(this, files, ...rest);
    };
  }`,
}, async (page) => {
  const files = sampleFiles(6);
  files[3] = { ...files[3], name: 'poison.png', buffer: Buffer.concat([files[3].buffer, Buffer.from([77])]) };
  await page.setInputFiles('#files', files);
  await waitRows(page, 6);
  await compareWith(page, 'pca');
  const found = await rows(page);
  assert.ok(found.every((row) => Number(row.score) > 0));
  assert.deepEqual(found.filter((row) => row.secondScore === undefined).map((row) => row.name), ['poison.png']);
  assert.match(found[3].text, /stopped each time it reached this image/);
  await waitText(page, '#notices', /Second method: .*was restarted; no result is missing/);
  await waitText(page, '#agree p', /of 5 images/);
}));

// --- A method that searches

/** What a search told of its steps. */
const watchSteps = (page) => page.evaluate(() => {
  window.steps = [];
  new BroadcastChannel('steps').onmessage = ({ data }) => window.steps.push(data);
});
/** Ends the searches as if they were through. */
const hurry = (page) => page.evaluate(() => new BroadcastChannel('search').postMessage(0));

test('a search: how far it is; Stop ends it, and so does another method', onPage({ module: searching('ganomaly', 60, 3000) }, async (page) => {
  await watchSteps(page);
  await choose(page, 'ganomaly');
  await page.setInputFiles('#files', sampleFiles(5));
  await waitText(page, '#queue-words', /^Scoring: 0 of 5 done, optimising latent codes: step \d+ of 3000\.$/);
  const part = () => page.$eval('#progress', (bar) => [Number(bar.ariaValueNow), bar.firstElementChild.getBoundingClientRect().width]);
  const before = await part();
  await page.waitForFunction(([value, width]) => {
    const bar = document.querySelector('#progress');
    return Number(bar.ariaValueNow) > value && bar.firstElementChild.getBoundingClientRect().width > width;
  }, before);
  assert.ok((await part())[0] < 1, 'the bar moves within the first image');
  await page.click('#stop');
  await waitText(page, '#notices', /Stopped: 5 images were not scored\./);
  await page.waitForSelector('#queue', { state: 'hidden' });
  assert.equal(await page.locator('#results tbody tr').count(), 0);

  // A change of methods does not wait for a search, and what waits is scored by the other.
  await page.setInputFiles('#files', sampleFiles(2));
  await waitText(page, '#queue-words', /optimising latent codes/);
  await choose(page, 'pca');
  const found = await waitRows(page, 2);
  assert.ok(found.every((row) => Number(row.score) > 0 && row.stale === undefined));
  assert.ok(Math.max(...(await page.evaluate(() => window.steps))) < 3000, 'no search went on to its end');
}));

test('a search in small batches that grow to sixteen at most; its results are as without the callback', onPage({
  module: `${searching('pca', 1)}
  {
    const score = Model.prototype.score;
    Model.prototype.score = function (files, onSearch) {
      new BroadcastChannel('batches').postMessage(files.length);
      return score.call(this, files, onSearch);
    };
  }`,
}, async (page) => {
  await page.evaluate(() => {
    window.batches = [];
    new BroadcastChannel('batches').onmessage = ({ data }) => window.batches.push(data);
  });
  await choose(page, 'pca');
  await page.evaluate(() => (window.batches.length = 0));
  await page.setInputFiles('#files', sampleFiles(60));
  const found = await waitRows(page, 60);
  assert.ok(found.every((row) => Number(row.score) > 0));
  const batches = await page.evaluate(() => window.batches);
  assert.equal(batches[0], 1);
  assert.equal(Math.max(...batches), 16, `batches of ${batches}`);
}));

test('a search beside the first: Stop ends it, the rows say so, and the others can be scored later', onPage({ module: searching('egbad', 40, 3000) }, async (page) => {
  await page.setInputFiles('#files', sampleFiles(4));
  const before = await waitRows(page, 4);
  await waitMethods(page);
  await page.selectOption('#compare', 'egbad');
  await waitText(page, '#queue-words', /^Scoring with both methods: 0 of 4 done, optimising latent codes: step \d+ of 3000\.$/);
  await page.click('#results button.name');
  await waitText(page, '#row-dialog .side-wait', /^EGBAD has not scored this image yet\.$/);
  await page.keyboard.press('Escape');
  await page.click('#stop');
  await page.waitForSelector('#queue', { state: 'hidden' });
  await page.waitForFunction(() => [...document.querySelectorAll('#results tbody tr')].every((tr) => tr.dataset.secondState === 'stopped'));
  assert.equal(await page.textContent('#results .cell-note'), 'not scored');
  await waitText(page, '#agree p', /4 were not scored by EGBAD\.$/);
  assert.deepEqual((await rows(page)).map((row) => row.score), before.map((row) => row.score));
  await hurry(page);
  await page.click('#agree button');
  const found = await waitSeconds(page);
  assert.ok(found.every((row) => Number(row.secondScore) > 0));
  assert.ok(await page.isHidden('#agree button'));
}));

test('on WebGPU a search that moves on is not taken for a lost device; one that stands still is', async () => {
  const gpu = await launch({ webgpu: true });
  try {
    await withPage(gpu, server.url, {
      query: '?device=webgpu&model=models/methods/pca.safetensors',
      edits: {
        '**/worker.js': (text) => {
          assert.match(text, /GPU_BATCH_LIMIT_MS = 60_000/);
          return text.replace('GPU_BATCH_LIMIT_MS = 60_000', 'GPU_BATCH_LIMIT_MS = 10_000');
        },
        // A file that ends so makes the search stand still.
        '**/pkg/gpu/skip_ganomaly.js': (text) => `${text}\n${searching('pca', 150)}
          {
            const score = Model.prototype.score;
            Model.prototype.score = async function (files, onSearch) {
              if (files.some((file) => file.at(-1) === 77)) await new Promise(() => {});
              return score.call(this, files, onSearch);
            };
          }`,
      },
    }, async (page) => {
      assert.equal(await page.getAttribute('html', 'data-device'), 'webgpu', await page.textContent('#device-words'));
      await page.waitForSelector('#look-wait', { state: 'hidden', timeout: 60_000 });
      const [a, b] = sampleFiles(2);
      await page.setInputFiles('#files', [a]);
      await waitText(page, '#queue-words', /optimising latent codes: step \d+ of 100/);
      assert.ok(Number((await waitRows(page, 1))[0].score) > 0);
      assert.equal(await page.getAttribute('html', 'data-device'), 'webgpu', 'fifteen seconds of steps are no silence of ten');
      await page.setInputFiles('#files', [{ ...b, buffer: Buffer.concat([b.buffer, Buffer.from([77])]) }]);
      await waitText(page, '#device-words', /^Runs on your CPU: the WebGPU device was lost \(no response within a minute\)/);
      assert.ok(Number((await waitRows(page, 2))[1].score) > 0);
    });
  } finally {
    await gpu.close();
  }
});

// --- How it looks

for (const colorScheme of ['light', 'dark']) {
  test(`side by side at all widths, ${colorScheme}: nothing sticks out, no serious finding; screenshots are kept`, onPage({ colorScheme, viewport: { width: 1440, height: 900 } }, async (page) => {
    mkdirSync(outputDir, { recursive: true });
    await page.click('#score-all');
    await page.setInputFiles('#files', [broken]);
    await waitRows(page, 25);
    await compareWith(page, 'ganomaly');
    for (const width of [320, 768, 1100, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      await nothingSticksOut(page);
      await page.locator('#results-section').evaluate((section) => section.scrollIntoView());
      await page.screenshot({ path: join(outputDir, `methods-${width}-${colorScheme}-chooser.png`) });
      await page.locator('#results').evaluate((table) => table.scrollIntoView());
      await page.screenshot({ path: join(outputDir, `methods-${width}-${colorScheme}-rows.png`) });
      await page.click('#results button.name');
      await page.screenshot({ path: join(outputDir, `methods-${width}-${colorScheme}-large.png`) });
      if (width === 320) assert.ok(await page.$eval('#row-dialog', (dialog) => dialog.scrollWidth <= dialog.clientWidth));
      await page.keyboard.press('Escape');
    }
    await scanAccess(page, 1280);
    await scanAccess(page, 360);
    await page.click('#results button.name');
    await scanAccess(page, 1280);
  }));
}
