// Held: the service worker serves one version of the page, whole or not at all, and never a file of another.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';

const code = readFileSync(new URL('../../www/sw.js', import.meta.url), 'utf8');
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
const BASE = 'https://site.example/sub/';

/** A site: its files by path below BASE, and the list of what is to be kept. */
function siteOf(files, lazy = [], change = {}) {
  const list = Object.entries(files).map(([name, body]) => ({ url: `./${name}`, revision: sha(change[name] ?? body), lazy: lazy.includes(name) }));
  return { files: { ...files, 'precache.json': JSON.stringify(list) }, asked: [] };
}

/** Caches that all workers of a test share. */
function cachesOf() {
  const all = new Map();
  const cacheOf = (map) => ({
    match: async (request) => map.get(String(request.url ?? request))?.clone(),
    put: async (request, response) => void map.set(String(request.url ?? request), response),
    keys: async () => [...map.keys()].map((url) => ({ url })),
  });
  return {
    all,
    open: async (name) => cacheOf(all.get(name) ?? all.set(name, new Map()).get(name)),
    keys: async () => [...all.keys()],
    delete: async (name) => all.delete(name),
    /** The paths in a cache. */
    paths: (name) => [...(all.get(name)?.keys() ?? [])].map((url) => url.replace(BASE, '')).sort(),
  };
}

/** A worker of the version that the site's list has, or of the one given. */
function start(site, caches, { version = sha(site.files['precache.json']).slice(0, 16), clients = [], base = BASE } = {}) {
  const listeners = {};
  const skipped = { waiting: false };
  const self = {
    addEventListener: (type, listen) => (listeners[type] = listen),
    clients: { claim: async () => {}, matchAll: async () => clients.map((url) => ({ url })) },
    skipWaiting: async () => (skipped.waiting = true),
  };
  const fetch = async (request, { cache } = {}) => {
    const name = String(request.url ?? request).replace(base, '');
    site.asked.push(cache ? `${name} ${cache}` : name);
    if (site.down) throw new TypeError('no network');
    const body = site.files[name];
    const found = typeof body === 'function' ? body(cache) : body;
    return found === undefined ? new Response('', { status: 404 }) : new Response(found);
  };
  runInNewContext(code, { self, caches, fetch, URL, Response, TextDecoder, Uint8Array, crypto: globalThis.crypto, location: new URL(`sw.js?version=${version}`, base) });
  const wait = async (type, more) => {
    let work;
    listeners[type]({ waitUntil: (promise) => (work = promise), ...more });
    return work;
  };
  return {
    cache: `skip-ganomaly-${version}`,
    skipped,
    install: () => wait('install'),
    activate: () => wait('activate'),
    message: (data) => wait('message', { data }),
    /** The answer to a request; undefined where the worker leaves it to the browser. */
    async get(path, { method = 'GET', mode = 'cors' } = {}) {
      let answer;
      listeners.fetch({ request: { url: new URL(path, base).href, method, mode }, respondWith: (promise) => (answer = promise) });
      return answer && (await answer);
    },
  };
}

const FILES = { 'index.html': '<html>', 'app.js': 'app', 'gpu.wasm': 'large' };

test('installed: everything but the lazy files is kept, and then served without the network', async () => {
  const site = siteOf(FILES, ['gpu.wasm']);
  const caches = cachesOf();
  const worker = start(site, caches);
  await worker.install();
  assert.deepEqual(caches.paths(worker.cache), ['app.js', 'index.html', 'precache.json']);
  site.down = true;
  for (const [path, mode, body] of [['app.js', 'cors', 'app'], ['app.js?x=1#y', 'cors', 'app'], ['', 'navigate', '<html>'], ['?model=a', 'navigate', '<html>'], ['index.html', 'navigate', '<html>']]) {
    assert.equal(await (await worker.get(path, { mode })).text(), body, path);
  }
});

test('a file that is not the one that the list names: nothing is kept at all', async () => {
  const site = siteOf(FILES, [], { 'app.js': 'another' });
  const caches = cachesOf();
  const worker = start(site, caches);
  await assert.rejects(worker.install());
  assert.deepEqual([...caches.all.keys()], []);
});

