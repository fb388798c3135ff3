import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { serve } from '../../scripts/serve.mjs';

let folder;
let server;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'serve-'));
  for (const dir of ['www/samples/gallery', 'www/samples/solar-ir', 'pkg/cpu', 'pkg/gpu', 'fresh']) {
    mkdirSync(join(folder, dir), { recursive: true });
  }
  const files = {
    'secret.txt': 'secret',
    'www/index.html': '<!doctype html>',
    'www/app.js': 'export {};',
    'www/sw.js': '',
    'www/.hidden': 'hidden',
    'www/model.safetensors': 'model',
    'www/samples/gallery/a.png': 'png',
    'www/samples/solar-ir/b.png': 'png',
    'pkg/cpu/skip_ganomaly_bg.wasm': 'committed',
    'pkg/gpu/skip_ganomaly_bg.wasm': 'gpu',
    'fresh/skip_ganomaly_bg.wasm': 'fresh',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  symlinkSync(join(folder, 'secret.txt'), join(folder, 'www/link.txt'));
  server = await serve({ port: 0, www: join(folder, 'www'), pkg: join(folder, 'pkg') });
});

after(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A request as it is written: fetch would tidy the path before sending it. */
function raw(path, method = 'GET') {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.end(`${method} ${path} HTTP/1.0\r\n\r\n`));
    let text = '';
    socket.setEncoding('utf8').on('data', (part) => (text += part));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
}

test('types are what a browser needs', async () => {
  for (const [path, type] of [
    ['', 'text/html; charset=utf-8'],
    ['app.js', 'text/javascript; charset=utf-8'],
    ['pkg/cpu/skip_ganomaly_bg.wasm', 'application/wasm'],
    ['samples/gallery/a.png', 'image/png'],
    ['model.safetensors', 'application/octet-stream'],
    ['precache.json', 'application/json; charset=utf-8'],
  ]) {
    const response = await fetch(server.url + path);
    assert.equal(response.status, 200, path);
    assert.equal(response.headers.get('content-type'), type, path);
  }
});

test('nothing outside the folders is served', async () => {
  for (const path of [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/pkg/../../secret.txt',
    '/pkg/cpu/..%2f..%2f..%2fsecret.txt',
    '/..\\secret.txt',
    '/..%5csecret.txt',
    '/.hidden',
    '/link.txt',
    '/%00',
    '/%zz',
  ]) {
    const answer = await raw(path);
    assert.match(answer, /^HTTP\/1\.1 (400|403|404) /, path);
    assert.doesNotMatch(answer, /secret$|hidden$/, path);
  }
});

test('a missing file is 404, another method is 405, HEAD has no body', async () => {
  assert.equal((await fetch(`${server.url}none.js`)).status, 404);
  assert.equal((await fetch(server.url, { method: 'POST', body: 'x' })).status, 405);
  const head = await raw('/index.html', 'HEAD');
  assert.match(head, /content-length: 15/i);
  assert.ok(head.endsWith('\r\n\r\n'));
});

test('a folder without its slash redirects relatively, so that a sub-path works', async () => {
  const response = await fetch(`${server.url}samples`, { redirect: 'manual' });
  assert.equal(response.status, 301);
  assert.equal(response.headers.get('location'), 'samples/');
});

test('an unchanged file is 304, a changed one is sent again', async () => {
  const url = `${server.url}app.js`;
  const etag = (await fetch(url)).headers.get('etag');
  const again = await fetch(url, { headers: { 'if-none-match': etag } });
  assert.equal(again.status, 304);
  utimesSync(join(folder, 'www/app.js'), 1, 1);
  assert.equal((await fetch(url, { headers: { 'if-none-match': etag } })).status, 200);
});

test('a taken port is answered with the next one, and a message', async () => {
  const messages = [];
  const second = await serve({ port: server.port, www: join(folder, 'www'), log: (text) => messages.push(text) });
  try {
    assert.notEqual(second.port, server.port);
    assert.match(messages[0], new RegExp(`Port ${server.port} is in use`));
    assert.equal((await fetch(second.url)).status, 200);
  } finally {
    await second.close();
  }
});

test('the precache list has the first load; the GPU module and the pictures for training are kept when asked for', async () => {
  const list = await (await fetch(`${server.url}precache.json`)).json();
  const urls = list.map((entry) => entry.url);
  assert.ok(urls.includes('./index.html') && urls.includes('./pkg/cpu/skip_ganomaly_bg.wasm'));
  assert.ok(urls.includes('./samples/gallery/a.png'));
  assert.ok(!urls.some((url) => url.endsWith('sw.js')));
  assert.deepEqual(list.filter((entry) => entry.lazy).map((entry) => entry.url), ['./samples/gallery/a.png', './samples/solar-ir/b.png', './pkg/gpu/skip_ganomaly_bg.wasm']);
  assert.ok(list.every((entry) => /^([0-9a-f]{64}|[0-9a-f]{16})$/.test(entry.revision)));
});

test('another CPU module and an extra folder can be put in', async () => {
  const other = await serve({
    port: 0,
    www: join(folder, 'www'),
    pkg: join(folder, 'pkg'),
    pkgCpu: join(folder, 'fresh'),
    extraRoot: folder,
  });
  try {
    const text = async (path) => (await fetch(other.url + path)).text();
    assert.equal(await text('pkg/cpu/skip_ganomaly_bg.wasm'), 'fresh');
    assert.equal(await text('pkg/gpu/skip_ganomaly_bg.wasm'), 'gpu');
    assert.equal(await text('extra/secret.txt'), 'secret');
  } finally {
    await other.close();
  }
});
