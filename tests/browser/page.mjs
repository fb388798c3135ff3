// The page in Chromium: the ways in, the table, the threshold, the ways out.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import * as zlib from 'node:zlib';
import { launch, modelHeader, startServer, temporaryFolder } from './harness.mjs';
import { png } from './pictures.mjs';
import { downloaded, giveFiles, parseCsv, rows, sampleFiles, samplePaths, slide, tabTo, waitRows, waitStill, waitText, withPage } from './drive.mjs';

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

/** How many grey values each of a row's three pictures has; a blank one has a single value. */
function picturesOf(page, selector) {
  return page.$$eval(`${selector} :is(img, canvas)`, async (images) => {
    const result = [];
    for (const image of images) {
      await image.decode();
      const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
      const context = canvas.getContext('2d');
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      const values = new Set();
      for (let i = 0; i < data.length; i += 4) values.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
      result.push({ values: values.size, alt: image.alt, width: image.naturalWidth });
    }
    return result;
  });
}

/** A row that says what a scored row must say. */
function assertScored(row) {
  for (const key of ['score', 'residual', 'latent']) {
    const value = Number(row[key]);
    assert.ok(Number.isFinite(value) && value >= 0, `${row.name}: ${key} is ${row[key]}`);
    assert.equal(String(value), row[key], `${row.name}: ${key} has full precision`);
  }
  const { score, residual, latent } = row;
  const { lambda, balance } = modelHeader().scoring;
  assert.equal(balance, 'raw');
  const expected = lambda * residual + (1 - lambda) * latent;
  assert.ok(Math.abs(score - expected) < 1e-5, `${row.name}: A = ${score}, λ R + (1 - λ) L = ${expected}`);
  assert.ok(['normal', 'anomalous'].includes(row.verdict), `${row.name}: verdict ${row.verdict}`);
}

test('the gallery: an example at once, a sample on a click, all samples on another', onPage({}, async (page) => {
  await page.waitForFunction(() => document.documentElement.dataset.firstScoreMs);
  assert.ok(await page.isVisible('#look[data-example] .look-score'));
  assert.deepEqual(await page.$$eval('#look .look img', (images) => images.map((image) => image.naturalWidth > 0 && image.checkVisibility())), [true, true, true]);
  assert.match(await page.textContent('#look .look .verdict-word'), /^(Normal|Anomalous)$/);
  assert.equal(await page.locator('#results tbody tr').count(), 0, 'the example is no result');
  assert.equal(await page.getAttribute('html', 'data-device'), 'cpu');

  const names = await page.$$eval('#thumbs button', (buttons) => buttons.map((button) => button.dataset.sample));
  assert.equal(names.length, 24);
  await page.click(`#thumbs button[data-sample="${names[3]}"]`);
  const [row] = await waitRows(page, 1);
  assert.equal(row.name, names[3]);
  assertScored(row);
  assert.equal(await page.textContent('#look .look-name'), names[3], 'the clicked sample is shown large');

  const pictures = await picturesOf(page, '#results tbody tr');
  assert.equal(pictures.length, 3);
  for (const { values, alt, width } of pictures) {
    assert.ok(values > 4, `"${alt}" is blank`);
    assert.ok(width >= 32);
    assert.ok(alt.includes(names[3]), `"${alt}" names the picture`);
  }

  await page.click('#score-all');
  const all = await waitRows(page, 25);
  assert.deepEqual(all.slice(1).map((one) => one.name), names);
  all.forEach(assertScored);
  const words = await page.textContent('main');
  assert.match(words, /all skip connections are cut/);
  assert.match(words, /nearest encoding in the memory bank.*The score is A = L\./s);
  const inBatch = all.find((one, i) => i > 0 && one.name === names[3]).score;
  assert.equal(inBatch, row.score, 'a score does not depend on its batch');
  assert.ok(new Set(all.map((one) => one.score)).size >= 20, 'different pictures get different scores');
}));

test('drop: files become rows in their order', onPage({}, async (page) => {
  const files = sampleFiles(3);
  assert.equal(await giveFiles(page, 'drop', files), true, 'the browser must not open the file itself');
  const found = await waitRows(page, 3);
  assert.deepEqual(found.map((row) => row.name), files.map((file) => file.name));
  found.forEach(assertScored);
}));

