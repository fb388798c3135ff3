// How the page's tests drive the page: pictures in, rows out, code put in front of the worker.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { addressOf, root, sampleDir } from './harness.mjs';

/** The first `count` PNG files that come with the page, as full paths in a fixed order. */
export function samplePaths(count) {
  const paths = ['solar-ir/test/1.abnormal', 'solar-ir/test/0.normal', 'solar-ir/train/0.normal'].flatMap((folder) =>
    readdirSync(join(sampleDir, folder))
      .filter((name) => name.endsWith('.png'))
      .sort()
      .map((name) => join(sampleDir, folder, name)),
  );
  if (paths.length < count) throw new Error(`${count} sample pictures are needed, there are ${paths.length}`);
  return paths.slice(0, count);
}

/** Files for setInputFiles: the samples under other names. */
export function sampleFiles(count, name = (i) => `sample-${String(i).padStart(3, '0')}.png`) {
  return samplePaths(count).map((path, i) => ({ name: name(i), mimeType: 'image/png', buffer: readFileSync(path) }));
}

/** A file that is no picture, though its name says so. */
export const broken = { name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') };

/** What the rows say of themselves, in the order shown. */
export function rows(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('#results tbody tr')].map((tr) => ({ ...tr.dataset, text: tr.textContent })),
  );
}

export async function waitRows(page, count, timeout = 120_000) {
  try {
    await page.waitForFunction(
      (n) => document.querySelectorAll('#results tbody tr').length === n,
      count,
      { timeout, polling: 50 },
    );
  } catch {
    const found = await page.evaluate(() => ({
      rows: document.querySelectorAll('#results tbody tr').length,
      state: { ...document.documentElement.dataset },
      notices: document.querySelector('#notices').textContent,
      queue: document.querySelector('#queue-words').textContent,
    }));
    throw new Error(`expected ${count} rows, got ${JSON.stringify(found)}`);
  }
  return rows(page);
}

export async function waitReady(page, timeout = 120_000) {
  await page.waitForFunction(() => document.documentElement.dataset.state !== 'loading', undefined, { timeout });
  const data = await page.evaluate(() => ({
    ...document.documentElement.dataset,
    failure: document.querySelector('#failure').textContent,
  }));
  if (data.state !== 'ready') throw new Error(`expected the state ready, got ${JSON.stringify(data)}`);
  return data;
}

/** Waits until an element's text matches, and gives the text. */
export async function waitText(page, selector, pattern, timeout = 60_000) {
  try {
    await page.waitForFunction(
      ([where, source, flags]) => new RegExp(source, flags).test(document.querySelector(where)?.textContent ?? ''),
      [selector, pattern.source, pattern.flags],
      { timeout, polling: 50 },
    );
  } catch {
    throw new Error(`${selector} should say ${pattern}, says "${await page.textContent(selector)}"`);
  }
  return page.textContent(selector);
}

/**
 * A page with nothing of an earlier one; `worker` and `module` are code put before the worker's and
 * after the CPU module's own, `routes` are bodies for addresses, `edits` change files. Service workers are off, as they would hide requests from the test.
 */
export async function open(browser, url, { query = '', worker = '', module = '', routes = {}, edits = {}, ready = true, ...options } = {}) {
  const context = await browser.newContext({ serviceWorkers: 'block', acceptDownloads: true, ...options });
  context.setDefaultTimeout(60_000); // these are conditions: a busy machine comes to them later
  const errors = [];
  if (worker) await edit(context, '**/worker.js', (text) => `${worker}\n${text}`);
  if (module) await edit(context, '**/pkg/cpu/skip_ganomaly.js', (text) => `${text}\n${module}`);
  for (const [pattern, change] of Object.entries(edits)) await edit(context, pattern, change);
  for (const [pattern, body] of Object.entries(routes)) await context.route(pattern, (route) => route.fulfill({ body }));
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(String(error)));
  page.errors = errors;
  await page.goto(addressOf(`${url}${query}`));
  if (ready) await waitReady(page);
  return page;
}

export async function edit(context, pattern, change) {
  await context.route(pattern, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: change(await response.text()) });
  });
}

/** Runs one test with its own browser context, and fails it on any error the page did not catch. */
export async function withPage(browser, url, options, test) {
  const page = await open(browser, url, options);
  try {
    await test(page);
    if (page.errors.length > 0) throw new Error(`the page had errors: ${page.errors.join('; ')}`);
  } finally {
    await page.context().close();
  }
}

/** Hands files to the page by a made-up drop or paste on `target`. `files`: [{ name, type, bytes }]. */
export function giveFiles(page, how, files, target = 'body') {
  const plain = files.map(({ name, mimeType, buffer }) => ({ name, type: mimeType, base64: buffer.toString('base64') }));
  return page.evaluate(
    ([kind, list, where]) => {
      const data = new DataTransfer();
      for (const { name, type, base64 } of list) {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        data.items.add(new File([bytes], name, { type }));
      }
      const event =
        kind === 'drop'
          ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
          : new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
      document.querySelector(where).dispatchEvent(event);
      return event.defaultPrevented;
    },
    [how, plain, target],
  );
}