test('an old copy on the way is asked for again, past it', async () => {
  const site = siteOf(FILES);
  site.files['app.js'] = (cache) => (cache === 'reload' ? 'app' : 'old');
  const caches = cachesOf();
  const worker = start(site, caches);
  await worker.install();
  assert.equal(await (await worker.get('app.js')).text(), 'app');
});

test('a list that is not the one that the page read: nothing is kept', async () => {
  const caches = cachesOf();
  await assert.rejects(start(siteOf(FILES), caches, { version: '0123456789abcdef' }).install());
  const site = siteOf(FILES);
  const gone = start(site, caches);
  delete site.files['precache.json'];
  await assert.rejects(gone.install());
  assert.deepEqual([...caches.all.keys()], []);
});

test('a lazy file is kept when it is first asked for, if it is of this version', async () => {
  const site = siteOf(FILES, ['gpu.wasm']);
  const caches = cachesOf();
  const worker = start(site, caches);
  await worker.install();
  assert.equal(await (await worker.get('gpu.wasm')).text(), 'large');
  site.down = true;
  assert.equal(await (await worker.get('gpu.wasm')).text(), 'large');

  const changed = siteOf(FILES, ['gpu.wasm']);
  const other = start(changed, cachesOf());
  await other.install();
  changed.files['gpu.wasm'] = 'of the next version';
  assert.equal((await other.get('gpu.wasm')).status, 409);
});

test('a part of a hash is enough, as the list has it of pictures', async () => {
  const site = siteOf(FILES);
  const list = JSON.parse(site.files['precache.json']).map((entry) => ({ ...entry, revision: entry.revision.slice(0, 16) }));
  site.files['precache.json'] = JSON.stringify(list);
  const caches = cachesOf();
  const worker = start(site, caches);
  await worker.install();
  assert.equal(caches.paths(worker.cache).length, 4);
});

test('what it does not know is left to the network, what is not the page\'s to the browser', async () => {
  const site = siteOf(FILES);
  site.files['late.json'] = 'late';
  const worker = start(site, cachesOf());
  await worker.install();
  assert.equal(await (await worker.get('late.json')).text(), 'late');
  for (const [path, options] of [['https://other.example/sub/app.js'], ['/elsewhere/app.js'], ['precache.json'], ['app.js', { method: 'POST' }]]) {
    assert.equal(await worker.get(path, options), undefined, path);
  }
});

test('two versions: each worker serves its own files; the old ones go when the new one is active', async () => {
  const caches = cachesOf();
  const old = start(siteOf({ ...FILES, 'app.js': 'one' }), caches);
  await old.install();
  const next = start(siteOf({ ...FILES, 'app.js': 'two' }), caches);
  await next.install();
  assert.equal(await (await old.get('app.js')).text(), 'one');
  assert.equal(await (await next.get('app.js')).text(), 'two');
  caches.all.set('another-site', new Map());
  await next.activate();
  assert.deepEqual([...caches.all.keys()].sort(), ['another-site', next.cache]);
});

test('another copy of the page on the same site keeps its own', async () => {
  const caches = cachesOf();
  const there = start(siteOf(FILES), caches, { base: 'https://site.example/other/', version: undefined });
  await there.install();
  const here = start(siteOf({ ...FILES, 'app.js': 'two' }), caches);
  await here.install();
  await here.activate();
  assert.deepEqual([...caches.all.keys()].sort(), [there.cache, here.cache].sort());
});

test('a new version takes over at once only where the page is the one that is open', async () => {
  for (const [clients, taken] of [[[BASE], true], [[BASE, `${BASE}?x`], false], [[BASE, 'https://site.example/other/'], true], [[], false]]) {
    const worker = start(siteOf(FILES), cachesOf(), { clients });
    await worker.message('something else');
    assert.equal(worker.skipped.waiting, false);
    await worker.message('take over if alone');
    assert.equal(worker.skipped.waiting, taken, clients.join(' '));
  }
});
