// Held: a run's settings in the address and on the command line come back as they were, and wrong values are refused.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  allSettings, keyOf, optionOf, parse, presetFor, readAddress, resumeCommand, suggestedFor, toAddress, trainCommand, unusedBy,
} from '../../www/lib/training/url-settings.js';

const schema = JSON.parse(readFileSync(new URL('../../www/lib/training/schema.json', import.meta.url), 'utf8'));
const settings = allSettings(schema);
const PAGE = 'https://site.example/sub/?model=.%2Fa.safetensors&size=999&other=1#results';
const userSettings = (more) => ({ given: {}, minutes: null, device: 'auto', name: '', ...more });
const read = (address) => readAddress(new URL(address).search, settings);

/** Values that a setting may have, the first not its default. */
function goodFor({ kind, choices, min = 0, max = 1e6, above_min, below_max, default: plain }) {
  if (kind === 'flag') return [!plain, plain];
  if (choices) return [...choices].sort((a) => (a === plain ? 1 : -1));
  if (kind === 'integer') return [Math.min(max, min + 3), min, ...(max < 1e6 ? [max] : [])];
  return [(min + max) / 3, 1e-7 + min, ...(above_min ? [] : [min]), ...(below_max ? [] : [max])];
}

test('every setting goes into the address and comes back, alone and all together', () => {
  const all = {};
  for (const setting of settings) {
    for (const value of goodFor(setting)) {
      const given = { [setting.field]: value };
      const found = read(toAddress(userSettings({ given }), PAGE));
      assert.deepEqual(found.userSettings, userSettings({ given }), `${setting.field} ${value}`);
      assert.deepEqual([...found.texts], [[setting.field, String(value)]]);
    }
    [all[setting.field]] = goodFor(setting);
  }
  const whole = userSettings({ given: all, minutes: 2.5, device: 'webgpu', name: 'a run & "more" = 100 %, ä/日' });
  const found = read(toAddress(whole, PAGE));
  assert.deepEqual(found.userSettings, whole);
  assert.deepEqual(found.unknown, []);
});

test('the address keeps the page\'s model, drops other settings, and leads to the training', () => {
  const url = new URL(toAddress(userSettings({ given: { size: 64, steps: null, seed: undefined } }), PAGE));
  assert.equal(url.origin + url.pathname, 'https://site.example/sub/');
  assert.equal(url.hash, '#train');
  assert.deepEqual([...url.searchParams], [['model', './a.safetensors'], ['size', '64']]);
  assert.equal(toAddress(userSettings(), 'https://site.example/'), 'https://site.example/#train');
});

test('settings of the address have dashes; both spellings are read', () => {
  assert.ok(toAddress(userSettings({ given: { learning_rate: 0.001 } }), PAGE).includes('learning-rate=0.001'));
  for (const name of ['learning-rate', 'learning_rate']) {
    assert.deepEqual(readAddress(`?${name}=0.001`, settings).userSettings.given, { learning_rate: 0.001 });
  }
  assert.deepEqual([keyOf('a-b-c'), optionOf('a_b_c')], ['a_b_c', 'a-b-c']);
});

test('wrong values are not taken, and are kept as they stand so that the form can say so', () => {
  const bad = {
    size: '33', channels: '2', width: '0', batch: '1', epochs: '2.5', 'learning-rate': '0', 'held-out': '1', 'input-mask': '1',
    lambda: '1.5', augment: 'Flip', 'latent-in-discriminator': 'yes', seed: '-1', steps: 'many', 'adversarial-weight': 'Infinity',
    'contextual-weight': 'NaN', 'latent-weight': '1e999', 'cut-skips': '9007199254740993', method: 'constructor', residual: '__proto__',
  };
  const { userSettings: found, texts } = readAddress(`?${new URLSearchParams(bad)}`, settings);
  assert.deepEqual(found, userSettings());
  assert.deepEqual(Object.fromEntries(texts), Object.fromEntries(Object.entries(bad).map(([name, text]) => [keyOf(name), text])));
});

