// Held: numbers as people read them, at the borders between their units. The words around them are not held.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heatWords, leadWords, modelEntries, skipsWords, thresholdSource } from '../../www/lib/model-words.js';
import { nameOf, sizeWords } from '../../www/lib/model-files.js';
import { dataUrl } from '../../www/lib/png.js';
import { verdictOf } from '../../www/lib/verdict.js';
import { asSentence, bytesWords, fileName, plural, reasonOf, short, timeWords } from '../../www/lib/format.js';

const number = (words) => Number(words.match(/[\d.,]+/)[0].replaceAll(',', ''));
const unit = (words) => words.replace(/^[\d.,\s]+/, '');

test('bytes: the number and the unit change together', () => {
  const K = 1024;
  const units = [1, 2, K, 1.5 * K, K * K, 100 * K * K, K ** 3].map(bytesWords).map(unit);
  assert.equal(new Set(units).size, 5, 'one byte, bytes, and three more');
  assert.deepEqual([0, 1, 1023, K, 1536, K * K, 5.25 * K * K, 10 * K * K, 10.6 * K * K, K ** 3, 2.25 * K ** 3].map(bytesWords).map(number),
    [0, 1, 1023, 1, 2, 1, 5.3, 10, 11, 1, 2.3]);
});

test('times: seconds up to a minute and a half, minutes up to an hour and a half, then hours', () => {
  const [second, minute, hour] = [1000, 60_000, 3_600_000];
  const said = [0, 400, second, 89 * second, 90 * second, 30 * minute, 89 * minute, 90 * minute, 24 * hour].map(timeWords);
  assert.deepEqual(said.map(number), [1, 1, 1, 89, 2, 30, 89, 1.5, 24]);
  assert.equal(unit(said[2]) === unit(said[3]), false, 'one second, many seconds');
  assert.deepEqual([unit(said[3]) === unit(said[4]), unit(said[4]) === unit(said[6]), unit(said[6]) === unit(said[7])], [false, true, false]);
});

test('counts: one, or many with their thousands apart', () => {
  assert.deepEqual([0, 1, 2, 1234567].map((count) => plural(count, 'box', 'boxes')), ['0 boxes', '1 box', '2 boxes', '1,234,567 boxes']);
  assert.equal(plural(2, 'run'), '2 runs');
});

test('a score keeps four digits, however small or large', () => {
  assert.deepEqual([0, 0.5, 0.12345678, 12.3456, -0.25].map(short), ['0.000', '0.5000', '0.1235', '12.35', '-0.2500']);
  for (const value of [1e-9, 0.000999, 123456, 1e12, -1e-5]) {
    assert.match(short(value), /^-?\d\.\d{3}e[+-]\d+$/);
    assert.ok(Math.abs(Number(short(value)) - value) <= Math.abs(value) * 5e-4);
  }
});

test('a verdict: above the threshold, at or under it, or none', () => {
  assert.deepEqual([[1, 0.5], [0.5, 0.5], [0.4, 0.5], [9, null], [0, 0]].map(([score, threshold]) => verdictOf(score, threshold)),
    ['anomalous', 'normal', 'normal', 'uncalibrated', 'normal']);
});

test('a picture as an address: all bytes, also of one that is longer than an argument list', () => {
  const png = Uint8Array.from({ length: 200_001 }, (_, i) => (i * 31) & 255);
  const [head, body] = dataUrl(png).split(',');
  assert.equal(head, 'data:image/png;base64');
  assert.deepEqual(new Uint8Array(Buffer.from(body, 'base64')), png);
});

test('sizes of models: never nothing, and thousands up to a tenth of a million', () => {
  assert.deepEqual([1, 1499, 94_999, 95_000, 1_560_130].map(sizeWords).map(number), [1, 1, 95, 0.1, 1.6]);
  assert.equal(unit(sizeWords(94_999)) === unit(sizeWords(95_000)), false);
  assert.deepEqual(['GANomaly (2018)', 'my (2018) file'].map((title) => nameOf({ title })), ['GANomaly', 'my (2018) file']);
});

test('the beginning of a file\'s name: letters and digits of any script, and always something', () => {
  assert.deepEqual(['My run, 32 px!', '../../etc', 'Ünï 日本', '***', '', '-a-'].map(fileName), ['my-run-32-px', 'etc', 'ünï-日本', 'model', 'model', 'a']);
  assert.ok(fileName('x'.repeat(200)).length <= 60);
});