test('drop: a folder is read to its depths, what is no picture is left out and said', onPage({}, async (page) => {
  const folder = join(temporaryFolder(), 'modules');
  mkdirSync(join(folder, 'inner', 'deep'), { recursive: true });
  const [a, b] = sampleFiles(2);
  writeFileSync(join(folder, 'a.png'), a.buffer);
  writeFileSync(join(folder, 'inner', 'deep', 'a.png'), b.buffer);
  writeFileSync(join(folder, 'notes.txt'), 'no picture');
  const client = await page.context().newCDPSession(page);
  const data = { items: [], files: [folder], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop']) {
    await client.send('Input.dispatchDragEvent', { type, x: 200, y: 300, data });
  }
  const found = await waitRows(page, 2);
  assert.deepEqual(found.map((row) => row.path).sort(), ['modules/a.png', 'modules/inner/deep/a.png']);
  found.forEach(assertScored);
  await waitText(page, '#notices', /Skipped 1 file in the folder/);
}));

test('paste: a picture from the clipboard', onPage({}, async (page) => {
  const [file] = sampleFiles(1, () => 'pasted.png');
  await giveFiles(page, 'paste', [file]);
  const [row] = await waitRows(page, 1);
  assert.equal(row.name, 'pasted.png');
  assertScored(row);
}));

test('folder input: every picture of the folder', onPage({}, async (page) => {
  const folder = join(temporaryFolder(), 'folder');
  mkdirSync(join(folder, 'sub'), { recursive: true });
  const paths = samplePaths(5);
  paths.forEach((path, i) => writeFileSync(join(folder, i < 3 ? '' : 'sub', basename(path)), readFileSync(path)));
  writeFileSync(join(folder, 'Thumbs.db'), 'x');
  await page.setInputFiles('#folder', folder);
  const found = await waitRows(page, 5);
  assert.deepEqual(found.map((row) => row.name).sort(), paths.map((path) => basename(path)).sort());
  assert.equal(found.filter((row) => row.path?.startsWith('folder/sub/')).length, 2);
  found.forEach(assertScored);
}));