test('an empty value: nothing for a setting that may be left open, wrong for another', () => {
  const found = readAddress('?steps=&lambda=+&size=', settings);
  assert.deepEqual(found.userSettings.given, {});
  assert.deepEqual([...found.texts.keys()], ['steps', 'lambda', 'size']);
  const setting = (field) => settings.find((one) => one.field === field);
  assert.deepEqual(parse(setting('lambda'), ' '), { value: null });
  assert.ok('error' in parse(setting('size'), ''));
});

test('minutes, device and name of the run', () => {
  const found = (search) => readAddress(search, settings).userSettings;
  assert.equal(found('?minutes=0.5').minutes, 0.5);
  for (const text of ['0', '-1', '', 'ten', 'Infinity', 'NaN']) assert.equal(found(`?minutes=${text}`).minutes, null, text);
  assert.deepEqual(['cpu', 'webgpu', 'auto', 'tpu'].map((text) => found(`?device=${text}`).device), ['cpu', 'webgpu', 'auto', 'auto']);
  assert.equal(found(`?name=${'x'.repeat(100)}`).name.length, 80);
});

test('what is no setting is named; the page\'s own is not', () => {
  assert.deepEqual(readAddress('?model=a&sise=32&toString=1&__proto__=2', settings).unknown, ['sise', 'toString', '__proto__']);
});

test('limits: up to them, and not beyond', () => {
  const says = (setting, text) => 'value' in parse({ kind: 'number', ...setting }, text);
  assert.deepEqual(['0', '1'].map((text) => says({ min: 0, max: 1 }, text)), [true, true]);
  assert.deepEqual(['0', '1'].map((text) => says({ min: 0, max: 1, above_min: true, below_max: true }, text)), [false, false]);
  assert.deepEqual(['-0.1', '1.1', '0.5'].map((text) => says({ min: 0, max: 1 }, text)), [false, false, true]);
  assert.deepEqual(parse({ kind: 'integer' }, ' 12 '), { value: 12 });
  assert.ok(!says({ kind: 'integer' }, '1.5'));
  for (const text of ['1,5', '1 000', '12px', '--1', '1_000']) assert.ok(!says({}, text), text);
});

test('the form offers what can be trained here, and only what one of those methods has', () => {
  assert.equal(settings[0].field, 'preset');
  const methods = settings.find(({ field }) => field === 'method').choices;
  assert.deepEqual(methods, schema.methods.filter((one) => one.in_steps).map(({ name }) => name));
  const trained = schema.methods.filter((one) => one.in_steps);
  for (const { field } of schema.settings) {
    assert.equal(settings.some((one) => one.field === field), trained.some((one) => one.settings.includes(field)), field);
  }
  assert.ok(schema.methods.some((one) => !one.in_steps), 'there are others');
});

test('what a method has no use for: never one of its own settings, and the preset where it has but one', () => {
  for (const { name, settings: own } of schema.methods) {
    const unused = unusedBy(schema.methods, name);
    assert.deepEqual(unused.filter((field) => own.includes(field)), []);
    const all = schema.settings.map(({ field }) => field);
    assert.deepEqual(unused.filter((field) => field !== 'preset').sort(), all.filter((field) => !own.includes(field)).sort());
    const offered = schema.presets.filter(({ methods }) => methods.includes(name));
    assert.equal(unused.includes('preset'), offered.length < 2, name);
  }
  assert.deepEqual([undefined, 'repair', 'skip-ganomaly', 'aae'].map(presetFor), ['repair', 'repair', 'memory', 'paper']);
  for (const method of [undefined, 'aae']) assert.ok(schema.presets.some(({ name }) => name === presetFor(method)));
});

