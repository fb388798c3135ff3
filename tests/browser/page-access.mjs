// The page in Chromium: keyboard alone, an accessibility scan, all widths in light and dark.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, outputDir, startServer } from './harness.mjs';
import { broken, nothingSticksOut, sampleFiles, scanAccess, tabTo, waitRows, withPage } from './drive.mjs';

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

test('keyboard alone: from the skip link to a score, a threshold, a large picture and the theme', () =>
  withPage(browser, server.url, {}, async (page) => {
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
    await tabTo(page, '#files');
    await tabTo(page, '#folder');
    await tabTo(page, '#score-all');
    await page.keyboard.press('Enter');
    await waitRows(page, 24);
    await tabTo(page, '#thumbs button');
    await page.keyboard.press('Enter');
    await waitRows(page, 25);
    await tabTo(page, '#threshold');
    await page.keyboard.press('Home');
    await page.waitForFunction(() => document.querySelectorAll('#results tr[data-verdict="anomalous"]').length === 25);
    await tabTo(page, '#threshold-reset');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('#results tr[data-verdict="anomalous"]').length < 25);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'threshold', 'the focus is not lost with the button');
    await tabTo(page, '#overlay');
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.textContent('#overlay-value'), '66 %');
    await tabTo(page, '#results button.name');
    await page.keyboard.press('Enter');
    assert.ok(await page.isVisible('#row-dialog .look-name'));
    const first = await page.textContent('#row-dialog .look-name');
    await page.keyboard.press('ArrowRight');
    assert.notEqual(await page.textContent('#row-dialog .look-name'), first);
    await page.keyboard.press('Escape');
    assert.ok(await page.isHidden('#row-dialog'));
    assert.ok(await page.evaluate(() => document.activeElement.matches('#results button.name')), 'the focus comes back');
    await tabTo(page, '#model-file');
    await tabTo(page, '#about summary');
    await page.keyboard.press('Enter');
    assert.ok(await page.isVisible('#about-list'));
  }));

test('what changes is told to a screen reader, politely', () =>
  withPage(browser, server.url, {}, async (page) => {
    assert.equal(await page.getAttribute('#status', 'role'), 'status');
    await page.setInputFiles('#files', sampleFiles(3));
    await waitRows(page, 3);
    await page.waitForFunction(() => /(^| )3 scored, \d anomalous\./.test(document.querySelector('#status').textContent));
    const table = await page.locator('#results').ariaSnapshot();
    assert.match(table, /table "Results"/);
    assert.match(table, /columnheader "Verdict"/);
    assert.match(table, /rowheader .*sample-000\.png/);
    assert.match(table, /img "Heat map over sample-000\.png"/);
    assert.equal((table.match(/cell "(Normal|Anomalous)"/g) ?? []).length, 3, 'the verdict is said in words');
    assert.equal(await page.getAttribute('#progress', 'role'), 'progressbar');
  }));

for (const colorScheme of ['light', 'dark']) {
  test(`accessibility scan, ${colorScheme}: no serious finding`, () =>
    withPage(browser, server.url, { colorScheme, viewport: { width: 1280, height: 900 } }, async (page) => {
      await page.click('#score-all');
      await waitRows(page, 24);
      await page.setInputFiles('#files', [broken]);
      await waitRows(page, 25);
      await page.click('#about summary');
      await scanAccess(page, 1280);
      await scanAccess(page, 360);
      await page.click('#results button.name');
      await scanAccess(page, 1280);
    }));
}

for (const width of [320, 768, 1440]) {
  for (const colorScheme of ['light', 'dark']) {
    test(`at ${width} px, ${colorScheme}: nothing sticks out; a screenshot is kept`, () =>
      withPage(browser, server.url, { colorScheme, viewport: { width, height: 900 } }, async (page) => {
        mkdirSync(outputDir, { recursive: true });
        await page.waitForFunction(() => document.documentElement.dataset.firstScoreMs);
        await page.screenshot({ path: join(outputDir, `page-${width}-${colorScheme}-start.png`) });
        await page.click('#score-all');
        await page.setInputFiles('#files', [broken]);
        await waitRows(page, 25);
        await page.waitForSelector('#queue', { state: 'hidden' });
        await nothingSticksOut(page);
        for (const part of ['#results tbody tr:first-child', '#files', '#threshold', '#export-csv']) {
          assert.ok((await page.locator(part).boundingBox()).width > 20, `${part} is there`);
        }
        await page.screenshot({ path: join(outputDir, `page-${width}-${colorScheme}-results.png`), fullPage: true });
      }));
  }
}
