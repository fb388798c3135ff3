// What training in the page is for: on the bundled pictures, on the CPU, it learns to reconstruct what it was not trained
// on, and ranks labelled pictures. Driven from outside, by the address and the buttons alone. WebAssembly rounds alike
// on every processor, so that this one run of 200 steps ends where it ends everywhere.
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { launch, runProgram, sampleDir, startServer, temporaryFolder } from './harness.mjs';
import { downloaded, withPage, waitRows } from './drive.mjs';

const QUERY = '?preset=memory&size=32&channels=1&width=8&batch=16&steps=200&seed=0&device=cpu';
const AUROC = 0.65;

/** The probability that an abnormal score exceeds a normal one, ties counting one half. */
function auroc(normal, abnormal) {
  let sum = 0;
  for (const a of abnormal) for (const n of normal) sum += a > n ? 1 : a === n ? 0.5 : 0;
  return sum / (normal.length * abnormal.length);
}

const pictures = (folder) =>
  readdirSync(join(sampleDir, 'solar-ir/test', folder)).filter((name) => name.endsWith('.png')).sort().map((name) => join(sampleDir, 'solar-ir/test', folder, name));

test('a small run on the bundled pictures: half the held-out residual, and scores that rank', { timeout: 600_000 }, async (t) => {
  const server = await startServer();
  const browser = await launch();
  try {
    await withPage(browser, server.url, { query: QUERY }, async (page) => {
      await page.click('#train-bundled');
      await page.click('#train-start');
      const began = Date.now();
      await page.waitForFunction(() => /done|failed/.test(document.documentElement.dataset.training), undefined, { timeout: 400_000, polling: 100 });
      const seconds = (Date.now() - began) / 1000;
      assert.equal(await page.evaluate(() => document.documentElement.dataset.training), 'done', await page.textContent('#train-status'));
      assert.equal(await page.evaluate(() => document.documentElement.dataset.step), '200');

      const model = await downloaded(page, '#download-model');
      const checkpoint = await downloaded(page, '#download-checkpoint');
      // The checkpoint keeps how held-out pictures fared.
      const residuals = rows(checkpoint.bytes, 'history.residuals');
      const [first, last] = [residuals[0], residuals.at(-1)];
      assert.equal(first[0], 0, 'the first look is before the first step');
      assert.equal(last[0], 200);
      assert.ok(last[1] <= first[1] / 2, `held-out residual from ${first[1]} to ${last[1]}`);

      // The page scores with the new model; so does the program.
      const files = [...pictures('0.normal'), ...pictures('1.abnormal')];
      await page.setInputFiles('#files', files);
      const scored = await waitRows(page, files.length);
      const scores = new Map(scored.map((row) => [row.name, Number(row.score)]));
      const of = (folder) => pictures(folder).map((path) => scores.get(path.split('/').at(-1)));
      const area = auroc(of('0.normal'), of('1.abnormal'));
      assert.ok(area >= AUROC, `AUROC ${area}`);

      const path = join(temporaryFolder(), model.name);
      writeFileSync(path, model.bytes);
      const { status, stdout, stderr } = await runProgram(['score', '--model', path, '--json', files[0]]);
      assert.equal(status, 0, stderr);
      const program = JSON.parse(stdout.trim().split('\n')[0]);
      const here = scores.get(files[0].split('/').at(-1));
      assert.ok(Math.abs(program.score - here) <= 1e-5 * Math.max(1, here), `the program says ${program.score}, the page ${here}`);
      t.diagnostic(`held-out residual ${first[1].toFixed(3)} to ${last[1].toFixed(3)}, AUROC ${area.toFixed(3)}, ${seconds.toFixed(0)} s`);
    });
  } finally {
    await browser.close();
    await server.close();
  }
});

/** The rows of a matrix in a safetensors file. */
function rows(bytes, name) {
  const length = Number(bytes.readBigUInt64LE(0));
  const { shape, data_offsets: [from, to] } = JSON.parse(bytes.toString('utf8', 8, 8 + length))[name];
  const data = bytes.subarray(8 + length + from, 8 + length + to);
  return Array.from({ length: shape[0] }, (_, row) => Array.from({ length: shape[1] }, (_, column) => data.readFloatLE(4 * (row * shape[1] + column))));
}
