// Held: verdicts, orders, counts and lines of the results, which follow the threshold and the model. Rows are not drawn.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResultsTable } from '../../www/page/table.js';

// As much of a document as a table needs that draws nothing.
globalThis.IntersectionObserver = class {
  disconnect() {}
};
globalThis.requestAnimationFrame = () => 1;
globalThis.setTimeout = () => 1;

const picture = (score, more) => ({ score, residual: score / 2, latent: null, threshold: 0.5, display: 0.3, ...more });

/** A table of rows that were drawn already, in this order; a score of null is a picture that cannot be read. */
function tableOf(scores, { generation = 1, threshold = 0.5 } = {}) {
  const body = { addEventListener() {}, append: (...rows) => (body.shown = rows) };
  const table = new ResultsTable({ tBodies: [body], dataset: {} });
  table.rows = scores.map((score, order) => ({
    order, item: { name: `${order}.png`, path: `set/${order}.png` }, answer: { generation: 1 },
    picture: score === null ? null : picture(score), error: score === null ? 'no picture' : null,
    threshold: null, display: score === null ? null : 0.3, displayFor: 0.5, tr: { order },
  }));
  table.setModel(generation, threshold);
  return { table, body };
}
const column = (table, name) => table.rows.map((row) => row[name]);

test('a threshold that moves takes the verdicts with it', () => {
  const { table } = tableOf([0.4, 0.5, 0.6, null]);
  assert.deepEqual(column(table, 'verdict'), ['normal', 'normal', 'anomalous', 'error']);
  table.setThreshold(0.3);
  assert.deepEqual(column(table, 'verdict'), ['anomalous', 'anomalous', 'anomalous', 'error']);
  table.setThreshold(null);
  assert.deepEqual(column(table, 'verdict'), ['uncalibrated', 'uncalibrated', 'uncalibrated', 'error']);
  assert.equal(table.threshold, null);
});

test('rows of an earlier model keep its threshold and verdict, whatever moves later', () => {
  const { table } = tableOf([0.4, 0.6, null]);
  table.setThreshold(0.45);
  table.setModel(2, 0.1);
  table.setThreshold(0.2);
  assert.deepEqual(column(table, 'threshold'), [0.45, 0.45, null]);
  assert.deepEqual(column(table, 'verdict'), ['normal', 'anomalous', 'error']);
  assert.deepEqual(table.counts(), { all: 3, normal: 1, anomalous: 1, uncalibrated: 0, error: 1, stale: 2 });
});

test('a row that an earlier model gave before it was drawn has the threshold that came with it', () => {
  const { table } = tableOf([0.4], { generation: 2, threshold: 0.1 });
  assert.deepEqual([column(table, 'threshold'), column(table, 'verdict')], [[0.5], ['normal']]);
});

test('orders: equal rows as they came, unreadable ones last by score', () => {
  const { table, body } = tableOf([0.4, null, 0.9, 0.4, null, 0.1]);
  const sorted = (name) => (table.setSort(name), column(table, 'order'));
  assert.deepEqual(sorted('high'), [2, 0, 3, 5, 1, 4]);
  assert.deepEqual(body.shown.map(({ order }) => order), [2, 0, 3, 5, 1, 4], 'the document too');
  assert.deepEqual(sorted('low'), [5, 0, 3, 2, 1, 4]);
  assert.deepEqual(sorted('order'), [0, 1, 2, 3, 4, 5]);
  body.shown = null;
  assert.deepEqual([sorted('order'), body.shown], [[0, 1, 2, 3, 4, 5], null], 'what is in order is not moved');
  assert.deepEqual([sorted('nonsense'), table.sort], [[0, 1, 2, 3, 4, 5], 'order']);
});

test('by name: by the whole path, numbers as numbers', () => {
  const { table } = tableOf([0, 0, 0, 0]);
  ['b/1.png', 'a/10.png', 'a/9.png', 'a/10.png'].forEach((path, i) => (table.rows[i].item.path = path));
  table.setSort('name');
  assert.deepEqual(column(table, 'order'), [2, 1, 3, 0]);
});

test('places between 0 and 1 are asked for where they belong to another threshold', () => {
  const { table } = tableOf([0.4, null, 0.6]);
  assert.deepEqual(table.rowsWithoutDisplay(), []);
  table.setThreshold(0.2);
  const rows = table.rowsWithoutDisplay();
  assert.deepEqual(rows.map(({ order }) => order), [0, 2]);
  table.setDisplays(rows, Float64Array.of(0.7, NaN), 0.2);
  assert.deepEqual(column(table, 'display'), [0.7, null, null]);
  assert.deepEqual(table.rowsWithoutDisplay(), []);
  table.setThreshold(null);
  assert.deepEqual(table.rowsWithoutDisplay(), []);
  table.setModel(2, 0.1);
  assert.deepEqual(table.rowsWithoutDisplay(), [], 'of an earlier model: never');
});

test('lines to export, in the order shown', () => {
  const { table } = tableOf([0.4, null, 0.6]);
  table.setSort('high');
  const lines = table.lines();
  assert.deepEqual(lines.map(({ name, score, verdict, threshold, display, error }) => [name, score, verdict, threshold, display, error]), [
    ['set/2.png', 0.6, 'anomalous', 0.5, 0.3, null],
    ['set/0.png', 0.4, 'normal', 0.5, 0.3, null],
    ['set/1.png', null, 'error', null, null, 'no picture'],
  ]);
});

test('cleared, it is as new', () => {
  const { table, body } = tableOf([0.4, null]);
  body.replaceChildren = () => (body.shown = []);
  const classes = new Set(['paired', 'many']);
  table.table.classList = { add: (name) => classes.add(name), remove: (name) => classes.delete(name) };
  table.clear();
  assert.deepEqual([table.rows, table.counts().all, body.shown], [[], 0, []]);
  assert.deepEqual([...classes], ['paired', 'empty'], 'a second method keeps its columns');
});
