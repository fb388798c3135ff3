// Held: what the address may ask of the page, and that nothing in it can lead elsewhere or stop the page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asksForTraining, deviceOf, fileOf, modelOf } from '../../www/lib/address.js';

const PAGE = 'https://site.example/sub/index.html?model=x#train';

test('the device: the two that there are, else the page chooses', () => {
  assert.deepEqual(['cpu', 'webgpu', 'auto', 'CPU', 'gpu', '', null].map(deviceOf), ['cpu', 'webgpu', 'auto', 'auto', 'auto', 'auto', 'auto']);
});

test('a model on the page\'s own site, by any kind of address', () => {
  const at = (asked) => modelOf(asked, PAGE)?.href;
  assert.equal(at('./models/a.safetensors'), 'https://site.example/sub/models/a.safetensors');
  assert.equal(at('models/a.safetensors'), 'https://site.example/sub/models/a.safetensors');
  assert.equal(at('/a.safetensors'), 'https://site.example/a.safetensors');
  assert.equal(at('https://site.example:443/a b'), 'https://site.example/a%20b');
});

test('a model from elsewhere is refused, however it is written', () => {
  for (const asked of [
    'https://other.example/a', '//other.example/a', '\\\\other.example\\a', 'http://site.example/a', 'https://site.example:8443/a',
    'https://site.example@other.example/a', 'https://site.example.other.example/a', 'data:,a', 'javascript:alert(1)',
    'file:///etc/passwd', 'https://', 'blob:https://other.example/1',
  ]) {
    assert.equal(modelOf(asked, PAGE), null, asked);
  }
});

test('browsers that cannot ask whether an address is one', (t) => {
  const { canParse } = URL;
  URL.canParse = undefined;
  t.after(() => (URL.canParse = canParse));
  assert.equal(modelOf('./a', PAGE)?.pathname, '/sub/a');
  assert.equal(modelOf('https://', PAGE), null);
});

test('a file\'s name, readable where it can be read', () => {
  const name = (address) => fileOf(new URL(address, PAGE));
  assert.equal(name('./models/my%20model.safetensors?x=1'), 'my model.safetensors');
  assert.equal(name('./%E6%97%A5.safetensors'), '日.safetensors');
  assert.equal(name('./folder/'), 'model');
  assert.equal(name('./100%.safetensors'), '100%.safetensors');
  assert.equal(name('./%E6%97.safetensors'), '%E6%97.safetensors');
});

test('what is not the page\'s own is for the training', () => {
  const asks = (search) => asksForTraining(new URLSearchParams(search));
  assert.deepEqual(['', '?model=a', '?device=cpu&model=a', '?set=gear'].map(asks), [false, false, false, false]);
  assert.deepEqual(['?size=32', '?model=a&seed=1', '?minutes=', '?name=x'].map(asks), [true, true, true, true]);
});