test('reasons: an error\'s own words, or what was thrown', () => {
  assert.deepEqual([new Error('no'), 'no', 7].map(reasonOf), ['no', 'no', '7']);
});

test('a reason before a sentence ends with a full stop, once', () => {
  assert.deepEqual([new Error('no'), ' no. ', 'why?', 'Stop!', 'step 1'].map(asSentence), ['no.', 'no.', 'why?', 'Stop!', 'step 1.']);
});

test('about a model: what its header says, part by part, and nothing that it does not say', () => {
  const info = { header: {}, method: 'aae', size: 32, channels: 1, parameters: 12345, threshold: null };
  const read = (more) => Object.fromEntries(modelEntries({ ...info, ...more }, { name: 'a.safetensors', bytes: 3 * 2 ** 19 }));
  const bare = read({});
  assert.deepEqual(Object.keys(bare), ['File', 'Method', 'Input', 'Parameters', 'Threshold', 'Licence']);
  assert.match(bare.File, /^a\.safetensors, 1\.50 MB$/);
  assert.match(bare.Input, /32 × 32.*grey/);
  assert.equal(bare.Parameters, '12,345');
  const whole = read({
    channels: 3, threshold: 0.125,
    header: {
      licence: 'MIT', scoring: { lambda: 0.9, latent: null }, preprocessing: 'none', calibration: { rule: { 'held-out-quantile': 0.99 }, normals: 10 },
      training: { learningRate: 0.0002, image_sizes: [1, 2], seeds: [1, 2, 3, 4, 5, 6, 7], resumed: true, nested: { deep: { er: 1 } } },
    },
  });
  assert.deepEqual([whole['Score: lambda'], whole['Score: latent'], whole.Preprocessing, whole.Licence], ['0.9', 'not stated', 'none', 'MIT']);
  assert.deepEqual([whole['Training: learning rate'], whole['Training: image sizes'], whole['Training: seeds'], whole['Training: resumed']], ['0.0002', '1, 2', '7 values', 'yes']);
  assert.equal(whole['Calibration: rule'], 'held out quantile 0.99');
  assert.ok(!('Training: nested' in whole), 'an object of objects alone says nothing');
  assert.match(whole.Threshold, /^0\.125, the 99th percentile/);
});

test('where a threshold comes from: the percentile as an ordinal, and how many pictures', () => {
  const source = (quantile, normals = 12345) => thresholdSource({ calibration: { rule: { 'held-out-quantile': quantile }, normals } });
  assert.ok(source(0.99).includes('12,345'));
  assert.deepEqual([0.01, 0.02, 0.03, 0.04, 0.11, 0.12, 0.13, 0.21, 0.91, 0.99, 0.995].map((quantile) => /([\d.]+(?:st|nd|rd|th))/.exec(source(quantile))[1]),
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '91st', '99th', '99.5th']);
  assert.equal(thresholdSource({ calibration: null }), '');
  assert.ok(thresholdSource({ calibration: { rule: 'manual', normals: 0 } }));
});

test('what a model says of its skips: nothing where none is cut', () => {
  assert.deepEqual([{ architecture: null }, { architecture: { size: 32, cut_skips: 0 } }].map(skipsWords), ['', '']);
  assert.match(skipsWords({ architecture: { size: 64, cut_skips: 2 } }), /2/);
  assert.doesNotMatch(skipsWords({ architecture: { size: 32, cut_skips: 7 } }), /\d/);
});

test('the lead says what the model in use does, and what it was trained on', () => {
  const explanation = (memory_bank, marks = null) => ({ memory_bank, marks });
  const lead = (method, lambda, bank = false, subject = undefined) =>
    leadWords({ method, header: { scoring: { lambda } }, explanation: explanation(bank, method === 'repair' ? 'how plainly' : null) }, subject);
  const all = [lead('skip-ganomaly', 0.9), lead('skip-ganomaly', 0, true), lead('nearest', 1), lead('ganomaly', 0), lead('alocc', 0), lead('repair', 0, true)];
  assert.equal(new Set(all).size, all.length);
  assert.equal(lead('ganomaly', 0.9), lead('skip-ganomaly', 0.9));
  for (const method of ['pca', 'repair']) assert.match(lead(method, 1, false, 'thermal images'), /thermal images/);
  assert.match(heatWords({ explanation: explanation(false, 'how plainly') }), /marks/);
  assert.match(heatWords({ explanation: explanation(true) }), /differ/);
});
