// Measures a training step in the page against this crate natively, jax-js and TensorFlow.js, and the
// WebAssembly memory over 1,000 steps. Prints tables in Markdown.
//
//   node bench/training.mjs [--widths 16,32] [--rounds 5] [--minutes 3] [--only page,native,jax,webgl,webgpu,heap] [--json FILE]
//
// The page, the native program (one thread) and jax-js take turns, so that a busy machine slows all of
// them. --minutes: how long an engine may take for its first step and one timed step; TensorFlow.js
// comes last and alone, since its software renderer keeps threads busy.
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, ms, spread, table } from './statistics.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..');
const cache = process.env.SKIP_GANOMALY_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'skip-ganomaly');
const target = process.env.CARGO_TARGET_DIR || join(cache, 'target');
const PARTS = ['page', 'native', 'jax', 'webgl', 'webgpu', 'heap'];

const { values: options } = parseArgs({
  options: {
    widths: { type: 'string', default: '16,32' },
    rounds: { type: 'string', default: '5' },
    minutes: { type: 'string', default: '3' },
    only: { type: 'string', default: PARTS.join(',') },
    json: { type: 'string' },
  },
});
const rounds = Number(options.rounds);
const limit = Number(options.minutes) * 60_000;
const wanted = options.only.split(',');
for (const part of wanted) {
  if (!PARTS.includes(part)) throw new Error(`--only has '${part}', expected some of ${PARTS.join(',')}`);
}
// The others need the page's weights and are compared with its times.
if (!wanted.includes('page') && wanted.some((part) => part !== 'heap')) wanted.push('page');

const say = (text) => console.error(`==> ${text}`);
const run = (command, args, more = {}) => execFileSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...more });
if (!existsSync(join(root, 'node_modules/playwright-core'))) run('npm', ['ci']);
if (!existsSync(join(here, 'node_modules/@jax-js/jax'))) run('npm', ['ci', '--ignore-scripts'], { cwd: here });
const { launch, startServer } = await import('../tests/browser/harness.mjs');

const JOB = { size: 32, channels: 3, batch: 64 };
/** Steps a turn of the page, after those of the first turn that are not counted. */
const STEPS = 4;
const WARM_UP = 2;

/** A worker with one engine, in a page of its own; `steps` rejects after the limit. */
async function open(browser, url, engine, job) {
  const page = await browser.newPage();
  await page.goto(`${url}extra/training/index.html`);
  await page.evaluate(() => {
    globalThis.steps = (message, limit) =>
      new Promise((resolve, reject) => {
        globalThis.worker ??= new Worker('./worker.js', { type: 'module' });
        const taken = [];
        const timer = setTimeout(() => reject(new Error(`did not finish in ${limit / 60_000} minutes`)), limit);
        const end = (settle, value) => {
          clearTimeout(timer);
          settle(value);
        };
        worker.onmessage = ({ data }) => {
          if (data.error) end(reject, new Error(data.error));
          else if (data.done) end(resolve, { ...data, taken });
          else taken.push(data);
        };
        worker.onerror = (event) => end(reject, new Error(event.message || 'the worker did not load'));
        worker.postMessage(message);
      });
  });
  return {
    close: () => page.close(),
    steps: (steps, start, most = limit) =>
      page.evaluate(([message, most]) => steps(message, most), [{ engine, job, start, steps }, most]),
  };
}

/** Builds the native benchmark and says where it is. */
function buildNative() {
  const env = { ...process.env, CARGO_TARGET_DIR: target };
  const built = execFileSync(
    'cargo',
    ['bench', '--locked', '--bench', 'native', '--no-run', '--message-format', 'json'],
    { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 2], maxBuffer: 1 << 26 },
  );
  const artifacts = built.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const found = artifacts.find(({ target: of, executable }) => of?.name === 'native' && executable);
  if (!found) throw new Error('cargo did not say where the native benchmark is');
  return found.executable;
}
// Built before anything is timed.
const nativeBench = wanted.includes('native') ? buildNative() : '';

/** The native step's median on one thread, of a few repeats. */
function native(width) {
  const out = execFileSync(nativeBench, ['--width', String(width), '--repeats', String(STEPS)], {
    encoding: 'utf8',
    env: { ...process.env, RAYON_NUM_THREADS: '1' },
  });
  const line = out.split('\n').find((text) => text.includes('"train_step_64"'));
  if (!line) throw new Error('the native benchmark has no line train_step_64');
  return JSON.parse(line).median_ms;
}

/** The first line of an error, without what the browser's driver puts before it. */
const reason = (error) => error.message.split('\n')[0].replace(/^page\.evaluate: (Error: )*/, '');

/** The largest relative difference of two steps' losses. */
const apart = (a, b) =>
  Math.max(
    ...['adversarial', 'contextual', 'latent', 'generator', 'discriminator'].map(
      (name) => Math.abs(a[name] - b[name]) / Math.max(1e-6, Math.abs(a[name])),
    ),
  );

