// Both ways between page and program: a checkpoint of one goes on in the other, with the losses that it would have
// had where it was.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, runProgram, sampleDir, startServer, temporaryFolder } from './harness.mjs';
import { withHeader, withPage } from './drive.mjs';
import { TINY, losses, openSession, prepare, start, trainFiles, waitStep, waitTold } from './train.mjs';

const TOLERANCE = 1e-3;
const STEPS = 12;
/** The step after which the run changes hands. */
const HANDED = 6;
const FILES = trainFiles(30, { normal: 2, abnormal: 2 });
/** The preset with which the page proposes to train, and one of the published method. */
const KINDS = {
  memory: {
    given: TINY,
    flags: ['--cut-skips', '7', '--lambda', '0', '--latent', 'memory'],
    names: ['adversarial', 'contextual', 'latent', 'generator', 'discriminator', 'real', 'fake'],
  },
  repair: {
    given: { preset: 'repair', size: 32, channels: 1, width: 4, batch: 4 },
    // A part of a run has the whole's learning rates only where these stay the same.
    flags: ['--preset', 'repair', '--schedule', 'constant'],
    names: ['adversarial', 'contextual', 'latent', 'structural', 'generator', 'marking', 'discriminator', 'real', 'fake'],
  },
};
const FLAGS = ['--size', '32', '--channels', '1', '--width', '4', '--batch', '4', '--seed', '5'];

let server;
let browser;
/** The same pictures as a folder. */
const data = join(temporaryFolder(), 'data');
before(async () => {
  for (const { path } of FILES) {
    mkdirSync(join(data, path, '..'), { recursive: true });
    copyFileSync(join(sampleDir, 'solar-ir', path), join(data, path));
  }
  server = await startServer();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

async function program(args) {
  const { status, stderr } = await runProgram(args);
  assert.equal(status, 0, stderr);
}

/** The losses in a run's folder, by step. */
function lossesOf(run) {
  const lines = readFileSync(join(run, 'events.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  return lines.filter(({ event }) => event === 'step');
}

function assertSame(got, want, steps, names) {
  for (const step of steps) {
    const [a, b] = [got, want].map((list) => list.find((loss) => loss.step === step));
    assert.ok(a && b, `step ${step} was taken by both`);
    for (const name of names) {
      const apart = Math.abs(a[name] - b[name]) / Math.max(1, Math.abs(b[name]));
      assert.ok(apart <= TOLERANCE, `step ${step}: ${name} is ${a[name]}, uninterrupted it is ${b[name]}`);
    }
  }
}

for (const [preset, { given: settings, names }] of Object.entries(KINDS)) test(`${preset}: a checkpoint of the page goes on in the program`, { timeout: 300_000 }, async () => {
  const folder = temporaryFolder();
  const given = { ...settings, steps: STEPS, seed: 5 };
  await withPage(browser, server.url, { query: '?device=cpu' }, async (page) => {
    await openSession(page);
    await prepare(page, FILES, given);
    await start(page, given, { paused: true });
    for (let step = 1; step <= HANDED; step++) {
      await page.evaluate(() => window.session.step('both'));
      await waitStep(page, step);
    }
    const base64 = await page.evaluate(async () => {
      const { step, checkpoint } = await window.session.checkpoint();
      const bytes = new Uint8Array(await checkpoint.arrayBuffer());
      return { step, text: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')) };
    });
    assert.equal(base64.step, HANDED);
    writeFileSync(join(folder, 'checkpoint.safetensors'), Buffer.from(base64.text, 'base64'));
    await page.evaluate(() => window.session.go());
    await waitTold(page, 'finished');

    const run = join(folder, 'run');
    await program(['train', '--resume', join(folder, 'checkpoint.safetensors'), '--data', data, '--out', run]);
    const here = await losses(page);
    const there = lossesOf(run);
    assert.equal(there.at(-1).step, STEPS);
    assertSame(there, here, [HANDED + 1, HANDED + 2, HANDED + 3], names);
  });
});

for (const [preset, { given, flags, names }] of Object.entries(KINDS)) test(`${preset}: a checkpoint of the program goes on in the page`, { timeout: 300_000 }, async () => {
  const folder = temporaryFolder();
  const [whole, half] = ['whole', 'half'].map((name) => join(folder, name));
  const train = (run, steps) => program(['train', '--data', data, ...FLAGS, ...flags, '--steps', String(steps), '--out', run]);
  await train(whole, STEPS);
  await train(half, HANDED);
  // The shorter run's checkpoint as that of a run that was to be longer.
  const checkpoint = withHeader((header) => {
    header.training.config.steps = STEPS;
    return header;
  }, readFileSync(join(half, 'checkpoint.safetensors')));

  await withPage(browser, server.url, { query: '?device=cpu' }, async (page) => {
    await openSession(page);
    await prepare(page, FILES, given);
    await page.evaluate(
      (text) => window.session.continue(new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]), { name: 'of the program' }),
      checkpoint.toString('base64'),
    );
    const finished = await waitTold(page, 'finished');
    assert.equal(finished.step, STEPS);
    const here = await losses(page);
    assert.equal(here[0].step, HANDED + 1, 'the page goes on where the program stopped');
    assertSame(here, lossesOf(whole), [HANDED + 1, HANDED + 2, HANDED + 3], names);
    const [told] = await page.evaluate(() => window.told.filter(({ type }) => type === 'history').map(({ detail }) => detail));
    assert.equal(told.history.losses.length, HANDED, 'and knows the losses before');
  });
});
