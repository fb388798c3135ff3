// Held: what runs measured is kept once a step, compared on one axis, and goes whole into their CSV.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { addLosses, addPoint, addressOf, differences, lossesOf, measureFor, measuresOf, nameOf, overlay, toCsv } from '../../www/lib/training/records.js';

const { methods } = JSON.parse(readFileSync(new URL('../../www/lib/training/schema.json', import.meta.url), 'utf8'));

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
  const [head, ...lines] = toCsv(runs, methods).split('\r\n');
  assert.equal(head, 'run,step,adversarial,contextual,latent,generator,discriminator,real,fake,held_out_residual,auroc_information');
  assert.deepEqual(lines, [
    '"x, ""y""",0,,,,,,,,0.5,',
    '"x, ""y""",1,1,1,1,1,1,,0.5,,',
    '"x, ""y""",2,2,2,2,2,2,,0.5,0.25,1',
    "'=b,1,1e-7,1e-7,1e-7,1e-7,1e-7,,0.5,,",
    '',
  ]);
  assert.equal(toCsv([], methods), 'run,step,real,fake,held_out_residual,auroc_information\r\n');
});

/** A step of a method, by the names of its losses. */
const stepOf = (method, step, value = step) => ({
  step, ...Object.fromEntries(methods.find(({ name }) => name === method).losses.map(({ name }, i) => [name, value + i])), real: 0.5, fake: null,
});
const FIVE = ['adversarial', 'contextual', 'latent', 'generator', 'discriminator'];
const namesOf = (one) => lossesOf(one, methods).map(({ name }) => name);
const trained = methods.filter(({ losses }) => losses.length > 0).map(({ name }) => name);

test('the losses of a run are its method\'s own, in their order, before its first step too', () => {
  assert.ok(trained.length >= 6);
  for (const method of trained) {
    const own = methods.find(({ name }) => name === method).losses;
    assert.deepEqual(lossesOf(run({ settings: { method } }), methods), own);
    assert.deepEqual(lossesOf(run({ settings: { method }, losses: [stepOf(method, 1)] }), methods), own);
    for (const { title, meaning } of own) assert.ok(title && meaning, method);
  }
});

test('a run of an earlier version shows the five that it has, whatever its method', () => {
  for (const method of trained) {
    const old = run({ settings: { method }, losses: [loss(1), loss(2)] });
    assert.deepEqual(namesOf(old).sort(), [...FIVE].sort(), method);
    for (const { title } of lossesOf(old, methods)) assert.ok(title);
  }
  assert.deepEqual(namesOf(run({ losses: [loss(1)] })), FIVE, 'also where the method is not known yet');
  assert.deepEqual(namesOf(run()), []);
  assert.deepEqual(lossesOf(run({ losses: [{ step: 1, novel: 1, real: null, fake: null }] }), methods), [{ name: 'novel', title: 'novel', meaning: '' }]);
});

test('one that was begun by an earlier version and resumed shows both', () => {
  const both = run({ settings: { method: 'egbad' }, losses: [loss(1), stepOf('egbad', 2)] });
  assert.deepEqual(namesOf(both), ['generator', 'encoder', 'discriminator', 'reconstruction', 'adversarial', 'contextual', 'latent']);
});

test('CSV of two methods: the losses of both, empty where a run has none', () => {
  const runs = [run({ name: 's', settings: { method: 'skip-ganomaly' }, losses: [loss(1)] }), run({ name: 'e', settings: { method: 'egbad' }, losses: [stepOf('egbad', 1, 10)] })];
  assert.deepEqual(toCsv(runs, methods).trim().split('\r\n'), [
    'run,step,adversarial,contextual,latent,generator,discriminator,encoder,reconstruction,real,fake,held_out_residual,auroc_information',
    's,1,1,1,1,1,1,,,,0.5,,',
    'e,1,,,,10,12,11,13,0.5,,,',
  ]);
});

test('measures: every loss that a run has, what all methods have, and a first choice that all runs have', () => {
  const [skip, egbad] = ['skip-ganomaly', 'egbad'].map((method) => run({ settings: { method }, losses: [stepOf(method, 1)] }));
  assert.deepEqual(measuresOf([skip], methods).map(([name]) => name), [...FIVE, 'real', 'fake', 'residual']);
  assert.deepEqual(measuresOf([skip, egbad], methods).map(([name]) => name), [...FIVE, 'encoder', 'reconstruction', 'real', 'fake', 'residual']);
  assert.deepEqual(measuresOf([], methods).map(([name]) => name), ['real', 'fake', 'residual']);
  assert.deepEqual([[skip], [skip, skip], [egbad], [skip, egbad], []].map((runs) => measureFor(runs, methods)), ['contextual', 'contextual', 'residual', 'residual', 'residual']);
});

test('a curve of a measure that one method has and another has not', () => {
  const made = overlay([run({ losses: [loss(1)] }), run({ losses: [stepOf('egbad', 1), stepOf('egbad', 2)] })], 'encoder');
  assert.deepEqual(Array.from({ length: made.count }, (_, i) => [made.x(i), made.y(0, i), made.y(1, i)]), [[1, null, 2], [2, null, 3]]);
});

test('the address repeats a run: minutes by the steps that they took, epochs where nobody gave steps', () => {
  const page = 'https://site.example/?model=a.safetensors';
  const settings = { preset: 'memory', size: 32, channels: 1, width: 8, batch: 16, seed: 0, epochs: 7 };
  const read = (more, given = {}) => Object.fromEntries(new URL(addressOf({ settings, name: 'n', state: 'done', step: 40, userSettings: { given, minutes: null, device: 'auto', name: '' }, ...more }, page)).searchParams);
  const whole = { model: 'a.safetensors', preset: 'memory', size: '32', channels: '1', width: '8', batch: '16', seed: '0', name: 'n' };
  assert.deepEqual(read({}), { ...whole, epochs: '7' });
  assert.deepEqual(read({}, { width: 3, steps: 9 }), { ...whole, width: '3', steps: '9' });
  const minutes = { userSettings: { given: {}, minutes: 2, device: 'cpu', name: '' } };
  assert.deepEqual(read(minutes), { ...whole, steps: '40', device: 'cpu' });
  assert.deepEqual(read({ ...minutes, state: 'paused' }), { ...whole, minutes: '2', device: 'cpu' });
  const { preset, ...others } = whole;
  assert.equal(preset, 'memory');
  assert.deepEqual(read({ settings: { ...settings, preset: 'paper', method: 'egbad' } }), { ...others, method: 'egbad', epochs: '7' }, 'a run of a method without presets, from a checkpoint');
  assert.deepEqual(read({ settings: { ...settings, preset: undefined, method: 'skip-ganomaly' } }), { ...others, method: 'skip-ganomaly', epochs: '7' }, 'a checkpoint names no preset');
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
  const settings = { preset: 'memory', method: 'skip-ganomaly', size: 64, width: 8, batch: 16, epochs: 7, steps: null };
  for (const word of ['memory', '64', '8', '16', '7']) assert.ok(nameOf(settings).includes(word), word);
  assert.ok(nameOf({ ...settings, method: 'egbad', preset: 'paper' }).startsWith('egbad, '));
  const other = nameOf({ ...settings, method: 'aae', preset: undefined, steps: 500 });
  assert.ok(other.includes('500') && other.includes('aae'));
});
