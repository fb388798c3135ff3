// @ts-check
/** Lets a worker take its messages in the middle of long work. */
const { port1, port2 } = new MessageChannel();
/** @type {(() => void)[]} */
const waiting = [];
port1.onmessage = () => waiting.shift()?.();

/** Resolves once the messages that wait now were taken. Unlike a timer's, its turns come at once. @returns {Promise<void>} */
export function yieldNow() {
  return new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(0);
  });
}
