// A worker that does what a test says: it keeps what it is told, and answers when it is asked to.
import { fileURLToPath } from 'node:url';

/** All workers since the last `install`, the first first. */
export const workers = [];
/** The clocks by which workers are looked after, each with its interval. */
export let beats = [];
/** All of them beat. */
export const beat = () => beats.forEach((one) => one.beat());

class FakeWorker {
  constructor(url) {
    this.file = fileURLToPath(url);
    this.told = [];
    this.ended = false;
    workers.push(this);
  }

  postMessage(message) {
    if (this.ended) throw new Error('a worker that has ended was told something');
    this.told.push(message);
  }

  terminate() {
    this.ended = true;
  }

  /** Says something to the page. */
  say(message) {
    this.onmessage({ data: message });
  }

  /** What it was told of this type. */
  of(type) {
    return this.told.filter((message) => message.type === type);
  }
}

/** Puts it in the place of `Worker`, and clocks that a test moves in that of the real ones. */
export function install() {
  workers.length = 0;
  beats = [];
  globalThis.Worker = FakeWorker;
  globalThis.setInterval = (beat, every) => {
    const one = { beat, every };
    beats.push(one);
    return one;
  };
  globalThis.clearInterval = (one) => (beats = beats.filter((other) => other !== one));
}

/** Lets promises that are ready go on. */
export async function settled() {
  for (let i = 0; i < 20; i++) await null;
}
