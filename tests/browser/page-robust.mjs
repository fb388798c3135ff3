// The page in Chromium when things go wrong: bad files, no WebGPU, a lost device, a dead worker,
// a slow start, no network, a new version of the site, a bad model.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { addressOf, launch, root, startServer, temporaryFolder } from './harness.mjs';
import { downloaded, edit, giveFiles, open, rows, sampleFiles, modelBytes, slide, waitReady, waitRows, waitText, withHeader, withPage } from './drive.mjs';

let server;
let plain;
let gpu;
before(async () => {
  server = await startServer();
  plain = await launch({ webgpu: false });
  gpu = await launch({ webgpu: true });
});
after(async () => {
  await plain?.close();
  await gpu?.close();
  await server?.close();
});
const onPage = (options, run) => () => withPage(plain, server.url, options, run);
const onGpuPage = (options, run) => () => withPage(gpu, server.url, options, run);

const close = (a, b, tolerance, what) => assert.ok(Math.abs(a - b) <= tolerance, `${what}: ${a} against ${b}`);

// --- Bad files

/** A PNG's first bytes, for a picture of any size; its data is missing. */
function pngHeader(width, height) {
  const bytes = Buffer.from('89504e470d0a1a0a0000000d49484452000000000000000008020000000000000000000049454e44ae426082', 'hex');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

test('bad files: each gets a row with its reason, the rest are scored', onPage({}, async (page) => {
  const good = sampleFiles(4);
  const corrupt = Buffer.from(good[0].buffer);
  corrupt.fill(0xa5, Math.floor(corrupt.length / 3), corrupt.length - 12);
  const heic = Buffer.concat([Buffer.from('00000018667479706865696300000000', 'hex'), Buffer.from('mif1heic'), Buffer.alloc(200)]);
  const file = (name, buffer, mimeType = 'image/png') => ({ name, mimeType, buffer });
  await page.setInputFiles('#files', [
    good[0],
    file('corrupt.png', corrupt),
    file('empty.png', Buffer.alloc(0)),
    good[1],
    file('text.png', Buffer.from('Dear reader, this is a letter.\n'.repeat(20))),
    file('huge.png', pngHeader(20_000, 20_000)),
    good[2],
    file('phone.heic', heic, 'image/heic'),
    good[3],
  ]);
  const found = await waitRows(page, 9);
  const bad = { 1: /./, 2: /empty|0 bytes/i, 4: /./, 5: /20[ ,.]?000/, 7: /HEI[CF]/i };
  const reasons = new Set();
  for (const [i, row] of found.entries()) {
    if (!bad[i]) {
      assert.ok(Number.isFinite(Number(row.score)) && row.score !== undefined, `${row.name} is scored`);
      continue;
    }
    assert.equal(row.verdict, 'error', `${row.name} is unreadable`);
    assert.equal(row.score, undefined);
    const reason = await page.textContent(`#results tbody tr:nth-child(${i + 1}) .reason`);
    assert.match(reason, bad[i], `the reason for ${row.name}`);
    assert.ok(reason.length > 10, `${row.name}: "${reason}" says little`);
    reasons.add(reason);
  }
  assert.equal(reasons.size, 5, 'each file has a reason of its own');
  await waitText(page, '#counts', /^4 scored, \d+ anomalous, 5 unreadable$/);
}));

test('a JPEG turned by its EXIF orientation scores like its upright twin', onPage({}, async (page) => {
  const [{ buffer }] = sampleFiles(1);
  // A lopsided picture, so that turning it changes the score.
  const [upright, turned] = await page.evaluate(async (base64) => {
    const blob = new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))]);
    const sample = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(128, 96);
    const context = canvas.getContext('2d');
    const paper = context.createLinearGradient(0, 0, 128, 0);
    paper.addColorStop(0, '#111');
    paper.addColorStop(1, '#ccc');
    context.fillStyle = paper;
    context.fillRect(0, 0, 128, 96);
    context.drawImage(sample, 8, 8, 48, 48);
    const side = new OffscreenCanvas(96, 128);
    const sideContext = side.getContext('2d');
    sideContext.rotate(-Math.PI / 2); // orientation 6: the reader turns it clockwise
    sideContext.drawImage(canvas, -128, 0);
    const jpeg = async (from) => {
      const bytes = new Uint8Array(await (await from.convertToBlob({ type: 'image/jpeg', quality: 1 })).arrayBuffer());
      return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
    };
    return [await jpeg(canvas), await jpeg(side)];
  }, buffer.toString('base64'));
  const bytes = Buffer.from(turned, 'base64');
  // APP1 "Exif", little-endian TIFF with one entry: orientation = 6.
  const exif = Buffer.from('ffe1002245786966000049492a00080000000100120103000100000006000000' + '00000000', 'hex');
  const mimeType = 'image/jpeg';
  await page.setInputFiles('#files', [
    { name: 'upright.jpg', mimeType, buffer: Buffer.from(upright, 'base64') },
    { name: 'exif.jpg', mimeType, buffer: Buffer.concat([bytes.subarray(0, 2), exif, bytes.subarray(2)]) },
    { name: 'sideways.jpg', mimeType, buffer: bytes },
  ]);
  const [a, b, c] = (await waitRows(page, 3)).map((row) => Number(row.score));
  close(a, b, 0.01 * a, 'upright and turned by EXIF');
  assert.ok(Math.abs(a - c) > 2 * Math.abs(a - b), `without EXIF the score is another one: ${a}, ${b}, ${c}`);
  const facts = await page.$$eval('#results .facts', (all) => all.map((one) => one.textContent));
  assert.match(facts[1], /128 × 96/, 'the size is that of the upright picture');
  assert.match(facts[2], /96 × 128/);
}));

