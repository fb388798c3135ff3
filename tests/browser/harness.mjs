// Shared by the browser tests and the benchmarks: the static server, Chromium, temporary folders.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { findChromium } from '../../scripts/chromium.mjs';
import { serve } from '../../scripts/serve.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** The pictures that come with the page. */
export const sampleDir = join(root, 'www/samples');
/** Screenshots and the like; kept after the run, never committed. */
export const outputDir = join(root, 'test-output');

/**
 * Serves the page on a free port: { url, port, close() }.
 * The CPU module is that of PKG_CPU_DIR, where set (make test points it at a fresh build); both modules
 * are those of PKG_DIR, where set.
 * `extraRoot`, a folder, is served under `/extra/`; `onRequest` sees every path asked for.
 */
export function startServer({ pkgCpu = process.env.PKG_CPU_DIR || undefined, ...options } = {}) {
  const pkg = process.env.PKG_DIR;
  return serve({ port: 0, ...(pkg ? { pkg } : {}), ...options, ...(pkgCpu ? { pkgCpu } : {}) });
}

/**
 * Starts headless Chromium. `webgpu` switches on the software adapter (SwiftShader), which works
 * without a graphics card; without it `requestAdapter()` gives null.
 */
export function launch({ webgpu = false, args = [], ...options } = {}) {
  const executablePath = findChromium();
  if (!executablePath) throw new Error("no Chromium found: run 'make setup'");
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...(webgpu ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'] : []),
      ...args,
    ],
    ...options,
  });
}

/**
 * An address of the page. Where it names no set, it is the real pictures': most tests score files, and what those give is
 * known.
 */
export function addressOf(address) {
  const [page, hash] = address.split('#');
  const whole = /[?&]set=/.test(page) ? page : `${page}${page.includes('?') ? '&' : '?'}set=solar-ir`;
  return hash === undefined ? whole : `${whole}#${hash}`;
}

/** Opens the page and waits until it is ready. `query` as in '?device=cpu'. */
export async function openPage(browser, url, query = '', { timeout = 120_000, ...context } = {}) {
  const page = await browser.newPage(context);
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(addressOf(`${url}${query}`));
  try {
    // 'loading' ends in 'ready' or in 'failed'.
    await page.waitForFunction(() => document.documentElement.dataset.state !== 'loading', undefined, { timeout });
    const state = await page.evaluate(() => document.documentElement.dataset.state);
    if (state !== 'ready') throw new Error(`state '${state}'`);
  } catch (error) {
    const state = await page.evaluate(() => ({ ...document.documentElement.dataset, text: document.body.innerText.slice(0, 500) }));
    throw new Error(`the page did not get ready: ${JSON.stringify(state)} ${problems.join('; ')}`, { cause: error });
  }
  return page;
}

/** A temporary folder, removed when the process ends. */
export function temporaryFolder(prefix = 'skip-ganomaly-') {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The native program, as `cargo build --release` leaves it. */
export function program() {
  const cache = process.env.SKIP_GANOMALY_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'skip-ganomaly');
  return join(process.env.CARGO_TARGET_DIR || join(cache, 'target'), 'release', 'skip-ganomaly');
}

/** Runs the native program and gives { status, stdout, stderr }. */
export function runProgram(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program(), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', (error) =>
      reject(new Error(`cannot run ${program()}: ${error.message}; run 'cargo build --release' first`)),
    );
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** What the shipped model's file says of itself. */
export function modelHeader() {
  const bytes = readFileSync(join(root, 'www/models/solar-ir.safetensors'));
  const json = bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString('utf8');
  return JSON.parse(JSON.parse(json).__metadata__['skip-ganomaly']);
}