/** The bytes of what a click downloads. */
export async function downloaded(page, selector) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(selector)]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** RFC 4180, read strictly. */
export function parseCsv(text) {
  const records = [];
  let at = 0;
  while (at < text.length) {
    const record = [];
    for (;;) {
      const field = /"((?:[^"]|"")*)"|([^",\r\n]*)/y;
      field.lastIndex = at;
      const match = field.exec(text);
      record.push(match[1] !== undefined ? match[1].replaceAll('""', '"') : match[2]);
      at = field.lastIndex;
      if (text[at] === ',') at++;
      else break;
    }
    assert.equal(text.slice(at, at + 2), '\r\n', 'a record ends in CRLF');
    at += 2;
    records.push(record);
  }
  return records;
}

/** A range input, as a hand would leave it. */
export function slide(page, selector, value) {
  return page.$eval(
    selector,
    (input, to) => {
      input.value = String(to);
      input.dispatchEvent(new Event('input', { bubbles: true }));
      input.dispatchEvent(new Event('change', { bubbles: true }));
    },
    value,
  );
}

/** The shipped model's file. */
export const modelBytes = () => readFileSync(join(root, 'www/models/solar-ir.safetensors'));

/** The models of other methods that come with the page, as models/index.json lists them. */
export const otherMethods = () => JSON.parse(readFileSync(join(root, 'www/models/index.json'), 'utf8')).filter(({ set }) => set === 'solar-ir').slice(1);

/** A model file, the shipped one unless another is given, with another header. */
export function withHeader(change, bytes = modelBytes()) {
  const length = Number(bytes.readBigUInt64LE(0));
  const whole = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  whole.__metadata__['skip-ganomaly'] = JSON.stringify(change(JSON.parse(whole.__metadata__['skip-ganomaly'])));
  const text = Buffer.from(JSON.stringify(whole));
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([size, padded, bytes.subarray(8 + length)]);
}

/** Whether what has the focus can be seen, with an outline and within the window; or else what it is, in words. */
function focusStop(inWords) {
  const element = document.activeElement;
  const box = element.closest('.button') ?? element;
  const { outlineStyle, outlineWidth } = getComputedStyle(box);
  const { top, bottom, width } = box.getBoundingClientRect();
  if (inWords) return `${element.outerHTML.slice(0, 90)}: outline ${outlineStyle} ${outlineWidth}, from ${Math.round(top)} to ${Math.round(bottom)} of ${innerHeight} px`;
  return element === document.body || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && width > 0 && bottom > 0 && top < innerHeight);
}

/**
 * Presses Tab until the selector has the focus; each stop on the way must be visible, once the parts of the page that
 * came with it are in place.
 */
export async function tabTo(page, selector, limit = 120) {
  for (let i = 0; i < limit; i++) {
    await page.keyboard.press('Tab');
    try {
      await page.waitForFunction(focusStop, false, { timeout: 30_000 });
    } catch {
      assert.fail(`the focus is not visible on ${await page.evaluate(focusStop, true)}`);
    }
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
  }
  assert.fail(`Tab does not reach ${selector}`);
}

/** Waits until nothing that a selector matches has moved or changed its size for ten frames. */
export const waitStill = (page, selector) =>
  page.evaluate(async (which) => {
    const places = () => JSON.stringify([...document.querySelectorAll(which)].map((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return [x, y, width, height];
    }));
    let before = '';
    for (let same = 0; same < 10;) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const now = places();
      same = now === before ? same + 1 : 0;
      before = now;
    }
  }, selector);

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** An accessibility scan at a width: no serious finding. */
export async function scanAccess(page, width) {
  await page.setViewportSize({ width, height: 900 });
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  assert.ok(passes.length > 20, 'the scan ran');
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  assert.deepEqual(
    serious.map(({ id, nodes }) => `${id} at ${width} px: ${nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`),
    [],
  );
}

/** No part of the page is wider than the page, which does not scroll sideways. */
export async function nothingSticksOut(page) {
  const out = await page.evaluate(() => {
    const limit = document.documentElement.clientWidth;
    const wide = [...document.querySelectorAll('main *')].filter((element) => {
      if (element.closest('.thumbs') || element.closest('.visually-hidden') || !element.checkVisibility()) return false;
      const { right, left } = element.getBoundingClientRect();
      return right > limit + 1 || left < -1;
    });
    return { scroll: document.documentElement.scrollWidth - limit, wide: wide.slice(0, 5).map((element) => element.outerHTML.slice(0, 100)) };
  });
  assert.deepEqual(out.wide.filter((html) => !html.startsWith('<thead') && !html.startsWith('<th') && !html.startsWith('<tr')), []);
  assert.ok(out.scroll <= 0, `the page scrolls sideways by ${out.scroll} px`);
}

/** What a trace must hold for `mainThreadTasks`. */
export const TRACE = { categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'] };

/**
 * The page's main-thread tasks in a trace, longest first: how long each lasted, and how long it ran, without waiting
 * for a processor. `event`: from the first event of this type on.
 */
export function mainThreadTasks(trace, event) {
  const { traceEvents } = JSON.parse(trace.toString());
  const main = traceEvents.find(({ name }) => name === 'FireAnimationFrame');
  const from = event ? traceEvents.find(({ name, args }) => name === 'EventDispatch' && args.data?.type === event).ts : -Infinity;
  return traceEvents
    .filter(({ name, pid, tid, ts, dur, tdur }) => name === 'RunTask' && pid === main.pid && tid === main.tid && ts + dur > from && tdur !== undefined)
    .map(({ dur, tdur }) => ({ lasted: dur / 1000, ran: tdur / 1000 }))
    .sort((a, b) => b.ran - a.ran);
}
