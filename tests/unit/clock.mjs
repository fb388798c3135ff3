// A clock that stands until a test moves it, in the place of performance.now.
export const clock = {
  now: 1000,
  /** @param {number} ms */
  pass(ms) {
    this.now += ms;
  },
};

/** @param {import('node:test').TestContext} t */
export function stopClock(t) {
  clock.now = 1000;
  t.mock.method(performance, 'now', () => clock.now);
  return clock;
}

/** Yields between slices without the port, which would keep the process alive. Before yield.js is imported. */
export function instantYields() {
  globalThis.MessageChannel = class {
    port1 = { onmessage: () => {} };
    port2 = { postMessage: () => queueMicrotask(() => this.port1.onmessage()) };
  };
}