test('camera: a picture taken is scored, and closing the dialog lets the camera go', async () => {
  const withCamera = await launch({ webgpu: false, args: ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'] });
  try {
    await withPage(withCamera, server.url, {}, async (page) => {
      await page.click('#camera');
      await page.waitForFunction(() => document.querySelector('#camera-dialog video').videoWidth > 0);
      await page.click('#camera-take');
      const [row] = await waitRows(page, 1);
      assert.equal(row.name, 'camera-1.png');
      assertScored(row);
      const track = await page.evaluateHandle(() => document.querySelector('#camera-dialog video').srcObject.getTracks()[0]);
      await page.keyboard.press('Escape');
      await page.waitForFunction((one) => one.readyState === 'ended', track);
    });
  } finally {
    await withCamera.close();
  }
});

test('300 images: the rows come a few at a time, with progress; what is far away is not drawn', onPage({}, async (page) => {
  await page.waitForFunction(() => document.documentElement.dataset.firstScoreMs);
  await page.evaluate(() => {
    const body = document.querySelector('#results tbody');
    const bar = document.querySelector('#progress');
    window.seen = { steps: [], progress: new Set() };
    new MutationObserver(() => window.seen.steps.push(body.rows.length)).observe(body, { childList: true });
    new MutationObserver(() => {
      if (bar.checkVisibility() && Number(bar.ariaValueNow) > 0 && bar.ariaValueMax === '300') window.seen.progress.add(bar.ariaValueNow);
    }).observe(bar, { attributes: true });
  });
  await giveFiles(page, 'drop', sampleFiles(300));
  (await waitRows(page, 300)).forEach(assertScored);
  const { steps, progress } = await page.evaluate(() => ({ ...window.seen, progress: [...window.seen.progress] }));
  assert.equal(steps.at(-1), 300);
  assert.ok(steps.length >= 300 / 8, `rows came in few steps: ${steps}`);
  assert.ok(progress.length >= 1, 'the progress was shown while the rows came');
  await page.evaluate(() => scrollTo(0, document.querySelector('#results').getBoundingClientRect().bottom + scrollY));
  await page.waitForFunction(() => document.querySelectorAll('#results tbody tr:last-child img[src]').length === 3);
  await page.waitForFunction(() => document.querySelectorAll('#results tbody img[src]').length < 900);
}));

test('threshold: slider and number change verdicts, texts and exports, reset brings the model\'s back', onPage({}, async (page) => {
  await page.click('#score-all');
  const before = await waitRows(page, 24);
  const scores = before.map((row) => Number(row.score)).sort((a, b) => a - b);
  const middle = (scores[11] + scores[12]) / 2;
  const verdicts = () => page.$$eval('#results tbody tr', (list) => list.map((tr) => [Number(tr.dataset.score), tr.dataset.verdict]));
  const settled = (threshold) =>
    page.waitForFunction(
      (t) => [...document.querySelectorAll('#results tbody tr')].every((tr) => tr.dataset.verdict === (Number(tr.dataset.score) > t ? 'anomalous' : 'normal')),
      threshold,
    );
  await page.$eval('#threshold', (input, max) => { if (Number(input.max) < max) throw new Error(`the slider ends at ${input.max}`); }, middle);
  await slide(page, '#threshold', middle);
  await settled(middle);
  assert.equal((await verdicts()).filter(([, verdict]) => verdict === 'anomalous').length, 12);
  await waitText(page, '#counts', /24 scored, 12 anomalous/);
  assert.match(await page.textContent('#threshold-source'), /Set by you/);

  const json = JSON.parse((await downloaded(page, '#export-json')).bytes.toString());
  assert.ok(Math.abs(json.threshold - middle) < 1e-12);
  for (const picture of json.pictures) {
    assert.equal(picture.threshold, json.threshold);
    assert.equal(picture.verdict, picture.score > middle ? 'anomalous' : 'normal');
    assert.equal(picture.display > 0.5, picture.score > middle, `display ${picture.display} for ${picture.score} against ${middle}`);
  }

  await page.fill('#threshold-number', String(scores[23] * 2));
  await page.press('#threshold-number', 'Enter');
  await settled(scores[23] * 2);
  await waitText(page, '#counts', /24 scored, 0 anomalous/);

  await page.click('#threshold-reset');
  await waitText(page, '#threshold-source', /^The model's own threshold: the \d+(\.\d+)?(st|nd|rd|th) percentile of the scores of [\d,]+ held-out normal images\.$/);
  await page.waitForFunction(
    (old) => [...document.querySelectorAll('#results tbody tr')].every((tr, i) => tr.dataset.verdict === old[i]),
    before.map((row) => row.verdict),
  );
}));

test('overlay, sort, filter, a row shown large, clear', onPage({}, async (page) => {
  await page.click('#score-all');
  const found = await waitRows(page, 24);
  const opacity = () => page.$eval('#results tbody tr img.heat', (image) => getComputedStyle(image).opacity);
  await slide(page, '#overlay', 20);
  assert.equal(await opacity(), '0.2');
  await slide(page, '#overlay', 100);
  assert.equal(await opacity(), '1');

  const shown = () => page.$$eval('#results tbody tr', (list) => list.map((tr) => Number(tr.dataset.score)));
  await page.selectOption('#sort', 'high');
  assert.deepEqual(await shown(), found.map((row) => Number(row.score)).sort((a, b) => b - a));
  // A picture that comes later takes its place in the order.
  await page.setInputFiles('#files', sampleFiles(1));
  await waitRows(page, 25);
  const sorted = await shown();
  assert.deepEqual(sorted, sorted.toSorted((a, b) => b - a));
  await page.selectOption('#sort', 'name');
  const names = await page.$$eval('#results tbody tr', (list) => list.map((tr) => tr.dataset.name));
  assert.deepEqual(names, names.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })));

  const median = (sorted[11] + sorted[12]) / 2;
  assert.ok(sorted[11] > sorted[12]);
  await slide(page, '#threshold', median);
  await page.waitForFunction(() => document.querySelectorAll('#results tr[data-verdict="anomalous"]').length === 12);
  await page.click('#filter [data-filter="anomalous"]');
  const visible = await page.$$eval('#results tbody tr', (list) => list.filter((tr) => tr.checkVisibility()).map((tr) => tr.dataset.verdict));
  assert.deepEqual([...new Set(visible)], ['anomalous']);
  assert.equal(visible.length, 12);
  await page.click('#filter [data-filter="all"]');

  await page.click('#results tbody tr:nth-child(2) button.name');
  assert.equal(await page.textContent('#row-dialog .look-name'), names[1]);
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.textContent('#row-dialog .look-name'), names[2]);
  await page.click('#row-close');
  await page.click('#clear');
  await waitRows(page, 0);
  assert.ok(await page.isDisabled('#export-csv'));
}));

