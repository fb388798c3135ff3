// The page with product lines: what it opens with, the slider, the samples, another set, training on parts.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FIRST, SETS, SOLAR, lineOf } from '../../www/lib/sets.js';
import { downloaded, modelBytes, nothingSticksOut, parseCsv, rows, sampleFiles, scanAccess, slide, tabTo, waitReady, waitRows, waitText, withPage } from './drive.mjs';
import { launch, outputDir, startServer } from './harness.mjs';

const LINE = lineOf(FIRST);
const OPENED = new RegExp(`^${LINE.noun}, `);
const OTHER = 'gear';

let server;
let browser;
const asked = [];
before(async () => {
  server = await startServer({ onRequest: (path) => asked.push(path) });
  browser = await launch({ webgpu: false });
});
after(async () => {
  await browser?.close();
  await server?.close();
});
const onPage = (options, run) => () => withPage(browser, server.url, { query: '?set=', ...options }, async (page) => {
  await page.waitForFunction(() => document.documentElement.dataset.firstScoreMs);
  await run(page);
});

const product = (page) => page.$eval('#product', (root) => ({
  ...root.dataset,
  score: Number(root.dataset.score),
  outline: root.querySelector('.outline path').getAttribute('d'),
  input: root.querySelector('.input').src,
  heat: root.querySelector('.heat').src,
}));

/** Moves the slider, and waits until the page shows what it says. */
async function wearTo(page, percent) {
  await slide(page, '#wear', percent);
  await page.waitForFunction((wear) => document.querySelector('#product').dataset.wear === wear, String(percent));
  return product(page);
}

/** Waits until a part of this name is shown. */
async function waitPart(page, pattern) {
  await page.waitForFunction(([source]) => new RegExp(source).test(document.querySelector('#product').dataset.part) && document.querySelector('#product').dataset.waiting === undefined, [pattern.source]);
  return product(page);
}

/** A threshold between the scores of the sound and the worn part, so that no verdict here depends on how good a model is. */
async function thresholdBetween(page) {
  const [sound, worn] = [await wearTo(page, 0), await wearTo(page, 100)];
  assert.ok(sound.score < worn.score, `sound ${sound.score}, worn ${worn.score}`);
  await page.fill('#threshold-number', String((sound.score + worn.score) / 2));
  await page.press('#threshold-number', 'Tab');
  await page.waitForFunction(() => document.querySelector('#product').dataset.verdict === 'anomalous');
}

async function choose(page, set) {
  await page.click(`#sets [data-set="${set}"]`);
  await page.waitForFunction((id) => document.documentElement.dataset.set === id, set);
}

const thumbsReady = (page) => page.waitForFunction(() => {
  const images = [...document.querySelectorAll('#thumbs img')];
  return images.length === 24 && images.every((image) => image.complete && image.naturalWidth > 0);
});

