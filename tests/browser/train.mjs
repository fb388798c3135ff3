// How the tests drive training without the page's form: through session.js, in the page.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sampleDir } from './harness.mjs';

/** Settings of a run that a software adapter can take. */
export const TINY = { preset: 'memory', size: 32, channels: 1, width: 4, batch: 4, cut_skips: 7, lambda: 0, latent: 'memory' };

const list = (folder) => readdirSync(join(sampleDir, 'solar-ir', folder)).filter((name) => name.endsWith('.png')).sort();

/** Pictures of the set that comes with the page, as the page would choose them. */
export function trainFiles(normals, { normal = 0, abnormal = 0 } = {}) {
  const take = (folder, count) => list(folder).slice(0, count).map((name) => `${folder}/${name}`);
  const labelled = normal + abnormal > 0;
  return [
    ...take('train/0.normal', normals),
    ...(labelled ? [...take('test/0.normal', normal), ...take('test/1.abnormal', abnormal)] : []),
  ].map((path) => ({ path: labelled ? path : path.split('/').at(-1), source: { url: `./samples/solar-ir/${path}` } }));
}

/**
 * Opens a session in the page, as `window.session`; all that it tells is kept in `window.told`.
 * The workers that it starts are in `window.workers`.
 */
export function openSession(page, device = 'cpu', times = {}) {
  return page.evaluate(async ([kind, options]) => {
    const { TrainingSession } = await import('./lib/training/session.js');
    if (!window.workers) {
      window.workers = [];
      const Plain = window.Worker;
      window.Worker = class extends Plain {
        constructor(...args) {
          super(...args);
          if (String(args[0]).includes('/training/')) window.workers.push(this);
        }
      };
    }
    window.told = [];
    window.session = new TrainingSession(kind, options);
    for (const type of ['device', 'failed', 'progress', 'state', 'history', 'losses', 'preview', 'saved', 'problem', 'finished', 'restart']) {
      window.session.addEventListener(type, ({ detail }) => window.told.push({ type, at: performance.now(), detail }));
    }
  }, [device, times]);
}

/** Prepares pictures: what the session answers, or { refused: words }. */
export function prepare(page, files, given = TINY) {
  return page.evaluate(
    ([list, settings]) => window.session.prepare(list, settings).catch((error) => ({ refused: error.message })),
    [files, given],
  );
}

export function plan(page, given, minutes = null) {
  return page.evaluate(
    ([settings, time]) => window.session.plan(settings, time).catch((error) => ({ refused: error.message })),
    [given, minutes],
  );
}

export const start = (page, given, options = {}) =>
  page.evaluate(([settings, more]) => window.session.start({ name: 'a test', given: settings, ...more }), [given, options]);

/** Waits for something told: { type, and the fields named }, `after` so many events before. */
export async function waitTold(page, type, wanted = {}, { timeout = 180_000, after = 0 } = {}) {
  try {
    const found = await page.waitForFunction(
      ([kind, fields, from]) => window.told.slice(from).find((one) =>
        one.type === kind && Object.entries(fields).every(([name, value]) => one.detail[name] === value))?.detail,
      [type, wanted, after],
      { timeout, polling: 50 },
    );
    return await found.jsonValue();
  } catch (error) {
    const tail = await page.evaluate(() => window.told.filter((one) => one.type !== 'progress').slice(-12).map((one) =>
      JSON.stringify({ ...one, detail: one.detail?.losses ? `${one.detail.losses.length} losses` : one.detail }).slice(0, 300)));
    throw new Error(`expected ${type} with ${JSON.stringify(wanted)}; the last were\n${tail.join('\n')}`, { cause: error });
  }
}

/** Waits until this step's loss was told. */
export async function waitStep(page, step, timeout = 120_000) {
  try {
    await page.waitForFunction((n) => window.session.status.step >= n, step, { timeout, polling: 20 });
  } catch (error) {
    throw new Error(`step ${step} was not reached: ${JSON.stringify(await status(page))}`, { cause: error });
  }
}

export const status = (page) => page.evaluate(() => window.session.status);

/** Everything of one type that was told. */
export const all = (page, type) =>
  page.evaluate((kind) => window.told.filter((one) => one.type === kind).map((one) => one.detail), type);

/** The losses told, in the order told. */
export async function losses(page) {
  return (await all(page, 'losses')).flatMap((one) => one.losses);
}
