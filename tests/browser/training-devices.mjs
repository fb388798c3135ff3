// Training on WebGPU against training on the CPU, in the page: from the same seed on the same pictures, the losses
// of five steps agree.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launch, startServer } from './harness.mjs';
import { withPage } from './drive.mjs';
import { TINY, losses, openSession, prepare, start, trainFiles, waitTold } from './train.mjs';

const STEPS = 5;
const TOLERANCE = 1e-2;
const NAMES = ['adversarial', 'contextual', 'latent', 'generator', 'discriminator', 'real', 'fake'];

/** The losses of a run on one device. */
async function run(browser, url, device) {
  const given = { ...TINY, steps: STEPS, seed: 7 };
  let told;
  await withPage(browser, url, { query: '?device=cpu' }, async (page) => {
    await openSession(page, device);
    await prepare(page, trainFiles(12), given);
    assert.equal((await waitTold(page, 'device')).device, device);
    await start(page, given);
    await waitTold(page, 'finished', {}, { timeout: 600_000 });
    told = await losses(page);
  });
  return told;
}

test('five training steps give the same losses on the CPU and on WebGPU', { timeout: 900_000 }, async (t) => {
  const server = await startServer();
  const browser = await launch({ webgpu: true });
  try {
    const cpu = await run(browser, server.url, 'cpu');
    const webgpu = await run(browser, server.url, 'webgpu');
    assert.deepEqual(cpu.map((loss) => loss.step), [1, 2, 3, 4, 5]);
    assert.deepEqual(webgpu.map((loss) => loss.step), [1, 2, 3, 4, 5]);
    let largest = 0;
    for (const [index, loss] of cpu.entries()) {
      for (const name of NAMES) {
        const [a, b] = [loss[name], webgpu[index][name]];
        assert.ok(Number.isFinite(a) && Number.isFinite(b), `step ${index + 1}: ${name} is a number`);
        const apart = Math.abs(a - b) / Math.max(1, Math.abs(a));
        assert.ok(apart <= TOLERANCE, `step ${index + 1}: ${name} is ${a} on the CPU and ${b} on WebGPU`);
        largest = Math.max(largest, apart);
      }
    }
    // Equal losses would mean that nothing was trained.
    for (const [device, told] of Object.entries({ cpu, webgpu })) {
      const contextual = told.map((loss) => loss.contextual);
      assert.equal(new Set(contextual).size, STEPS, `${device}: the loss changes from step to step (${contextual})`);
    }
    t.diagnostic(`largest difference ${largest.toExponential(2)}`);
  } finally {
    await browser.close();
    await server.close();
  }
});
