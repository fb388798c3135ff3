// Training on WebGPU against training on the CPU, both in a browser's worker: from the same seed and
// the same batches, the losses of three steps agree.
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, startServer } from './harness.mjs';

const TOLERANCE = 1e-3;
const NAMES = ['adversarial', 'contextual', 'latent', 'generator', 'discriminator'];

test('three training steps give the same losses on the CPU and on WebGPU', { timeout: 900_000 }, async (t) => {
  const server = await startServer({ extraRoot: dirname(fileURLToPath(import.meta.url)) });
  const browser = await launch({ webgpu: true });
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}extra/training.html`);
    const result = await page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker('./training-worker.js', { type: 'module' });
          worker.onmessage = (event) => resolve(event.data);
          worker.onerror = (event) => reject(new Error(event.message || 'the worker did not load'));
          worker.postMessage('start');
        }),
    );
    assert.equal(result.error, undefined);
    assert.ok(result.adapter, 'this Chromium has a WebGPU adapter, in workers too');
    assert.equal(result.cpu.kind, 'cpu');
    assert.equal(result.webgpu.kind, 'webgpu');
    assert.equal(result.cpu.losses.length, 3);
    assert.equal(result.webgpu.losses.length, 3);

    let largest = 0;
    for (const [step, cpu] of result.cpu.losses.entries()) {
      const webgpu = result.webgpu.losses[step];
      for (const name of NAMES) {
        assert.ok(Number.isFinite(cpu[name]) && Number.isFinite(webgpu[name]), `step ${step + 1}: ${name} is a number`);
        const difference = Math.abs(cpu[name] - webgpu[name]);
        const allowed = TOLERANCE * Math.max(1, Math.abs(cpu[name]));
        assert.ok(
          difference <= allowed,
          `step ${step + 1}: ${name} is ${cpu[name]} on the CPU and ${webgpu[name]} on WebGPU, more than ${allowed} apart`,
        );
        largest = Math.max(largest, difference);
      }
    }
    // The third batch is the first again: an equal loss would mean that nothing was trained.
    for (const device of ['cpu', 'webgpu']) {
      const contextual = result[device].losses.map((loss) => loss.contextual);
      assert.equal(new Set(contextual).size, 3, `${device}: the loss changes from step to step (${contextual})`);
      assert.ok(Math.abs(contextual[2] - contextual[0]) > 1e-6, `${device}: training moves the loss of a batch (${contextual})`);
    }
    t.diagnostic(`adapter ${result.adapter}, largest difference ${largest.toExponential(2)}`);
  } finally {
    await browser.close();
    await server.close();
  }
});
