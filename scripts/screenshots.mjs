// Takes the screenshots in docs/images/ again, on the CPU, from the page as it is. Run it after the page's texts or
// looks have changed, look at the images, and commit them.
//
//   node scripts/screenshots.mjs
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, launch, openPage, startServer } from '../tests/browser/harness.mjs';
import { waitRows } from '../tests/browser/drive.mjs';

const SAMPLES = 24;
const folder = join(root, 'docs/images');
mkdirSync(folder, { recursive: true });
const server = await startServer();
const browser = await launch();

/** Opens the page in a window of a size, lets `prepare` bring it about, and takes what the window then shows. */
async function take(name, [width, height], query, prepare) {
  const page = await openPage(browser, server.url, `?device=cpu${query}`, { viewport: { width, height }, colorScheme: 'light' });
  await prepare(page);
  await page.evaluate(async () => {
    document.activeElement?.blur();
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  });
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  console.log(`docs/images/${name}.png`);
  await page.close();
}

const scrollTo = (page, selector, above = 16) =>
  page.evaluate(([one, gap]) => scrollTo({ top: document.querySelector(one).getBoundingClientRect().top + scrollY - gap, behavior: 'instant' }), [selector, above]);
const scoreSamples = async (page) => {
  await page.click('#score-all:enabled');
  await waitRows(page, SAMPLES);
};

try {
  await take('product', [1200, 1180], '&set=board', async (page) => {
    await page.waitForFunction((count) => [...document.querySelectorAll('#thumbs img')].filter((image) => image.naturalWidth > 0).length === count, SAMPLES);
  });
  await take('page', [1200, 1500], '', async (page) => {
    await scoreSamples(page);
    await page.evaluate(() => scrollTo(0, 0));
  });
  await take('methods', [1200, 1000], '', async (page) => {
    await scoreSamples(page);
    await page.selectOption('#compare', 'ganomaly');
    await page.waitForFunction((count) => new RegExp(`of ${count} images`).test(document.querySelector('#agree')?.textContent ?? ''), SAMPLES);
    await page.selectOption('#sort', 'high');
    await scrollTo(page, '#results-section');
  });
  await take('training', [1100, 1500], '&size=32&channels=1&width=8&batch=16&steps=200&seed=0', async (page) => {
    await page.click('#train-bundled');
    await page.click('#train-start:enabled', { timeout: 120_000 });
    await page.waitForFunction(() => document.documentElement.dataset.training === 'done', undefined, { timeout: 600_000 });
    await scrollTo(page, '#train-start', 60);
    // Charts are drawn when they come into view.
    await page.waitForFunction(() => [...document.querySelectorAll('#train canvas')].every((one) => one.width > 0));
  });
} finally {
  await browser.close();
  await server.close();
}