// --- Devices

test('no navigator.gpu: the CPU scores, and the page says why', onPage({
  worker: "Object.defineProperty(globalThis.navigator, 'gpu', { value: undefined });",
}, async (page) => {
  await waitText(page, '#device-words', /^Runs on your CPU: this browser has no WebGPU\.$/);
  assert.equal(await page.getAttribute('html', 'data-device'), 'cpu');
  await page.setInputFiles('#files', sampleFiles(2));
  assert.ok((await waitRows(page, 2)).every((row) => Number(row.score) > 0));
}));

const NULL_ADAPTER = 'GPU.prototype.requestAdapter = async () => null;';
test('a null adapter: the CPU scores, and the page says why', onGpuPage({ worker: NULL_ADAPTER }, async (page) => {
  await waitText(page, '#device-words', /^Runs on your CPU: this browser has no WebGPU adapter\.$/);
  await page.setInputFiles('#files', sampleFiles(2));
  assert.ok((await waitRows(page, 2)).every((row) => Number(row.score) > 0));
}));

test('a null adapter although the address asks for WebGPU: the CPU, and the page says so', onGpuPage({
  query: '?device=webgpu',
  worker: NULL_ADAPTER,
}, async (page) => {
  assert.equal(await page.getAttribute('html', 'data-device'), 'cpu');
  await waitText(page, '#device-words', /^Runs on your CPU, although the address asks for WebGPU: this browser has no WebGPU adapter\.$/);
  await page.setInputFiles('#files', sampleFiles(1));
  await waitRows(page, 1);
}));

test('a software adapter that nobody asked for: the CPU, and the page says why', onGpuPage({}, async (page) => {
  await waitText(page, '#device-words', /^Runs on your CPU: the only WebGPU adapter here is a software adapter/);
  assert.equal(await page.getAttribute('html', 'data-device'), 'cpu');
}));

test('WebGPU that cannot be fetched: the CPU, and the page says why', onGpuPage({
  query: '?device=webgpu',
  worker: `const realFetch = globalThis.fetch; globalThis.fetch = (...a) => String(a[0]).includes('/pkg/gpu/') ? Promise.reject(new TypeError('cut off')) : realFetch(...a);`,
}, async (page) => {
  await waitText(page, '#device-words', /^Runs on your CPU, although the address asks for WebGPU: .*pkg\/gpu.* could not be fetched/);
  await page.setInputFiles('#files', sampleFiles(1));
  assert.ok(Number((await waitRows(page, 1))[0].score) > 0);
}));

