// How soon a search gives way. Times depend on what else runs on the machine: a file of its own, so that it can be run
// again by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, startServer } from './harness.mjs';
import { sampleFiles, waitRows, waitText, withPage } from './drive.mjs';

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

/** GANomaly is made to search: a hundred steps of 60 ms for each batch. */
const SEARCHING = `{
  const info = Model.prototype.info;
  Model.prototype.info = function () {
    const found = info.call(this);
    return { ...found, search_steps: found.method === 'ganomaly' ? 100 : null };
  };
  const score = Model.prototype.score;
  Model.prototype.score = async function (files, onSearch) {
    for (let step = 1; this.info().search_steps && step <= 100; step++) {
      await new Promise((done) => setTimeout(done, 60));
      if (onSearch(step, 100) === false) throw Object.assign(new Error('the search was stopped'), { name: 'Stopped' });
    }
    return score.call(this, files);
  };
}`;

async function choose(page, method) {
  await page.waitForFunction(() => !document.querySelector('#method').disabled);
  await page.selectOption('#method', method);
  await waitText(page, '#model-said', new RegExp(`: ${method},`));
}

test('a search of six seconds: Stop ends it within three, a change of methods does not wait for it', () =>
  withPage(browser, server.url, { module: SEARCHING }, async (page) => {
    await choose(page, 'ganomaly');
    await page.setInputFiles('#files', sampleFiles(5));
    await waitText(page, '#queue-words', /optimising latent codes/);
    const pressed = Date.now();
    await page.click('#stop');
    await page.waitForSelector('#queue', { state: 'hidden' });
    assert.ok(Date.now() - pressed < 3000, `stopped after ${Date.now() - pressed} ms`);

    await page.setInputFiles('#files', sampleFiles(2));
    await waitText(page, '#queue-words', /optimising latent codes/);
    const changed = Date.now();
    await choose(page, 'pca');
    assert.ok(Date.now() - changed < 4000, `changed after ${Date.now() - changed} ms`);
    await waitRows(page, 2);
  }));
