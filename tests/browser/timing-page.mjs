// How long the page keeps its main thread busy. Times depend on what else runs on the machine: a file of its own, so
// that it can be run again by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, startServer } from './harness.mjs';
import { mainThreadTasks, sampleFiles, TRACE, withPage } from './drive.mjs';

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

/** Drops 300 images and watches the page until they are all in the table. */
async function drop300(page) {
  await page.waitForFunction(() => document.documentElement.dataset.firstScoreMs);
  // The bytes go in by an evaluation of their own, which the measurement leaves out.
  await page.evaluate((list) => {
    window.data = new DataTransfer();
    for (const [name, base64] of list) {
      window.data.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], name, { type: 'image/png' }));
    }
  }, sampleFiles(300).map(({ name, buffer }) => [name, buffer.toString('base64')]));
  await page.waitForTimeout(500);
  return page.evaluate(async () => {
    const tasks = [];
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => Math.round(entry.duration))));
    observer.observe({ type: 'longtask' });
    const body = document.querySelector('#results tbody');
    const steps = [];
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: window.data, bubbles: true, cancelable: true }));
    let progressShown = 0;
    const end = performance.now() + 60_000;
    while (body.rows.length < 300 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (steps.at(-1) !== body.rows.length) steps.push(body.rows.length);
      const bar = document.querySelector('#progress');
      if (bar.checkVisibility() && Number(bar.ariaValueNow) > 0 && bar.ariaValueMax === '300') progressShown++;
    }
    scrollTo(0, document.body.scrollHeight);
    await new Promise((resolve) => setTimeout(resolve, 500));
    observer.disconnect();
    return { tasks, steps, progressShown };
  });
}

test('300 images: a live table and no main-thread task over 50 ms', async (t) => {
  // Where other programs keep the machine busy, a task also lasts as long as it waits for a
  // processor. So a round with long tasks is repeated, and where every round has some, what counts
  // is how long they ran.
  const rounds = [];
  for (let round = 0; round < 3; round++) {
    await withPage(browser, server.url, {}, async (page) => {
      await browser.startTracing(page, TRACE);
      const { tasks, steps, progressShown } = await drop300(page);
      const traced = mainThreadTasks(await browser.stopTracing(), 'drop');
      assert.ok(traced.length > 100, 'the trace has the tasks of the page');
      rounds.push({ tasks, ran: Math.round(traced[0].ran) });
      t.diagnostic(`round ${round + 1}: tasks over 50 ms: [${tasks}]; the longest ran ${traced[0].ran.toFixed(1)} ms; rows came in ${steps.length} steps`);
      assert.equal(steps.at(-1), 300);
      assert.ok(steps.filter((n) => n > 0).length >= 10, `rows came in few steps: ${steps}`);
      assert.ok(progressShown >= 3, 'the progress was shown while the rows came');
    });
    if (rounds.at(-1).tasks.length === 0) return;
  }
  const least = Math.min(...rounds.map(({ ran }) => ran));
  assert.ok(least <= 40, `tasks over 50 ms in each round, and not for want of a processor: ${JSON.stringify(rounds)}`);
});