test('WebGPU that fails its start-up check is not used', async () => {
  const page = await open(gpu, server.url, { ready: false, query: '?model=models/other.safetensors&device=webgpu', routes: {
    '**/models/other.safetensors': withHeader((header) => {
      assert.ok(header.self_check.anomaly_score > 0, 'the shipped model stores a score to check against');
      return { ...header, self_check: { ...header.self_check, anomaly_score: header.self_check.anomaly_score * 1.5 } };
    }),
  } });
  try {
    await waitReady(page, 120_000);
    assert.equal(await page.getAttribute('html', 'data-device'), 'cpu');
    await waitText(page, '#device-words', /^Runs on your CPU, although the address asks for WebGPU: WebGPU computed [\d.e-]+ as the anomaly score of a built-in image, where the model file states [\d.e-]+\.$/);
    await page.setInputFiles('#files', sampleFiles(1));
    assert.ok(Number((await waitRows(page, 1))[0].score) > 0);
  } finally {
    await page.context().close();
  }
});

const scoresOf = (list) => new Map(list.map((row) => [row.name, Number(row.score)]));

test('WebGPU where the address asks for it: scores as the CPU does', onGpuPage({ query: '?device=webgpu' }, async (page) => {
  assert.equal(await page.getAttribute('html', 'data-device'), 'webgpu', await page.textContent('#device-words'));
  await page.setInputFiles('#files', sampleFiles(12));
  const onGpu = scoresOf(await waitRows(page, 12, 120_000));
  const cpuPage = await open(gpu, server.url, { query: '?device=cpu' });
  await cpuPage.setInputFiles('#files', sampleFiles(12));
  const onCpu = scoresOf(await waitRows(cpuPage, 12));
  await cpuPage.context().close();
  for (const [name, score] of onGpu) {
    assert.ok(score > 0);
    close(score, onCpu.get(name), 1e-4, name);
  }
  assert.ok(new Set(onGpu.values()).size > 6);
}));

// The worker's WebGPU device, within reach of the test.
const KEEP_DEVICE = `
{
  const original = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await original.apply(this, args);
    new BroadcastChannel('device').onmessage = () => device.destroy();
    return device;
  };
}`;

test('WebGPU takes over behind the CPU without losing a picture', onGpuPage({
  // The same browser, but its software adapter no longer says what it is.
  worker: `for (const name of ['vendor', 'architecture', 'device', 'description']) Object.defineProperty(GPUAdapterInfo.prototype, name, { get: () => 'card' });
    Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', { get: () => false });`,
}, async (page) => {
  assert.equal(await page.getAttribute('html', 'data-device'), 'cpu', 'the CPU answers first');
  const files = sampleFiles(40);
  await page.setInputFiles('#files', files.slice(0, 20));
  await waitRows(page, 20, 120_000);
  await page.waitForFunction(() => document.documentElement.dataset.device === 'webgpu', undefined, { timeout: 120_000 });
  assert.match(await page.textContent('#device-words'), /WebGPU/);
  await page.setInputFiles('#files', files.slice(20));
  const found = await waitRows(page, 40, 120_000);
  assert.deepEqual(found.map((row) => row.name), files.map((file) => file.name));
  assert.ok(found.every((row) => Number(row.score) > 0));
}));

test('a destroyed device: goes on with the CPU, all results are there', onGpuPage({
  query: '?device=webgpu',
  worker: KEEP_DEVICE,
}, async (page) => {
  assert.equal(await page.getAttribute('html', 'data-device'), 'webgpu', await page.textContent('#device-words'));
  const files = sampleFiles(40);
  await page.setInputFiles('#files', files);
  await page.waitForFunction(() => document.querySelectorAll('#results tbody tr').length >= 1, undefined, { timeout: 120_000 });
  await page.evaluate(() => new BroadcastChannel('device').postMessage('destroy'));
  const found = await waitRows(page, 40, 120_000);
  assert.deepEqual(found.map((row) => row.name).sort(), files.map((file) => file.name).sort());
  assert.ok(found.every((row) => row.verdict !== 'error' && Number(row.score) > 0));
  await page.waitForFunction(() => document.documentElement.dataset.device === 'cpu');
  await waitText(page, '#device-words', /^Runs on your CPU: the WebGPU device was lost/);
  await page.setInputFiles('#files', sampleFiles(1, () => 'afterwards.png'));
  await waitRows(page, 41);
}));

