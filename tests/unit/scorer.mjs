// A scorer whose workers are fakes, with what a test asks of both.
import { Scorer } from '../../www/lib/scorer.js';
import { install, settled, workers } from './worker.mjs';

export { settled, workers };

export const MODEL = { size: 8 };
const picture = (key) => ({ score: key, threshold: 1 });

/** What the program says of a loaded model. */
const info = (latentSteps) => ({ method: 'x', threshold: 1, search_steps: latentSteps });

export class Bench {
  told = [];

  constructor(device = 'auto') {
    install();
    this.scorer = new Scorer(device);
    for (const type of ['loaded', 'device', 'restart', 'failed', 'optimisation', 'queue']) {
      this.scorer.addEventListener(type, ({ detail }) => this.told.push([type, detail]));
    }
  }

  /** The worker in use. */
  get worker() {
    return workers.at(-1);
  }

  /** How often something was told. */
  count(type) {
    return this.told.filter(([one]) => one === type).length;
  }

  /** Loads a model; `latentSteps`: of a method that optimises latent codes. */
  async load({ latentSteps = null, device = 'cpu' } = {}) {
    const loading = this.scorer.loadModel(MODEL);
    this.loaded({ latentSteps, device });
    return loading;
  }

  /** Answers the load that was asked for last. */
  loaded({ latentSteps = null, device = 'cpu' } = {}) {
    const { id } = this.worker.of('load').at(-1);
    this.worker.say({ type: 'loaded', id, info: info(latentSteps), build: { version: '1' }, device, reason: '' });
  }

  /** Asks for pictures, by name. Each answer lands in `answers`. */
  answers = new Map();
  async ask(names, { bytes = 100, signal } = {}) {
    for (const name of names) {
      const source = { blob: { size: bytes, name } };
      this.scorer.score(source, signal).then(
        (answer) => this.answers.set(name, answer),
        (error) => this.answers.set(name, error),
      );
    }
    await settled();
  }

  /** Batches of the worker in use that it has not answered, by names. */
  get batches() {
    return this.open().map(({ items }) => items.map(({ source }) => source.blob.name));
  }

  open() {
    const { worker } = this;
    return worker.of('score').filter(({ id }) => !worker.done?.has(id));
  }

  #close(id) {
    (this.worker.done ??= new Set()).add(id);
  }

  /** Answers the first open batch, after `perPicture` milliseconds a picture. */
  async answer({ perPicture = 10, device = 'cpu' } = {}) {
    const [{ id, items }] = this.open();
    this.#close(id);
    const results = items.map(({ key }) => ({ key, result: picture(key) }));
    this.worker.say({ type: 'scored', id, device, elapsedMs: perPicture * items.length, results });
    await settled();
    return items.length;
  }

  /** A cancelled batch ends. */
  async stop(id) {
    this.#close(id);
    this.worker.say({ type: 'stopped', id });
    await settled();
  }

  /** The worker stops. */
  async die(cause = 'panic', reason = 'unreachable') {
    this.worker.say({ type: 'fatal', cause, reason });
    await settled();
  }
}

export const names = (count, from = 0) => Array.from({ length: count }, (_, i) => `p${from + i}`);