test('the page opens with a rendered part that has a fault, and says so; nothing of the other sets is fetched', async () => {
  asked.length = 0;
  await onPage({}, async (page) => {
    assert.equal(await page.getAttribute('html', 'data-set'), FIRST);
    assert.equal(await page.getAttribute(`#sets [data-set="${FIRST}"]`, 'aria-pressed'), 'true');
    const shown = await product(page);
    assert.ok(Number.isFinite(shown.score) && shown.outline.length > 20);
    assert.equal(shown.wear, '70');
    assert.equal(await page.textContent('#part-heat-words'), 'what it marks');
    assert.equal(await page.textContent('#look-tag'), 'Rendered image');
    assert.match(await page.textContent('#part-facts'), /Rendered image, 128 × 128 pixels; the model sees it at 64 × 64\./);
    await waitText(page, '#lead-words', new RegExp(`has only ever seen ${LINE.normals}, never a fault\\. .*slider.* At [\\d.]+ % false alarms it finds 90 % of simulated scratches `));
    assert.equal(await page.locator('#results tbody tr').count(), 0, 'it is no result');
    await thumbsReady(page);
    assert.deepEqual(asked.filter((path) => /\/samples\/|solar|\/models\/(lines|methods)\//.test(path)), [`/models/${lineOf(FIRST).model}`, '/models/lines/found.json']);
    assert.equal(await page.$eval('#product .input', (image) => image.naturalWidth), 128);
    const drop = await page.locator('#drop-title').boundingBox();
    const size = page.viewportSize();
    assert.ok(drop.y < size.height, 'the way in for the visitor\'s own images is in view');
  })();
});

test('the slider: at 0 the part is sound, and score, heat map and outline follow it', onPage({ viewport: { width: 1440, height: 900 } }, async (page) => {
  await thresholdBetween(page);
  const worn = await wearTo(page, 100);
  const sound = await wearTo(page, 0);
  assert.equal(sound.outline, '');
  const kind = await page.$eval('#part-fault', (select) => select.selectedOptions[0].textContent);
  assert.ok(!sound.part.includes(kind) && worn.part.includes(kind), `${sound.part}; ${worn.part}`);
  assert.equal(sound.verdict, 'normal');
  assert.equal(worn.verdict, 'anomalous');
  assert.ok(sound.score < worn.score);
  assert.equal(await page.textContent('#product .verdict-word'), 'Normal');
  const half = await wearTo(page, 50);
  assert.equal(new Set([sound, half, worn].flatMap(({ input }) => input)).size, 3);
  assert.equal(new Set([sound, half, worn].map(({ heat }) => heat)).size, 3);
  assert.ok(half.outline.length > 0 && half.outline !== worn.outline);
  assert.equal((await wearTo(page, 0)).score, sound.score, 'there and back');
  await page.uncheck('#part-outline');
  assert.ok(await page.isHidden('#product .outline'));
  const wear = await page.locator('#wear').boundingBox();
  assert.ok(wear.y + wear.height < 900, 'the slider is in view at 1440 by 900');
}));

test('while the slider moves, one request is on its way, and what was wanted last is shown', onPage({
  module: `{
    const score = Model.prototype.score;
    Model.prototype.score = async function (files, ...rest) {
      await new Promise((done) => setTimeout(done, 60));
      new BroadcastChannel('scored').postMessage(files.length);
      return score.call(this, files, ...rest);
    };
  }`,
}, async (page) => {
  await page.evaluate(() => {
    window.scored = [];
    new BroadcastChannel('scored').onmessage = ({ data }) => window.scored.push(data);
    const wear = document.querySelector('#wear');
    for (let value = 1; value <= 90; value++) {
      wear.value = String(value);
      wear.dispatchEvent(new Event('input', { bubbles: true }));
    }
  });
  await page.waitForFunction(() => document.querySelector('#product').dataset.wear === '90');
  const scored = await page.evaluate(() => window.scored);
  assert.deepEqual(scored, [1, 1], 'the first, and the last');
}));

test('another part, another fault, another size; each line keeps its own', onPage({}, async (page) => {
  const first = await product(page);
  await page.click('#part-another');
  const number = Number(/part (\d+)/.exec(first.part)[1]);
  const next = await waitPart(page, new RegExp(`part ${number + 1}, `));
  assert.notEqual(next.input, first.input);
  await page.selectOption('#part-fault', 'scratch');
  const scratch = await waitPart(page, /scratch/);
  assert.notEqual(scratch.input, next.input);
  const { outline } = scratch;
  await page.selectOption('#part-size', 'small');
  await page.waitForFunction((old) => document.querySelector('.outline path').getAttribute('d') !== old, outline);

  await choose(page, 'wood');
  const wood = await waitPart(page, /^wood, /);
  assert.match(await page.textContent('#lead-words'), /has only ever seen sound wood/);
  assert.notEqual(wood.input, scratch.input);
  await choose(page, FIRST);
  const back = await waitPart(page, OPENED);
  assert.equal(back.part, scratch.part);
}));

test('samples are rendered: a chosen one is a row and shown large, with the slider where its fault is', onPage({}, async (page) => {
  await thumbsReady(page);
  asked.length = 0;
  const names = await page.$$eval('#thumbs button', (buttons) => buttons.map((button) => button.dataset.sample));
  assert.equal(new Set(names).size, 24);
  const faulty = names.find((name) => name.includes('scratch'));
  await page.click(`#thumbs [data-sample="${faulty}"]`);
  const [row] = await waitRows(page, 1);
  assert.equal(row.name, faulty);
  assert.match(row.text, /Rendered image · 128 × 128 · labelled scratch/);
  const shown = await waitPart(page, new RegExp(`^${faulty}$`));
  assert.equal(shown.wear, '100');
  assert.equal(shown.score, Number(row.score));
  assert.equal(await page.inputValue('#part-fault'), 'scratch');
  assert.ok((await wearTo(page, 20)).score !== shown.score);
  await page.click(`#thumbs [data-sample="${names[0]}"]`);
  await waitRows(page, 2);
  assert.equal((await waitPart(page, new RegExp(`^${names[0]}$`))).outline, '');
  assert.ok((await wearTo(page, 100)).outline.length > 0, 'a sound part can be worn as well');

  await page.click('#results button.name');
  assert.match(await page.textContent('#row-dialog .look-facts'), /^Rendered image · 128 × 128 pixels · labelled scratch$/);
  await page.keyboard.press('Escape');
  await page.click('#score-all');
  const all = await waitRows(page, 26);
  assert.ok(all.every(({ score, marks }) => Number.isFinite(Number(score)) && Number.isFinite(Number(marks))));
  assert.equal(all.find(({ name }, i) => i > 1 && name === faulty).score, row.score, 'the same part, the same score');
  const csv = parseCsv((await downloaded(page, '#export-csv')).bytes.toString());
  assert.equal(csv[1][0], `rendered/${faulty}`);
  assert.deepEqual(asked.filter((path) => /\.png|\/samples\//.test(path)), [], 'no picture is fetched');
}));

test('the real pictures come when they are chosen, with their methods; and back again', onPage({}, async (page) => {
  await thumbsReady(page);
  asked.length = 0;
  await choose(page, SOLAR);
  await page.waitForSelector('#look[data-example] .look-score');
  await page.waitForFunction(() => !document.querySelector('.look').hidden);
  assert.ok(await page.isHidden('#product'));
  assert.ok(asked.includes('/models/solar-ir.safetensors') && asked.includes('/samples/gallery/index.json'));
  assert.equal(new URL(page.url()).searchParams.get('set'), SOLAR);
  assert.ok((await page.$$eval('#method option', (options) => options.map(({ value }) => value))).includes('pca'));
  await waitText(page, '#gallery-words', /^Thermal images of solar modules\. .*misses most/);
  await waitText(page, '#lead-words', /thermal images of normal solar modules/);
  await page.click('#thumbs li:nth-child(4) button');
  const [row] = await waitRows(page, 1);
  assert.match(row.name, /\.png$/);
  assert.ok(!row.text.includes('Rendered'));

  await choose(page, FIRST);
  await waitPart(page, OPENED);
  assert.equal(new URL(page.url()).searchParams.get('set'), FIRST);
  assert.deepEqual(await page.$$eval('#method option', (options) => options.map(({ value }) => value)), [`${FIRST}-repair`, `${FIRST}-pca`]);
  assert.equal(await page.locator('#results tr[data-stale]').count(), 1, 'the row is from another model now');
  await choose(page, SOLAR);
  await page.waitForFunction((name) => document.querySelector('.look-name').textContent === name && !document.querySelector('.look').hidden, row.name);
}));

test('a set whose model cannot be fetched: said, and all is as before', onPage({}, async (page) => {
  await page.context().route('**/models/lines/wood.safetensors', (route) => route.fulfill({ status: 500, body: 'x' }));
  const before = await product(page);
  await page.click('#sets [data-set="wood"]');
  await waitText(page, '#notices', /could not be fetched \(the server answered 500\).*remains in use/);
  await page.waitForFunction((id) => document.querySelector(`#sets [data-set="${id}"]`).ariaPressed === 'true', FIRST);
  assert.equal((await waitPart(page, OPENED)).part, before.part);
  assert.ok(Number.isFinite((await wearTo(page, 30)).score));
  assert.equal(await page.getAttribute('html', 'data-set'), FIRST);
}));

test('one set chosen, and another before it is there: the last one is shown, with its model', onPage({}, async (page) => {
  let held = [];
  await page.context().route('**/models/lines/{wood,gear}.safetensors', (route) => void held.push(route));
  const release = async (answer = (route) => route.continue()) => {
    const routes = held;
    held = [];
    await Promise.all(routes.map((route) => answer(route).catch(() => {}))); // some were given up
  };
  const press = (set) => page.click(`#sets [data-set="${set}"]`);
  const fetching = async (count) => {
    while (held.length < count) await page.waitForTimeout(20);
  };
  const shows = async (set, pattern) => {
    await page.waitForFunction((id) => document.documentElement.dataset.set === id, set);
    await waitPart(page, pattern);
    assert.equal(await page.getAttribute(`#sets [data-set="${set}"]`, 'aria-pressed'), 'true');
    assert.equal(await page.inputValue('#method'), `${set}-repair`);
    for (const wear of [20, 70]) assert.ok(Number.isFinite((await wearTo(page, wear)).score));
  };

  await press('wood');
  await fetching(1);
  await press(FIRST);
  await shows(FIRST, OPENED);
  await release();
  await shows(FIRST, OPENED);

  await press('wood');
  await press('wood');
  await fetching(1);
  await release();
  await shows('wood', /^wood, /);

  await press('fabric');
  await shows('fabric', /^fabric, /);
  await press('gear');
  await fetching(1);
  await release((route) => route.fulfill({ status: 500, body: 'x' }));
  await waitText(page, '#notices', /could not be fetched/);
  await shows('fabric', /^fabric, /);
}));

test('the address: a set, a set that there is not, a model of a set', async () => {
  for (const [query, set] of [['?set=wood', 'wood'], ['?set=egg', FIRST], [`?set=${SOLAR}`, SOLAR], ['?set=&model=models/methods/pca.safetensors', SOLAR], ['?set=wood&model=models/solar-ir.safetensors', 'wood']]) {
    await onPage({ query }, async (page) => {
      assert.equal(await page.getAttribute('html', 'data-set'), set, query);
      if (query.endsWith('pca.safetensors')) await waitText(page, '#model-said', /^pca\.safetensors: pca,/);
    })();
  }
});

test('a visitor\'s own model stays in use whatever is looked at, and the page says so', onPage({}, async (page) => {
  await page.setInputFiles('#model-file', { name: 'mine.safetensors', mimeType: 'application/octet-stream', buffer: modelBytes() });
  await waitText(page, '#part-words', new RegExp(`The model in use is mine, which was not trained on these ${LINE.normals}\\.`));
  await choose(page, 'wood');
  await waitPart(page, /^wood, /);
  assert.match(await page.textContent('#model-said'), /^mine\.safetensors/);
  assert.match(await page.textContent('#part-words'), /The model in use is mine, .* sound wood\./);
  assert.ok((await page.$$eval('#method option', (options) => options.map(({ textContent }) => textContent))).some((words) => words.includes('mine')));
  assert.match(await page.textContent('#part-facts'), /the model sees it at 32 × 32/);
}));

test('a visitor\'s images while the slider moves: both are answered', onPage({}, async (page) => {
  await page.setInputFiles('#files', sampleFiles(60));
  await wearTo(page, 35);
  const found = await waitRows(page, 60);
  assert.ok(found.every(({ score }) => Number(score) > 0));
}));

test('keyboard: every control of the part, and the slider says what it means', onPage({ viewport: { width: 1440, height: 900 } }, async (page) => {
  await thresholdBetween(page);
  await page.evaluate(() => scrollTo(0, 0));
  await page.focus('#theme');
  await tabTo(page, '#sets button');
  await tabTo(page, '#wear');
  await page.keyboard.press('Home');
  await page.waitForFunction(() => /^0 %, score -?[\d.]+, (normal|anomalous)$/.test(document.querySelector('#wear').getAttribute('aria-valuetext')));
  for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => /^3 %, score -?[\d.]+, (normal|anomalous)$/.test(document.querySelector('#wear').getAttribute('aria-valuetext')));
  await page.keyboard.press('End');
  await waitText(page, '#status', /Wear 100 %, score -?[\d.]+, anomalous\./);
  for (const id of ['#part-fault', '#part-size', '#part-outline', '#part-another']) await tabTo(page, id);
  const before = await product(page);
  await page.keyboard.press('Enter');
  await page.waitForFunction((part) => document.querySelector('#product').dataset.part !== part, before.part);
}));

for (const colorScheme of ['light', 'dark']) {
  test(`at all widths, ${colorScheme}: nothing sticks out, no serious finding; screenshots are kept`, onPage({ colorScheme, viewport: { width: 1440, height: 900 } }, async (page) => {
    mkdirSync(outputDir, { recursive: true });
    for (const { id } of SETS) {
      await choose(page, id);
      await page.waitForFunction(() => document.querySelector('#product').hidden || document.querySelector('#product').dataset.waiting === undefined);
      for (const width of [1440, 768, 320]) {
        await page.setViewportSize({ width, height: 900 });
        await nothingSticksOut(page);
        await page.screenshot({ path: join(outputDir, `product-${id}-${width}-${colorScheme}.png`) });
        if (id === FIRST) await scanAccess(page, width);
      }
    }
  }));
}

test('offline after the first visit, with a second line that was chosen before', async () => {
  const own = await startServer();
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(own.url);
    await waitReady(page);
    await choose(page, 'wood');
    await page.waitForFunction(() => document.documentElement.dataset.offline === 'ready', undefined, { timeout: 120_000 });
    await choose(page, OTHER);
    await waitPart(page, /^gear, /);
    await own.close();
    await context.setOffline(true);
    await page.goto(own.url);
    await waitReady(page);
    await waitPart(page, OPENED);
    for (const [set, name] of [['wood', /^wood, /], [OTHER, /^gear, /]]) {
      await choose(page, set);
      await waitPart(page, name);
      assert.ok(Number.isFinite((await wearTo(page, 10)).score));
    }
    await page.click('#sets [data-set="fabric"]');
    await waitText(page, '#notices', /could not be fetched/);
  } finally {
    await context.close();
    await own.close().catch(() => {});
  }
});

test('training: one click takes 200 parts of the line, rendered here; the run begins', onPage({ query: '?set=&device=cpu&steps=4&batch=4&width=2&size=32' }, async (page) => {
  await page.locator('#train').scrollIntoViewIfNeeded();
  asked.length = 0;
  await page.click('#train-parts');
  await waitText(page, '#train-said', /200 normal images: about \d+ to train on, \d+ held out\..*50 normal and 50 abnormal labelled images/s, 120_000);
  assert.deepEqual(asked.filter((path) => /\.png|\/samples\//.test(path)), []);
  await page.click('#train-start');
  await page.waitForFunction(() => Number(document.documentElement.dataset.step) >= 1, undefined, { timeout: 120_000 });
  await page.waitForFunction(() => document.documentElement.dataset.training === 'done', undefined, { timeout: 120_000 });
  assert.match(await page.textContent('#train-command'), new RegExp(`--data product:${FIRST},size=128,normals=200,test=100`));
  await choose(page, SOLAR);
  assert.ok(await page.isHidden('#train-parts'));
  await choose(page, 'wood');
  assert.ok(await page.isVisible('#train-parts'));
  assert.ok((await rows(page)).length === 0);
}));