test('a panic: the worker is started again, only the picture that causes it is given up', onPage({
  module: `{
    const score = Model.prototype.score;
    Model.prototype.score = function (files) {
      if (files.some((file) => file.length === 4321)) throw new WebAssembly.RuntimeError('unreachable');
      return score.call(this, files);
    };
  }`,
}, async (page) => {
  const files = sampleFiles(20);
  files.splice(9, 0, { name: 'poison.png', mimeType: 'image/png', buffer: Buffer.alloc(4321, 7) });
  await page.setInputFiles('#files', files);
  const found = await waitRows(page, 21, 120_000);
  const [poison, ...others] = [found.filter((row) => row.name === 'poison.png'), found.filter((row) => row.name !== 'poison.png')].flat();
  assert.equal(poison.verdict, 'error');
  assert.match(poison.text, /stopped each time it reached this image/);
  assert.equal(new Set(others.map((row) => row.name)).size, 20);
  assert.ok(others.every((row) => Number(row.score) > 0));
  await waitText(page, '#notices', /was restarted; no result is missing/);
}));

// --- Start

test('pictures dropped before the model is ready wait in sight and are then scored', async () => {
  const page = await open(plain, server.url, { ready: false, worker: `{
    const realFetch = globalThis.fetch;
    globalThis.fetch = async (...a) => {
      if (String(a[0]).endsWith('.wasm')) await new Promise((done) => { new BroadcastChannel('go').onmessage = done; });
      return realFetch(...a);
    };
  }` });
  try {
    const files = sampleFiles(5);
    await giveFiles(page, 'drop', files);
    await waitText(page, '#queue-words', /^5 images are waiting for the model\.$/);
    assert.ok(await page.isVisible('#queue'));
    assert.match(await page.textContent('#queue-names'), /sample-000\.png/);
    assert.equal((await rows(page)).length, 0);
    assert.equal(await page.getAttribute('html', 'data-state'), 'loading');
    // Said until it is heard: the worker may only begin to ask for the module.
    await page.evaluate(() => {
      const go = new BroadcastChannel('go');
      setInterval(() => go.postMessage(0), 50);
    });
    const found = await waitRows(page, 5);
    assert.deepEqual(found.map((row) => row.name), files.map((file) => file.name));
    assert.ok(found.every((row) => Number(row.score) > 0));
    await page.waitForSelector('#queue', { state: 'hidden' });
  } finally {
    await page.context().close();
  }
});

test('a browser without SIMD is told so before any module is fetched', async () => {
  let fetched = 0;
  const page = await open(plain, server.url, {
    ready: false, worker: 'WebAssembly.validate = () => false;', edits: { '**/*.wasm': (text) => (fetched++, text) },
  });
  try {
    await page.waitForFunction(() => document.documentElement.dataset.state === 'failed');
    assert.match(await page.textContent('#failure'), /This browser cannot run the program: it needs WebAssembly with SIMD \(Chrome 91, Firefox 114, Safari 16\.4 or newer\)\./);
    assert.equal(fetched, 0);
  } finally {
    await page.context().close();
  }
});

