// Page against program: the same pictures and the same model give the same raw scores, alone, in
// any order and in any batch size, on the CPU and on WebGPU.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { addressOf, launch, openPage, root, runProgram, sampleDir, startServer, temporaryFolder } from './harness.mjs';
import { makePictures, random } from './pictures.mjs';

const CPU_TOLERANCE = 1e-5;
const WEBGPU_TOLERANCE = 1e-4;
const model = join(root, 'www/models/solar-ir.safetensors');

let server;
let browser;
/** @type {string[]} */
let pictures = [];
/** The program's results by file name. @type {Map<string, any>} */
let expected = new Map();

const pngsOf = (folder, count) =>
  readdirSync(join(sampleDir, folder))
    .filter((name) => name.endsWith('.png'))
    .sort()
    .slice(0, count)
    .map((name) => join(sampleDir, folder, name));

before(async () => {
  server = await startServer();
  browser = await launch();
  const page = await browser.newPage();
  await page.goto(addressOf(server.url));
  pictures = [
    ...pngsOf('gallery', 16),
    ...pngsOf('solar-ir/test/0.normal', 5),
    ...pngsOf('solar-ir/test/1.abnormal', 5),
    ...(await makePictures(page, temporaryFolder())),
  ];
  await page.close();
  // The gallery may hold some of the test pictures; a name stands for one picture here.
  pictures = [...new Map(pictures.map((path) => [basename(path), path])).values()];
  assert.ok(pictures.length >= 35, `${pictures.length} pictures to compare`);

  const lines = await scoreInProgram(model, pictures);
  expected = byName(lines);
  assert.deepEqual(lines.map((line) => line.path), pictures, 'one line a picture, in the order given');
  const scores = lines.map((line) => line.score);
  assert.ok(scores.every(Number.isFinite), `scores are numbers: ${scores}`);
  assert.ok(new Set(scores).size > pictures.length / 2, 'the scores differ from one another');
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** The program's line for each picture, in order. */
async function scoreInProgram(file, paths) {
  const { status, stdout, stderr } = await runProgram(['score', '--model', file, '--json', ...paths]);
  assert.equal(status, 0, `the program failed: ${stderr}`);
  return stdout.trim().split('\n').map((line) => JSON.parse(line));
}

const byName = (lines) => new Map(lines.map((line) => [basename(line.path), line]));

/** Scores files in the page, `batch` files a selection, and gives the rows. */
async function scoreInPage(page, paths, batch = paths.length, timeout = 120_000) {
  for (let start = 0; start < paths.length; start += batch) {
    const end = Math.min(start + batch, paths.length);
    await page.locator('#files').setInputFiles(paths.slice(start, end));
    await page.waitForFunction((n) => document.querySelectorAll('#results tbody tr[data-verdict]').length >= n, end, { timeout });
  }
  const rows = await page.$$eval('#results tbody tr', (all) => all.map((row) => ({ ...row.dataset })));
  assert.equal(rows.length, paths.length, 'one row a picture');
  return rows;
}

function compare(rows, paths, tolerance, wanted = expected) {
  assert.deepEqual(rows.map((row) => row.name).sort(), paths.map((path) => basename(path)).sort());
  let largest = 0;
  for (const row of rows) {
    const want = wanted.get(row.name);
    for (const field of ['score', 'residual', 'latent', 'marks']) {
      if (want[field] === null) {
        assert.equal(row[field], undefined, field);
        continue;
      }
      // Absolute up to 1, relative above: what is far from all that is remembered has a score of 30.
      const difference = Math.abs(Number(row[field]) - want[field]) / Math.max(1, Math.abs(want[field]));
      assert.ok(
        difference <= tolerance,
        `${row.name}: ${field} is ${row[field]} in the page and ${want[field]} in the program, more than ${tolerance} apart`,
      );
      largest = Math.max(largest, difference);
    }
    if (want.threshold !== null && Math.abs(want.score - want.threshold) > tolerance) {
      assert.equal(row.verdict, want.verdict, `${row.name}: verdict`);
    }
  }
  return largest;
}

function shuffled(list, seed) {
  const next = random(seed);
  const out = [...list];
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = Math.floor(next() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

for (const [name, batch, order] of [
  ['all at once', undefined, (list) => list],
  ['in another order, in batches of 7', 7, (list) => shuffled(list, 1)],
  ['backwards, in batches of 3', 3, (list) => [...list].reverse()],
  ['one at a time', 1, (list) => shuffled(list, 2)],
]) {
  test(`CPU: page and program agree, ${name}`, async (t) => {
    const page = await openPage(browser, server.url, '?device=cpu');
    assert.equal(await page.evaluate(() => document.documentElement.dataset.device), 'cpu');
    const paths = order(pictures);
    const largest = compare(await scoreInPage(page, paths, batch), paths, CPU_TOLERANCE);
    t.diagnostic(`largest difference ${largest.toExponential(2)} over ${paths.length} pictures`);
    await page.close();
  });
}

// The models of the other methods that the page offers.
const others = JSON.parse(readFileSync(join(root, 'www/models/index.json'), 'utf8')).slice(1);
for (const { method, file } of others) {
  test(`CPU: page and program agree on ${method}`, { timeout: 300_000 }, async (t) => {
    const whole = join(root, 'www/models', file);
    const { stdout } = await runProgram(['inspect', '--json', whole]);
    const searched = JSON.parse(stdout).header.scoring.search_steps;
    // A long search makes much of the last bit, which differs between processors: it is compared while it is short.
    const model = searched ? join(temporaryFolder(), 'short.safetensors') : whole;
    if (searched) {
      const made = await runProgram(['calibrate', '--model', whole, '--data', join(sampleDir, 'solar-ir'), '--search-steps', '20', '--out', model]);
      assert.equal(made.status, 0, `the program failed: ${made.stderr}`);
    }
    const paths = pictures.slice(0, 20);
    const wanted = byName(await scoreInProgram(model, paths));
    const page = await openPage(browser, server.url, '?device=cpu');
    await page.locator('#files').setInputFiles(model);
    await page.waitForFunction((method) => document.getElementById('model-said').textContent.includes(`: ${method},`), method);
    const largest = compare(await scoreInPage(page, paths, 6), paths, CPU_TOLERANCE, wanted);
    t.diagnostic(`largest difference ${largest.toExponential(2)} over ${paths.length} pictures`);
    await page.close();
  });
}

test('CPU: a picture alone on a fresh page scores as it does among the others', async () => {
  const path = pictures[pictures.length - 1];
  const page = await openPage(browser, server.url, '?device=cpu');
  compare(await scoreInPage(page, [path]), [path], CPU_TOLERANCE);
  await page.close();
});

test('CPU: an unreadable file is an error on both sides and changes no other score', async () => {
  const broken = join(temporaryFolder(), 'broken.png');
  writeFileSync(broken, 'this is text, not a picture\n');
  const paths = [pictures[0], broken, pictures[1]];
  const { stdout } = await runProgram(['score', '--model', model, '--json', ...paths]);
  const lines = stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(lines.length, 3);
  assert.ok(lines[1].error, 'the program names a reason');
  for (const [line, picture] of [[0, 0], [2, 1]]) {
    const want = expected.get(basename(pictures[picture])).score;
    assert.equal(lines[line].score, want, 'beside a bad picture as among the others');
  }

  const page = await openPage(browser, server.url, '?device=cpu');
  const rows = await scoreInPage(page, paths);
  assert.equal(rows.find((row) => row.name === 'broken.png').verdict, 'error');
  compare(rows.filter((row) => row.name !== 'broken.png'), [pictures[0], pictures[1]], CPU_TOLERANCE);
  await page.close();
});

for (const [name, file] of [['', model], [' on a model that repairs', join(root, 'www/models/lines/board.safetensors')]]) test(`WebGPU: page and program agree${name}`, { timeout: 600_000 }, async (t) => {
  const gpuBrowser = await launch({ webgpu: true });
  try {
    const page = await openPage(gpuBrowser, server.url, '?device=webgpu', { timeout: 300_000 });
    const adapter = await page.evaluate(async () => Boolean(await navigator.gpu?.requestAdapter()));
    assert.ok(adapter, 'this Chromium has a WebGPU adapter');
    assert.equal(await page.evaluate(() => document.documentElement.dataset.device), 'webgpu');

    const made = pictures.filter((path) => !path.startsWith(sampleDir));
    const paths = [...pictures.slice(0, 4), ...made.filter((path) => /colour-640|photo-33|grey16/.test(path))];
    if (file !== model) {
      await page.locator('#files').setInputFiles(file);
      await page.waitForFunction(() => document.getElementById('model-said').textContent.includes(': repair,'), undefined, { timeout: 300_000 });
    }
    const wanted = file === model ? expected : byName(await scoreInProgram(file, paths));
    const rows = await scoreInPage(page, paths, 4, 300_000);
    const scores = rows.map((row) => Number(row.score));
    assert.ok(scores.every((score) => Number.isFinite(score) && score !== 0), `no blank score: ${scores}`);
    assert.equal(new Set(scores).size, scores.length, 'different pictures have different scores');
    const largest = compare(rows, paths, WEBGPU_TOLERANCE, wanted);
    t.diagnostic(`largest difference ${largest.toExponential(2)} over ${paths.length} pictures`);
    assert.equal(await page.evaluate(() => document.documentElement.dataset.device), 'webgpu', 'still on WebGPU afterwards');
  } finally {
    await gpuBrowser.close();
  }
});
