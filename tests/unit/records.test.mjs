// Held: what runs measured is kept once a step, compared on one axis, and goes whole into their CSV.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addLosses, addPoint, differences, nameOf, overlay, toCsv } from '../../www/lib/training/records.js';

const loss = (step, value = step) => ({ step, adversarial: value, contextual: value, latent: value, generator: value, discriminator: value, real: null, fake: 0.5 });
const run = (more) => ({ name: 'a', settings: {}, losses: [], points: [], ...more });
const steps = ({ losses }) => losses.map(({ step }) => step);

test('new steps are added; what is said again, after a worker started anew, replaces the old', () => {
  const one = run();
  addLosses(one, [loss(1), loss(2), loss(3), loss(4)]);
  addLosses(one, []);
  addLosses(one, [loss(3, 30), loss(4, 40)]);
  addLosses(one, [loss(5)]);
  assert.deepEqual(steps(one), [1, 2, 3, 4, 5]);
  assert.deepEqual(one.losses.map(({ latent }) => latent), [1, 2, 30, 40, 5]);
  addLosses(one, [loss(1, 10)]);
  assert.deepEqual(steps(one), [1]);
});

test('so are previews, the one of the same step too', () => {
  const one = run();
  for (const [step, residual] of [[0, 9], [10, 8], [20, 7], [10, 6], [10, 5]]) addPoint(one, { step, residual, auroc: null });
  assert.deepEqual(one.points.map(({ step, residual }) => [step, residual]), [[0, 9], [10, 5]]);
});

test('CSV: a line for each step of each run, the preview beside its step, by itself where there was no loss', () => {
  const runs = [
    run({ name: 'x, "y"', losses: [loss(1), loss(2)], points: [{ step: 0, residual: 0.5, auroc: null }, { step: 2, residual: 0.25, auroc: 1 }] }),
    run({ name: '=b', losses: [loss(1, 1e-7)] }),
  ];
  const [head, ...lines] = toCsv(runs).split('\r\n');
  assert.equal(head.split(',').length, 11);
  assert.deepEqual(head.split(',').slice(0, 2), ['run', 'step']);
  assert.deepEqual(lines, [
    '"x, ""y""",0,,,,,,,,0.5,',
    '"x, ""y""",1,1,1,1,1,1,,0.5,,',
    '"x, ""y""",2,2,2,2,2,2,,0.5,0.25,1',
    "'=b,1,1e-7,1e-7,1e-7,1e-7,1e-7,,0.5,,",
    '',
  ]);
  assert.equal(toCsv([]), `${head}\r\n`);
});

test('settings that differ: also what one run has and another has not', () => {
  const runs = [{ size: 32, batch: 8, lambda: null }, { size: 32, batch: 16, lambda: 0.5 }, { size: 32, batch: 8, seed: 1 }].map((settings) => run({ settings }));
  assert.deepEqual(differences(runs), [
    { key: 'batch', values: [8, 16, 8] },
    { key: 'lambda', values: [null, 0.5, null] },
    { key: 'seed', values: [null, null, 1] },
  ]);
  assert.deepEqual(differences(runs.slice(0, 1)), []);
  assert.deepEqual(differences([]), []);
});

test('runs over each other: one axis of the steps that any has, nothing where a run has none', () => {
  const made = overlay([run({ losses: [loss(1), loss(2)] }), run({ losses: [loss(2, 20), loss(4, 40)] })], 'latent');
  const read = Array.from({ length: made.count }, (_, i) => [made.x(i), made.y(0, i), made.y(1, i)]);
  assert.deepEqual(read, [[1, 1, null], [2, 2, 20], [4, null, 40]]);
});

test('the residual is the previews\', and a measure that is not there is a gap', () => {
  const one = run({ losses: [loss(1), loss(2)], points: [{ step: 0, residual: 0.5, auroc: null }] });
  const residual = overlay([one], 'residual');
  assert.deepEqual([residual.count, residual.x(0), residual.y(0, 0)], [1, 0, 0.5]);
  assert.equal(overlay([one], 'real').count, 0);
  assert.equal(overlay([], 'latent').count, 0);
});

test('of a long run the means of neighbouring steps, on the same places as a short one\'s', () => {
  const long = run({ losses: Array.from({ length: 6000 }, (_, i) => loss(i + 1)) });
  const made = overlay([long, run({ losses: [loss(7, 70)] })], 'latent');
  assert.ok(made.count <= 1501, `${made.count} places`);
  let total = 0;
  for (let i = 0; i < made.count; i++) {
    total += made.y(0, i);
    assert.ok(i === 0 || made.x(i) > made.x(i - 1));
    assert.ok(made.y(0, i) >= made.x(i));
  }
  assert.ok(Math.abs(total / made.count - 3000.5) < 3);
  const at = Array.from({ length: made.count }, (_, i) => i).filter((i) => made.y(1, i) !== null);
  assert.deepEqual(at.map((i) => made.y(1, i)), [70]);
  assert.ok(Math.abs(made.x(at[0]) - 7) < 5);
});

test('a run\'s own name has what tells it apart', () => {
  const settings = { preset: 'memory', method: 'aae', size: 64, width: 8, batch: 16, epochs: 7, steps: null };
  for (const word of ['memory', '64', '8', '16', '7']) assert.ok(nameOf(settings).includes(word), word);
  const other = nameOf({ ...settings, preset: undefined, steps: 500 });
  assert.ok(other.includes('500') && other.includes('aae'));
});