test('from a sub-path, with nothing asked of another origin, and another origin out of reach', async () => {
  // A front that serves the page under /some/project/, as a project page is.
  const requests = [];
  const front = createServer((incoming, outgoing) => {
    const path = incoming.url.replace(/^\/some\/project\//, '/');
    if (path === incoming.url) return outgoing.writeHead(404).end();
    const inner = httpRequest(new URL(path, server.url), (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    inner.end();
  });
  await new Promise((resolve) => front.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${front.address().port}/some/project/`;
  const context = await plain.newContext();
  try {
    context.on('request', (request) => requests.push(request.url()));
    const page = await context.newPage();
    await page.goto(addressOf(url));
    await waitReady(page);
    await page.click('#score-all');
    await waitRows(page, 24);
    await page.waitForFunction(() => document.documentElement.dataset.offline === 'ready', undefined, { timeout: 120_000 });
    const elsewhere = requests.filter((one) => !one.startsWith(url) && !/^(data|blob):/.test(one));
    assert.deepEqual(elsewhere, []);
    assert.ok(requests.length > 30);

    const policy = await page.getAttribute('meta[http-equiv="Content-Security-Policy"]', 'content');
    for (const rule of ["default-src 'self'", "connect-src 'self'", "script-src 'self' 'wasm-unsafe-eval'", "object-src 'none'", "base-uri 'none'", "form-action 'none'"]) {
      assert.ok(policy.includes(rule), rule);
    }
    const blocked = await page.evaluate(async (other) => {
      const violation = new Promise((resolve) => addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective), { once: true }));
      const fetched = await fetch(other).then(() => 'fetched', () => 'refused');
      return [fetched, await violation];
    }, server.url);
    assert.deepEqual(blocked, ['refused', 'connect-src']);
  } finally {
    await context.close();
    await new Promise((resolve) => {
      front.closeAllConnections();
      front.close(resolve);
    });
  }
});

test('offline after the first visit', async () => {
  const own = await startServer();
  const context = await plain.newContext();
  try {
    const page = await context.newPage();
    await page.goto(addressOf(own.url));
    await waitReady(page);
    await page.waitForFunction(() => document.documentElement.dataset.offline === 'ready', undefined, { timeout: 120_000 });
    await own.close();
    await context.setOffline(true);
    await page.goto(addressOf(`${own.url}?device=cpu`));
    await waitReady(page);
    await page.click('#thumbs button:nth-child(1), #thumbs li:nth-child(2) button');
    assert.ok(Number((await waitRows(page, 1))[0].score) > 0);
    assert.ok(await page.$eval('#thumbs img', async (image) => { await image.decode(); return image.naturalWidth > 0; }));
  } finally {
    await context.close();
    await own.close().catch(() => {});
  }
});

test('a new version of the site: never a mix of old and new files', async () => {
  const www = join(temporaryFolder(), 'www');
  cpSync(join(root, 'www'), www, { recursive: true });
  const release = (n) => {
    for (const [file, line] of [['page/theme.js', `document.documentElement.dataset.a = '${n}';`], ['page/offline.js', `document.documentElement.dataset.b = '${n}';`]]) {
      writeFileSync(join(www, file), `${readFileSync(join(root, 'www', file), 'utf8')}\n${line}\n`);
    }
  };
  release(1);
  const own = await startServer({ www });
  const context = await plain.newContext();
  const versions = (page) => page.evaluate(() => [document.documentElement.dataset.a, document.documentElement.dataset.b]);
  try {
    const page = await context.newPage();
    await page.goto(addressOf(own.url));
    await page.waitForFunction(() => document.documentElement.dataset.offline === 'ready', undefined, { timeout: 120_000 });
    assert.deepEqual(await versions(page), ['1', '1']);
    release(2);
    // Two tabs: the new version must wait for both.
    const other = await context.newPage();
    await other.goto(addressOf(own.url));
    await waitReady(other);
    assert.deepEqual(await versions(other), ['1', '1'], 'a second tab gets what the first has');
    // The second tab has looked for a new version, which is there and waits.
    await other.waitForFunction(async () => (await navigator.serviceWorker.getRegistration())?.waiting, undefined, { timeout: 120_000 });
    await other.reload();
    await waitReady(other);
    assert.deepEqual(await versions(other), ['1', '1']);
    await page.close();
    // One tab: the page changes over by itself.
    await other.reload();
    await other.waitForFunction(() => document.documentElement.dataset.a === '2' && document.documentElement.dataset.b === '2', undefined, { timeout: 120_000 });
    await waitReady(other);
    assert.deepEqual(await versions(other), ['2', '2']);
  } finally {
    await context.close();
    await own.close();
  }
});

// --- Models

const asModel = (name, buffer) => ({ name, mimeType: 'application/octet-stream', buffer });

test('a model file: earlier results are marked and can be scored again; a bad one changes nothing', onPage({}, async (page) => {
  await page.setInputFiles('#files', sampleFiles(3));
  const before = await waitRows(page, 3);
  const bytes = modelBytes();

  await page.setInputFiles('#model-file', asModel('cut.safetensors', bytes.subarray(0, Math.floor(bytes.length / 2))));
  await waitText(page, '#notices', /cut\.safetensors was not loaded: .{10,} The previous model remains in use\./);
  assert.equal(await page.getAttribute('#notices .bad', 'role'), 'alert');
  assert.ok((await rows(page)).every((row) => row.stale === undefined));
  await page.setInputFiles('#files', sampleFiles(4).slice(3));
  assert.ok(Number((await waitRows(page, 4))[3].score) > 0, 'the old model still scores');

  await giveFiles(page, 'drop', [asModel('again.safetensors', bytes)]);
  await waitText(page, '#model-said', /^again\.safetensors/);
  await page.waitForFunction(() => [...document.querySelectorAll('#results tbody tr')].every((tr) => tr.hasAttribute('data-stale')));
  await waitText(page, '#stale-words', /^4 results are from an earlier model and are marked\./);
  assert.ok(await page.isVisible('#results tbody tr:first-child .stale'));
  const verdicts = (await rows(page)).map((row) => row.verdict);
  // A row of the new model comes last, and follows the threshold: by then the rows before it would have, too.
  await page.setInputFiles('#files', sampleFiles(5).slice(4));
  await waitRows(page, 5);
  await slide(page, '#threshold', 0);
  await page.waitForFunction(() => document.querySelector('#results tbody tr:last-child').dataset.verdict === 'anomalous');
  assert.deepEqual((await rows(page)).slice(0, 4).map((row) => row.verdict), verdicts, 'verdicts of an earlier model stay');
  await page.click('#threshold-reset');

  await page.click('#again');
  await page.waitForFunction(() => document.querySelectorAll('#results tbody tr[data-stale]').length === 0);
  const again = await rows(page);
  before.forEach((row, i) => assert.equal(again[i].score, row.score, row.name));
  assert.ok(await page.isHidden('#stale'));

  await page.click('#about summary');
  const about = await page.textContent('#about-list');
  for (const word of ['Method', 'Parameters', 'Licence', 'Calibration', 'Training']) assert.ok(about.includes(word), `the model panel says ${word}`);
}));

test('a model without calibration: scores, no verdict and no threshold made up', onPage({}, async (page) => {
  const raw = withHeader((header) => {
    assert.ok(header.calibration.threshold > 0);
    return { ...header, calibration: null };
  });
  await page.setInputFiles('#model-file', asModel('raw.safetensors', raw));
  await waitText(page, '#model-said', /^raw\.safetensors/);
  await page.setInputFiles('#files', sampleFiles(2));
  const found = await waitRows(page, 2);
  assert.ok(found.every((row) => row.verdict === 'uncalibrated' && Number(row.score) > 0));
  await waitText(page, '#counts', /2 scored, 2 not calibrated/);
  const json = JSON.parse((await downloaded(page, '#export-json')).bytes.toString());
  assert.ok(json.pictures.every((one) => one.threshold === null && one.display === null && one.verdict === 'uncalibrated'));
}));

test('?model=: a missing one is said in plain words and can be put right; one from elsewhere is refused', async () => {
  const page = await open(plain, server.url, { query: '?model=models/missing.safetensors', ready: false });
  try {
    await page.waitForFunction(() => document.documentElement.dataset.state === 'failed');
    assert.match(await page.textContent('#failure'), /missing\.safetensors could not be fetched \(the server answered 404\)/);
    await giveFiles(page, 'drop', sampleFiles(1));
    await page.setInputFiles('#model-file', asModel('good.safetensors', modelBytes()));
    await page.waitForFunction(() => document.documentElement.dataset.state === 'ready');
    await waitRows(page, 1);
    assert.ok(await page.isHidden('#failure'));
  } finally {
    await page.context().close();
  }
  await withPage(plain, server.url, { query: '?model=https://example.org/other.safetensors' }, async (other) => {
    await waitText(other, '#notices', /only loads models from its own site/);
    assert.match(await other.textContent('#model-said'), /^solar-ir\.safetensors/);
  });
  await withPage(plain, server.url, { query: '?model=./models/solar-ir.safetensors&device=cpu' }, async (other) => {
    await waitText(other, '#device-words', /^Runs on your CPU, as set in the address\.$/);
    assert.equal(await other.getAttribute('html', 'data-device'), 'cpu');
  });
});