async function measure(server, width) {
  const job = { ...JOB, width };
  const result = { width, rows: [] };
  // Shared memory, so that jax-js has its two workers.
  const browser = await launch({ args: ['--enable-features=SharedArrayBuffer'] });
  let start;
  let first;
  try {
    const ours = await open(browser, server.url, 'page', job);
    const warm = await ours.steps(WARM_UP);
    ({ start } = warm);
    first = warm.taken.map(({ losses }) => losses);
    result.parameters = warm.parameters;
    const page = { name: 'the page, CPU module, one thread', times: [] };
    const one = { name: 'this crate natively, one thread', times: [] };
    const jax = { name: 'jax-js, wasm, two workers', times: [] };
    result.rows.push(page);
    if (wanted.includes('native')) result.rows.push(one);
    let peer;
    if (wanted.includes('jax')) {
      result.rows.push(jax);
      try {
        peer = await open(browser, server.url, 'jax-js wasm', job);
        await begin(peer, jax);
      } catch (error) {
        jax.failed = reason(error);
        peer = undefined;
      }
    }
    for (let round = 0; round < rounds; round += 1) {
      say(`width ${width}, round ${round + 1} of ${rounds}`);
      const { taken } = await ours.steps(STEPS);
      page.times.push(...taken.map((step) => step.ms));
      result.heap = taken.at(-1).heap;
      if (wanted.includes('native')) one.times.push(native(width));
      if (peer) jax.times.push(...(await peer.steps(1)).taken.map((step) => step.ms));
    }
    await ours.close();
  } finally {
    await browser.close();
  }
  for (const backend of ['webgl', 'webgpu'].filter((name) => wanted.includes(name))) {
    say(`width ${width}, TensorFlow.js on ${backend}`);
    const row = { name: `TensorFlow.js, ${backend} (software renderer)`, times: [] };
    result.rows.push(row);
    const slow = await launch({ webgpu: backend === 'webgpu', args: ['--use-angle=swiftshader', '--enable-unsafe-swiftshader'] });
    try {
      const peer = await open(slow, server.url, `tfjs ${backend}`, job);
      await begin(peer, row);
      row.times.push(...(await peer.steps(1)).taken.map((step) => step.ms));
    } catch (error) {
      row.failed = reason(error);
    } finally {
      await slow.close();
    }
  }
  return result;

  /** The first two steps, which also compile: their losses must be ours. */
  async function begin(peer, row) {
    const begun = await peer.steps(WARM_UP, start);
    row.parameters = begun.parameters;
    row.apart = begun.taken.map(({ losses }, step) => apart(first[step], losses));
    if (row.parameters !== result.parameters) throw new Error(`${row.parameters} parameters, expected ${result.parameters}`);
    if (!(Math.max(...row.apart) < 1e-2)) throw new Error(`other losses than ours, ${row.apart} apart: not the same step`);
  }
}

async function measureHeap(server) {
  say('heap over 1,000 steps');
  const browser = await launch();
  try {
    const job = { ...JOB, width: 4, batch: 16 };
    const ours = await open(browser, server.url, 'page', job);
    const { taken } = await ours.steps(1000, undefined, 600_000);
    const heap = Object.fromEntries([1, 10, 100, 500, 1000].map((step) => [step, taken[step - 1].heap]));
    if (heap[1000] > heap[100]) throw new Error(`the heap grew from ${heap[100]} to ${heap[1000]} bytes`);
    table(
      `WebAssembly memory of the page while it trains, bytes; width ${job.width}, batch ${job.batch}`,
      Object.keys(heap).map((step) => `step ${step}`),
      [Object.values(heap).map((bytes) => bytes.toLocaleString('en'))],
    );
    return heap;
  } finally {
    await browser.close();
  }
}

const results = { date: new Date().toISOString(), processor: cpus()[0].model.trim(), threads: cpus().length, steps: [] };
console.log(`${results.processor}, ${results.threads} threads`);
const server = await startServer({ extraRoot: here });
try {
  for (const width of wanted.includes('page') ? options.widths.split(',').map(Number) : []) {
    const result = await measure(server, width);
    results.steps.push(result);
    const base = median(result.rows[0].times);
    table(
      `A training step, ms: median (quartiles). ${JOB.size}×${JOB.size}×${JOB.channels}, width ${width}, batch ${JOB.batch}, ${result.parameters.toLocaleString('en')} parameters; the page's WebAssembly memory ${Math.round(result.heap / 2 ** 20)} MiB`,
      ['engine', 'step', 'page / engine', 'losses of the first steps differ from ours by'],
      result.rows.map((row) => [
        row.name,
        row.times.length ? spread(row.times) : row.failed,
        row.times.length ? (base / median(row.times)).toFixed(2) : '',
        row.apart ? row.apart.map((difference) => difference.toExponential(1)).join(', ') : '',
      ]),
    );
  }
  if (wanted.includes('heap')) results.heap = await measureHeap(server);
} finally {
  await server.close();
}
if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
