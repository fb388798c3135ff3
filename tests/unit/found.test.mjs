// Held: how small a fault a model finds, as a sentence and as a curve, whatever came of the measurement.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { foundFile, foundOf, withLine } from '../../scripts/found.mjs';
import { detectionShape, foundWords, measuredWords } from '../../www/lib/found.js';
import { SETS, lineOf } from '../../www/lib/sets.js';

const groups = [{ from: 2, to: 5, size: 3, hits: 1, trials: 4, probability: 0.2 }, { from: 6, to: 20, size: 11, hits: 4, trials: 4, probability: 0.95 }];
const series = (kind, more) => ({ kind, origin: 'simulated', contrast: 0.2, curve: { intercept: -3, slope: 2 }, words: 'from 7.1 pixels, with 95 % confidence from 8.3', groups, ...more });
const found = (more) => ({ normals: 180, side: 64, false_alarm_rate: 0.0111, contrast: 0.2, series: [series('spot'), series('scratch', more)] });

test('the sentence has the false alarms, the fault, the size and what the size is of', () => {
  assert.equal(foundWords(found()), 'At 1.1 % false alarms it finds 90 % of simulated scratches in images of 64 × 64 from 7.1 pixels, with 95 % confidence from 8.3.');
  assert.match(foundWords(found({ words: 'at no size tried' })), /90 % of simulated scratches in images of 64 × 64 at no size tried\.$/);
  assert.match(foundWords({ ...found(), series: [series('spot')] }), /simulated spots in images of 64 × 64 from/);
  assert.match(measuredWords(found()), /180 normal images/);
});

test('the curve lies between 0 and 1 and rises, the shares found lie on the same axis; without a curve there are those', () => {
  const { least, most, place, lines } = detectionShape(found({ curve: null }));
  assert.deepEqual([least, most, place(2), place(20)], [2, 20, 0, 1]);
  const [spot, scratch] = lines;
  assert.deepEqual([spot.kind, scratch.kind, scratch.curve], ['spot', 'scratch', []]);
  spot.curve.forEach(({ x, y }, i) => assert.ok(x >= 0 && x <= 1 && y > 0 && y < 1 && (i === 0 || y > spot.curve[i - 1].y)));
  assert.deepEqual(scratch.dots.map(({ y }) => y), [0.25, 1]);
  assert.ok(scratch.dots.every(({ x }) => x > 0 && x < 1));
});

test('of the program\'s evaluation, what the page measures after a training', () => {
  const { normals, false_alarm_rate, contrast } = found();
  const others = [series('scratch', { contrast: 0.4 }), series('hole', { origin: 'rendered' })];
  const evaluation = { size: 64, simulated: { normals, false_alarm_rate, contrast, pro: 0.5, series: [...found().series, ...others] } };
  const { side, series: all, ...rest } = foundOf(evaluation);
  assert.deepEqual([side, rest], [64, { normals, false_alarm_rate, contrast }]);
  assert.deepEqual(all.map(({ kind }) => kind), ['spot', 'scratch'], 'of the contrast in the middle');
  assert.equal(foundWords(foundOf(evaluation)), foundWords(found()));
  const text = withLine(withLine('{"wood":1}', 'gear', found()), 'wood', found());
  assert.deepEqual(Object.keys(JSON.parse(text)), ['gear', 'wood']);
});

test('what is said of the lines\' models was measured', { skip: !existsSync(foundFile) }, () => {
  const all = JSON.parse(readFileSync(foundFile, 'utf8'));
  assert.deepEqual(Object.keys(all), SETS.map(({ id }) => id).filter(lineOf).sort());
  for (const one of Object.values(all)) assert.match(foundWords(one), /^At [\d.]+ % false alarms it finds 90 % of simulated scratches /);
});