test('what suits the pictures depends on the method that is trained, by its name, its preset or by default', () => {
  const suggested = { size: 32, channels: 1, width: 8, batch: 64, epochs: 7, repair: { size: 64, batch: 8, steps: 1000 } };
  for (const given of [{}, { preset: 'repair' }, { method: 'repair' }, { method: 'repair', preset: 'paper' }]) {
    assert.deepEqual(suggestedFor(suggested, given), { size: 64, channels: 1, width: 8, batch: 8, epochs: 7, steps: 1000 }, JSON.stringify(given));
  }
  assert.equal(suggestedFor(suggested, { epochs: 3 }).steps, null, 'steps do not stand in place of what a person gave');
  for (const given of [{ preset: 'memory' }, { preset: 'paper' }, { method: 'skip-ganomaly' }, { method: 'aae' }]) {
    assert.deepEqual(suggestedFor(suggested, given), { size: 32, channels: 1, width: 8, batch: 64, epochs: 7 }, JSON.stringify(given));
  }
});

/** The words of a line, as a shell has them. */
function words(line) {
  const found = [];
  for (const [, quoted] of line.matchAll(/((?:'[^']*'|\\.|[^\s'\\])+)/g)) {
    found.push(quoted.replace(/'([^']*)'|\\(.)/g, (_, inside, letter) => inside ?? letter));
  }
  return found;
}

const plain = Object.fromEntries(schema.settings.map(({ field, default: value }) => [field, value]));

test('the program\'s line has the settings that differ from the preset\'s, and only those', () => {
  const line = (change) => words(trainCommand({ ...plain, ...change }, schema, 'PICTURES'));
  assert.deepEqual(line({}), ['skip-ganomaly', 'train', '--data', 'PICTURES', '--out', 'RUN']);
  assert.deepEqual(line({ size: 64, latent_in_discriminator: false, lambda: 0.5 }),
    ['skip-ganomaly', 'train', '--data', 'PICTURES', '--size', '64', '--latent-in-discriminator', 'false', '--lambda', '0.5', '--out', 'RUN']);
  const memory = schema.presets.find(({ name }) => name === 'memory').changes;
  assert.deepEqual(line({ preset: 'memory', ...memory }), ['skip-ganomaly', 'train', '--data', 'PICTURES', '--preset', 'memory', '--out', 'RUN']);
  assert.ok(line({ preset: 'memory', ...memory, epochs: plain.epochs }).join(' ').includes(`--epochs ${plain.epochs}`), 'back from the preset\'s');
  const repair = schema.presets.find(({ name }) => name === 'repair').changes;
  assert.deepEqual(line({ preset: 'repair', ...repair, width: 8 }).slice(4, -2), ['--preset', 'repair', '--width', '8']);
  // A method starts from its published settings, in the program too.
  assert.deepEqual(line({ method: 'anogan', learning_rate: 1e-3 }).slice(4, -2), ['--method', 'anogan']);
  assert.deepEqual(line({ method: 'anogan', learning_rate: 2e-4 }).slice(4, -2), ['--method', 'anogan', '--learning-rate', '0.0002']);
});

test('a number of steps stands in place of the epochs', () => {
  const line = trainCommand({ ...plain, epochs: 99, steps: 10 }, schema, 'PICTURES');
  assert.ok(line.includes('--steps 10') && !line.includes('--epochs'));
});

test('names are quoted so that a shell takes them for what they are', () => {
  for (const name of ['plain/path-1.0', 'my pictures', "it's", '$(rm -rf)', 'a;b', 'ä', '*', '"', "'; ls '", '~', '#x', 'a&b']) {
    assert.equal(words(trainCommand(plain, schema, name))[3], name);
    const resumed = words(resumeCommand(name, name));
    assert.deepEqual([resumed[3], resumed[5]], [name, name]);
    assert.match(trainCommand(plain, schema, name), /^skip-ganomaly train --data ([\w@%+=:,./-]+|'.*') --out RUN$/s);
  }
});
