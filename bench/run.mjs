// Measures the page and the program and prints tables in Markdown.
//
//   node bench/run.mjs [--only page,startup,memory,native] [--repeats 15] [--json FILE]
//
// page:    scoring 1 and 64 pictures in Chromium, against onnxruntime-web's wasm provider
// startup: from navigation to ready and to the first score of a gallery picture
// memory:  of the tab, after 100 pictures and after 1,000
// native:  the program's score and training step, against PyTorch on the CPU
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { cpus, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, ms, spread, table } from './statistics.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..');
const cache = process.env.SKIP_GANOMALY_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'skip-ganomaly');
const model = join(root, 'www/models/solar-ir.safetensors');
const PARTS = ['page', 'startup', 'memory', 'native'];

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: PARTS.join(',') },
    repeats: { type: 'string', default: '15' },
    json: { type: 'string' },
  },
});
const wanted = options.only.split(',');
const repeats = Number(options.repeats);
for (const part of wanted) {
  if (!PARTS.includes(part)) throw new Error(`--only has '${part}', expected some of ${PARTS.join(',')}`);
}

const say = (text) => console.error(`==> ${text}`);
const run = (command, args, more = {}) => execFileSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...more });

if (!existsSync(join(root, 'node_modules/playwright-core'))) run('npm', ['ci']);
if (!existsSync(join(here, 'node_modules/onnxruntime-web')) && wanted.includes('page')) {
  // Nothing of it has to run at installation; the browser part is all that is used.
  run('npm', ['ci', '--ignore-scripts'], { cwd: here });
}
const { launch, openPage, sampleDir, startServer, temporaryFolder } = await import('../tests/browser/harness.mjs');

/** A Python with the packages of a requirements file, in a virtual environment outside the checkout. */
function python(requirements, probe) {
  const venv = join(cache, 'bench-venv');
  const executable = join(venv, 'bin/python');
  if (!existsSync(executable)) run('python3', ['-m', 'venv', venv]);
  if (spawnSync(executable, ['-c', probe]).status !== 0) {
    say(`installing ${requirements}`);
    run(executable, ['-m', 'pip', 'install', '--quiet', '-r', join(here, requirements)]);
  }
  return executable;
}

const pngsUnder = (dir) =>
  readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.png'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();

async function measurePage() {
  say('scoring in the browser');
  const out = join(here, 'out');
  mkdirSync(out, { recursive: true });
  const executable = python('requirements.txt', 'import numpy, onnx, safetensors');
  run(executable, [join(here, 'export_onnx.py'), model, join(out, 'model.onnx')]);
  const pictures = pngsUnder(join(sampleDir, 'solar-ir/test'))
    .slice(0, 64)
    .map((path) => `../${path.slice(join(root, 'www').length + 1)}`);
  if (pictures.length !== 64) throw new Error(`${pictures.length} test pictures, expected 64`);
  const server = await startServer({ extraRoot: here });
  const browser = await launch();
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}extra/score.html`);
    const result = await page.evaluate(
      (job) =>
        new Promise((resolve, reject) => {
          const worker = new Worker('./score-worker.js', { type: 'module' });
          worker.onmessage = (event) => resolve(event.data);
          worker.onerror = (event) => reject(new Error(event.message || 'the worker did not load'));
          worker.postMessage(job);
        }),
      { model: '../models/solar-ir.safetensors', onnx: './out/model.onnx', pictures, repeats },
    );
    if (result.error) throw new Error(result.error);
    if (!(result.difference < 1e-4)) throw new Error(`the two score differently (${result.difference}): not the same net`);
    table(
      `Scoring in the page, one thread, ms: median (quartiles). Net of ${result.parameters} parameters, ${result.size}×${result.size}×${result.channels}; scores agree to ${result.difference.toExponential(1)}`,
      ['images', 'page: file to score and images', 'onnxruntime-web: tensor to score', 'ratio'],
      result.rows.map((row) => [row.batch, spread(row.ours), spread(row.theirs), (median(row.ours) / median(row.theirs)).toFixed(2)]),
    );
    return result;
  } finally {
    await browser.close();
    await server.close();
  }
}

async function measureStartup() {
  say('start-up');
  const server = await startServer();
  const kinds = { cold: { ready: [], scored: [] }, cached: { ready: [], scored: [] } };
  const runs = Math.max(5, Math.round(repeats / 2));
  try {
    for (let i = 0; i < runs; i += 1) {
      // A new browser each time: nothing cached, no compiled code kept.
      const browser = await launch();
      const context = await browser.newContext();
      for (const kind of ['cold', 'cached']) {
        const page = await context.newPage();
        await page.goto(server.url);
        // The page itself notes both times, in ms since the navigation began.
        await page.waitForFunction(() => document.documentElement.dataset.firstScoreMs, undefined, { timeout: 60_000 });
        const { readyMs, firstScoreMs } = await page.evaluate(() => ({ ...document.documentElement.dataset }));
        kinds[kind].ready.push(Number(readyMs));
        kinds[kind].scored.push(Number(firstScoreMs));
        // The second visit is one after the service worker has taken its copy.
        await page.waitForFunction(() => document.documentElement.dataset.offline === 'ready', undefined, { timeout: 30_000 });
        await page.close();
      }
      await browser.close();
    }
  } finally {
    await server.close();
  }
  table(
    `Start-up on localhost, ms from navigation: median (quartiles) of ${runs}`,
    ['visit', 'ready', 'first score'],
    Object.entries(kinds).map(([kind, times]) => [kind, spread(times.ready), spread(times.scored)]),
  );
  return kinds;
}

async function measureMemory() {
  say('memory of the tab');
  const sources = pngsUnder(join(sampleDir, 'solar-ir'));
  const folder = temporaryFolder();
  const files = Array.from({ length: 1000 }, (_, i) => {
    const path = join(folder, `picture-${String(i).padStart(4, '0')}.png`);
    copyFileSync(sources[i % sources.length], path);
    return path;
  });
  const server = await startServer();
  const browser = await launch();
  const samples = [];
  try {
    const page = await openPage(browser, server.url, '?device=cpu');
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    const whole = await browser.newBrowserCDPSession();
    const sample = async (pictures) => {
      await session.send('HeapProfiler.collectGarbage');
      await page.waitForTimeout(500);
      const { metrics } = await session.send('Performance.getMetrics');
      const { processInfo } = await whole.send('SystemInfo.getProcessInfo');
      const resident = processInfo
        .filter((process) => process.type === 'renderer')
        .map((process) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${process.id}/status`, 'utf8'))?.[1] ?? 0) / 1024);
      samples.push({
        pictures,
        heap: metrics.find((metric) => metric.name === 'JSHeapUsedSize').value / 2 ** 20,
        resident: Math.max(...resident),
      });
    };
    for (let done = 0; done < files.length; ) {
      const next = Math.min(done + 50, files.length);
      await page.locator('#files').setInputFiles(files.slice(done, next));
      await page.waitForFunction((n) => document.querySelectorAll('#results tbody tr[data-verdict]').length >= n, next, { timeout: 120_000 });
      done = next;
      if (done % 100 === 0) await sample(done);
    }
    const clear = async () => {
      await page.locator('#clear').click();
      await page.waitForFunction(() => document.querySelectorAll('#results tbody tr').length === 0);
    };
    await clear();
    await sample('1000, results cleared');
    // Without the table's rows: what is left grows only if something leaks.
    for (let done = 0; done < files.length; done += 100) {
      await page.locator('#files').setInputFiles(files.slice(done, done + 100));
      await page.waitForFunction(() => document.querySelectorAll('#results tbody tr[data-verdict]').length >= 100, undefined, { timeout: 120_000 });
      await clear();
    }
    await sample('1000 more, cleared every 100');
  } finally {
    await browser.close();
    await server.close();
  }
  table(
    'Memory of the tab, MiB',
    ['images scored', 'JavaScript heap of the page', "resident, the tab's process"],
    samples
      .filter(({ pictures }) => ![300, 400, 600, 700, 800, 900].includes(pictures))
      .map(({ pictures, heap, resident }) => [pictures, heap.toFixed(1), resident.toFixed(0)]),
  );
  return samples;
}

