// Held: when curves are drawn: in view only, the last of each kind, one a frame, four times a second at most.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stopClock } from './clock.mjs';

// As much of a document as the module needs that draws nothing.
let see;
let shows;
let frames = [];
let timers = [];
globalThis.document = { hidden: false, addEventListener: (_type, listen) => (shows = listen) };
globalThis.IntersectionObserver = class {
  constructor(callback) {
    see = (...views) => callback(views.map((isIntersecting) => ({ isIntersecting })));
  }
  observe() {}
};
globalThis.requestAnimationFrame = (draw) => frames.push(draw);
globalThis.setTimeout = (work, ms) => timers.push({ work, ms });
const { RenderQueue } = await import('../../www/page/training/render-queue.js');

function open(t) {
  const clock = stopClock(t);
  [frames, timers] = [[], []];
  document.hidden = false;
  const drawn = [];
  const renderQueue = new RenderQueue({});
  const keys = { a: {}, b: {} };
  return {
    clock, drawn,
    ask: (key, what) => renderQueue.ask(keys[key], () => drawn.push(what)),
    frame: () => frames.splice(0).forEach((draw) => draw()),
    wait: () => timers.splice(0).forEach(({ work, ms }) => (clock.pass(ms), work())),
  };
}

test('nothing is drawn out of view; what was asked for meanwhile is, once it is seen', (t) => {
  const { ask, frame, drawn } = open(t);
  ask('a', 1);
  ask('a', 2);
  frame();
  assert.deepEqual(drawn, []);
  see(true);
  frame();
  assert.deepEqual(drawn, [2], 'the last of its kind alone');
});

test('several changes told at once: the last one counts', (t) => {
  const { ask, frame, drawn } = open(t);
  ask('a', 1);
  see(false, true);
  frame();
  assert.deepEqual(drawn, [1]);
  const other = open(t);
  other.ask('a', 1);
  see(true, false);
  other.frame();
  assert.deepEqual(other.drawn, []);
});

test('four times a second at most, and then one a frame, in the order of asking', (t) => {
  const { ask, frame, wait, clock, drawn } = open(t);
  see(true);
  ask('a', 'a1');
  frame();
  clock.pass(100);
  ask('b', 'b2');
  ask('a', 'a2');
  frame();
  assert.deepEqual([drawn, timers.map(({ ms }) => ms)], [['a1'], [150]]);
  wait();
  frame();
  assert.deepEqual(drawn, ['a1', 'b2']);
  frame();
  assert.deepEqual(drawn, ['a1', 'b2', 'a2']);
});

test('a hidden page draws nothing until it is shown', (t) => {
  const { ask, frame, drawn } = open(t);
  see(true);
  document.hidden = true;
  ask('a', 1);
  frame();
  assert.deepEqual(drawn, []);
  document.hidden = false;
  shows();
  frame();
  assert.deepEqual(drawn, [1]);
});