test('stop: what waits is not scored, and what comes later is', onPage({
  // The fifth batch, and those after it, wait until the test lets them go.
  module: `const score = Model.prototype.score;
    const gate = new Promise((done) => { new BroadcastChannel('go').onmessage = done; });
    let batches = 0;
    Model.prototype.score = async function (files) {
      if (++batches > 4) await gate;
      return score.call(this, files);
    };`,
}, async (page) => {
  await page.setInputFiles('#files', sampleFiles(60));
  await page.waitForFunction(() => document.querySelectorAll('#results tbody tr').length > 0);
  await page.click('#stop');
  await waitText(page, '#notices', /Stopped: \d+ images were not scored/);
  await page.evaluate(() => new BroadcastChannel('go').postMessage(0));
  await page.waitForSelector('#queue', { state: 'hidden' });
  // The worker answers in turn: what it still had would have a row before this one.
  await page.setInputFiles('#files', sampleFiles(1, () => 'later.png'));
  await page.waitForSelector('#results tr[data-name="later.png"]', { state: 'attached' });
  const found = await rows(page);
  assert.equal(found.at(-1).name, 'later.png');
  assert.ok(found.length < 61, `${found.length - 1} of 60 were scored all the same`);
}));

test('long names: shortened in the middle on the page, whole for screen readers, on hovering and in files', onPage({}, async (page) => {
  const name = `${'inspection of the north roof, second row, module '.repeat(3)}017.png`;
  await page.setInputFiles('#files', sampleFiles(1, () => name));
  await waitRows(page, 1);
  const button = page.locator('#results button.name');
  const shown = await button.textContent();
  assert.ok(shown.length <= 40 && shown.startsWith('inspection') && shown.endsWith('017.png') && shown.includes('…'), shown);
  assert.equal(await button.getAttribute('title'), name);
  assert.equal(await page.getByRole('button', { name, exact: true }).count(), 1);
  const lines = await button.evaluate((one) => one.getBoundingClientRect().height / parseFloat(getComputedStyle(one).lineHeight));
  assert.ok(lines < 3.1, `the name takes ${lines} lines`);
  await button.click();
  assert.equal(await page.textContent('#row-dialog .look-name'), shown);
  assert.equal(await page.getAttribute('#row-dialog .look-name', 'title'), name);
  await page.keyboard.press('Escape');
  const [, record] = parseCsv((await downloaded(page, '#export-csv')).bytes.toString('utf8'));
  assert.equal(record[0], name);
}));

test('images that are added bring the results into view, and the keyboard at once goes on from there', onPage({ viewport: { width: 1280, height: 720 } }, async (page) => {
  await page.setInputFiles('#files', sampleFiles(3));
  await page.waitForFunction(() => scrollY > 0);
  await waitRows(page, 3);
  // A scroll that was still under way would take the focus out of sight.
  await tabTo(page, '#export-csv');
  await page.waitForSelector('#queue', { state: 'hidden' });
  await waitStill(page, '#results-title, #results');
  const { top, bottom } = await page.$eval('#export-csv', (button) => button.getBoundingClientRect());
  assert.ok(top >= 0 && bottom <= 720, `the button with the focus is from ${top} to ${bottom} of 720 px`);
}));

test('what is made of transparency is said where the formats are, and is so', onPage({}, async (page) => {
  assert.match(await page.textContent('.drop'), /Transparency is ignored: transparent areas usually turn black\./);
  // Opaque and grey on the left, transparent and black on the right.
  const buffer = png(32, 32, 4, 8, (x, _, channel) => (channel === 3 ? Number(x < 0.5) : x < 0.5 ? 0.6 : 0));
  await page.setInputFiles('#files', [{ name: 'half.png', mimeType: 'image/png', buffer }]);
  await waitRows(page, 1);
  await page.waitForSelector('#results img.input[src]');
  const [left, right] = await page.$eval('#results img.input', async (image) => {
    await image.decode();
    const context = new OffscreenCanvas(32, 32).getContext('2d');
    context.drawImage(image, 0, 0, 32, 32);
    return [context.getImageData(4, 16, 1, 1).data[0], context.getImageData(28, 16, 1, 1).data[0]];
  });
  assert.deepEqual([left, right], [153, 0]);
}));

const AWKWARD = ['=HYPERLINK("http://x","y"),1.png', '+1.png', '-2.png', '@home.png', 'comma, "quoted".png', 'línea 2.png'];