function jsonLines(text) {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

function measureNative() {
  say('native against PyTorch');
  const executable = python('requirements-torch.txt', 'import torch');
  const target = process.env.CARGO_TARGET_DIR || join(cache, 'target');
  const rows = [];
  const all = cpus().length;
  // Built before anything is timed.
  run('cargo', ['bench', '--locked', '--bench', 'native', '--no-run'], { env: { ...process.env, CARGO_TARGET_DIR: target } });
  for (const threads of all > 1 ? [all, 1] : [1]) {
    const ours = jsonLines(
      execFileSync('cargo', ['bench', '--locked', '--bench', 'native'], {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 2],
        env: { ...process.env, CARGO_TARGET_DIR: target, RAYON_NUM_THREADS: String(threads) },
      }),
    );
    if (!ours.length) throw new Error("'cargo bench --bench native' printed no JSON line");
    const { size = 32, channels = 3, width = 32 } = ours[0];
    const theirs = jsonLines(
      execFileSync(
        executable,
        [join(here, 'torch_bench.py'), ...Object.entries({ size, channels, width, threads, repeats }).flatMap(([k, v]) => [`--${k}`, String(v)])],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 2] },
      ),
    );
    for (const our of ours) {
      const their = theirs.find((line) => line.name === our.name);
      if (their) rows.push({ name: our.name, threads, size, channels, width, ours: our.median_ms, theirs: their.median_ms, version: their.version });
    }
  }
  if (!rows.length) throw new Error('the names of the two benchmarks do not match');
  const [first] = rows;
  table(
    `Native against PyTorch ${first.version} on the CPU, ms, medians; ${first.size}×${first.size}×${first.channels}, width ${first.width}`,
    ['what', 'threads', 'this crate', 'PyTorch', 'ratio'],
    rows.map((row) => [row.name, row.threads, ms(row.ours), ms(row.theirs), (row.ours / row.theirs).toFixed(2)]),
  );
  return rows;
}

const results = { date: new Date().toISOString(), processor: cpus()[0].model, threads: cpus().length };
if (wanted.some((part) => part !== 'native') && !statSync(model, { throwIfNoEntry: false })) {
  throw new Error('www/models/solar-ir.safetensors is missing');
}
console.log(`${results.processor.trim()}, ${results.threads} threads`);
if (wanted.includes('page')) results.page = await measurePage();
if (wanted.includes('startup')) results.startup = await measureStartup();
if (wanted.includes('memory')) results.memory = await measureMemory();
if (wanted.includes('native')) results.native = measureNative();
if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