test('CSV and JSON hold what the rows say; names cannot act as formulas', onPage({}, async (page) => {
  await page.setInputFiles('#files', [
    ...sampleFiles(AWKWARD.length, (i) => AWKWARD[i]),
    { name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') },
  ]);
  const found = await waitRows(page, AWKWARD.length + 1);

  const csv = await downloaded(page, '#export-csv');
  assert.match(csv.name, /\.csv$/);
  const [header, ...records] = parseCsv(csv.bytes.toString('utf8'));
  assert.deepEqual(header, ['name', 'score', 'residual', 'latent', 'marks', 'threshold', 'verdict', 'display', 'error']);
  assert.equal(records.length, found.length);
  records.forEach((record, i) => {
    const row = found[i];
    assert.equal(record.length, 9);
    assert.equal(record[0], /^[=+\-@]/.test(row.name) ? `'${row.name}` : row.name);
    assert.deepEqual(record.slice(1, 5), [row.score ?? '', row.residual ?? '', row.latent ?? '', row.marks ?? '']);
    assert.equal(record[6], row.verdict);
    if (row.verdict === 'error') {
      assert.deepEqual(record.slice(5, 8), ['', 'error', '']);
      assert.ok(record[8].length > 5 && row.text.includes(record[8]), 'the reason is the one shown');
    } else {
      assert.equal(Number(record[1]) > Number(record[5]), row.verdict === 'anomalous');
      assert.ok(Number(record[7]) > 0 && Number(record[7]) < 1);
      assert.equal(record[8], '');
    }
  });

  const json = JSON.parse((await downloaded(page, '#export-json')).bytes.toString('utf8'));
  assert.equal(json.device, 'cpu');
  assert.equal(json.model.method, 'skip-ganomaly');
  json.pictures.forEach((picture, i) => {
    assert.equal(picture.name, found[i].name);
    assert.equal(picture.score, found[i].score === undefined ? null : Number(found[i].score));
    assert.equal(picture.verdict, found[i].verdict);
  });
}));

/** The entries of a ZIP without compression, checked against their checksums. */
function readZip(bytes) {
  const end = bytes.length - 22;
  assert.equal(bytes.readUInt32LE(end), 0x06054b50);
  const count = bytes.readUInt16LE(end + 10);
  let at = bytes.readUInt32LE(end + 16);
  const entries = new Map();
  for (let i = 0; i < count; i++) {
    assert.equal(bytes.readUInt32LE(at), 0x02014b50);
    const [crc, size] = [bytes.readUInt32LE(at + 16), bytes.readUInt32LE(at + 24)];
    const length = bytes.readUInt16LE(at + 28);
    const local = bytes.readUInt32LE(at + 42);
    const name = bytes.toString('utf8', at + 46, at + 46 + length);
    assert.equal(bytes.readUInt32LE(local), 0x04034b50);
    assert.equal(bytes.toString('utf8', local + 30, local + 30 + length), name);
    const body = bytes.subarray(local + 30 + length, local + 30 + length + size);
    if (zlib.crc32) assert.equal(zlib.crc32(body), crc, `checksum of ${name}`);
    entries.set(name, body);
    at += 46 + length;
  }
  return entries;
}

test('ZIP: the scores and three pictures for each', onPage({}, async (page) => {
  await page.setInputFiles('#files', [...sampleFiles(2, () => 'same.png'), ...sampleFiles(1, () => 'other.png')]);
  await waitRows(page, 3);
  const { bytes } = await downloaded(page, '#export-zip');
  const entries = readZip(bytes);
  assert.equal(parseCsv(entries.get('scores.csv').toString()).length, 4);
  assert.equal(JSON.parse(entries.get('scores.json').toString()).pictures.length, 3);
  const pictures = [...entries.keys()].filter((name) => name.endsWith('.png'));
  assert.equal(pictures.length, 9, pictures.join());
  assert.ok(pictures.includes('pictures/same-heat.png') && pictures.includes('pictures/same-heat-2.png'));
  for (const name of pictures) {
    const png = entries.get(name);
    assert.equal(png.toString('latin1', 1, 4), 'PNG');
    // Decodes to as many bytes as its header says: the writer is the page's own.
    const [width, height, type] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25]];
    const raw = zlib.inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)));
    assert.equal(raw.length, height * (1 + width * (type === 0 ? 1 : 3)), name);
  }
}));

test('the theme: follows the system, can be changed, is kept', onPage({ colorScheme: 'dark' }, async (page) => {
  const paper = () => page.$eval('body', (body) => getComputedStyle(body).backgroundColor.match(/\d+/g).map(Number)[0]);
  assert.ok((await paper()) < 80);
  assert.equal(await page.getAttribute('#theme', 'aria-pressed'), 'true');
  await page.click('#theme');
  assert.ok((await paper()) > 180);
  await page.reload();
  assert.ok((await paper()) > 180);
  assert.equal(await page.getAttribute('#theme', 'aria-pressed'), 'false');
}));
