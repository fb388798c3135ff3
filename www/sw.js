// @ts-check
/**
 * Keeps the page for use without a network. One worker belongs to one version of the page, named in
 * its address (`sw.js?version=…`, see page/offline.js): it fills one cache from the build's list, checks
 * each file against the list, and serves from that cache alone. A page therefore never gets some
 * files of one version and some of another.
 *
 * The list, `precache.json`: `[{ "url": "./app.js", "revision": "<sha256, or its first digits>", "lazy": false }, …]`.
 * A `lazy` file is kept when it is first asked for; all others as soon as the page has shown its first score.
 */
const scope = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const PREFIX = "skip-ganomaly-";
const version = new URL(location.href).searchParams.get("version") ?? "";
const CACHE = PREFIX + version;
const LIST = "./precache.json";
const base = new URL("./", location.href);

/** @typedef {{ url: string, revision: string, lazy?: boolean }} Entry */

/** @param {ArrayBuffer} bytes */
async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The file as the list has it, or null. @param {Entry} entry @param {RequestCache} cache */
async function fetchExact(entry, cache) {
  const response = await fetch(new URL(entry.url, base), { cache });
  if (!response.ok) return null;
  if (/^[0-9a-f]{8,64}$/.test(entry.revision)) {
    const hash = await sha256(await response.clone().arrayBuffer());
    if (!hash.startsWith(entry.revision)) return null;
  }
  return response;
}

/** @param {Cache} cache @param {Entry} entry */
async function keep(cache, entry) {
  const response = (await fetchExact(entry, "default")) ?? (await fetchExact(entry, "reload"));
  if (!response) throw new Error(`${entry.url} is not the file that the list names`);
  await cache.put(new URL(entry.url, base), response.clone());
  return response;
}

/** The lazy files by their address. @type {Promise<Map<string, Entry>> | null} */
let lazyFiles = null;
async function readLazyFiles() {
  const cache = await caches.open(CACHE);
  /** @type {Entry[]} */
  const entries = (await (await cache.match(new URL(LIST, base)))?.json()) ?? [];
  return new Map(entries.filter((entry) => entry.lazy).map((entry) => [new URL(entry.url, base).href, entry]));
}

async function install() {
  const response = await fetch(new URL(LIST, base), { cache: "no-store" });
  if (!response.ok) throw new Error("there is no list of files");
  const bytes = await response.clone().arrayBuffer();
  // The list changed after the page read it: the next visit brings the worker that belongs to it.
  if (!(await sha256(bytes)).startsWith(version)) throw new Error("the list of files is of another version");
  const cache = await caches.open(CACHE);
  try {
    const entries = /** @type {Entry[]} */ (JSON.parse(new TextDecoder().decode(bytes)));
    const queue = entries.filter((entry) => !entry.lazy);
    const lane = async () => {
      for (let entry = queue.pop(); entry; entry = queue.pop()) await keep(cache, entry);
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
    await cache.put(new URL(LIST, base), response);
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CACHE && !(await ownedByAnother(name))) await caches.delete(name);
  }
  // On a first visit too, what is chosen later is to be kept.
  await scope.clients.claim();
}

/** Another copy of the page under the same origin has caches of its own. @param {string} name */
async function ownedByAnother(name) {
  const keys = await (await caches.open(name)).keys();
  return keys.length > 0 && !keys.some((request) => request.url.startsWith(base.href) && new URL(LIST, base).href === request.url);
}

/** @param {Request} request */
async function answer(request) {
  const cache = await caches.open(CACHE);
  const url = new URL(request.url);
  url.search = "";
  url.hash = "";
  const index = new URL("./index.html", base);
  if (request.mode === "navigate" && (url.href === base.href || url.href === index.href)) {
    const page = (await cache.match(index)) ?? (await cache.match(base));
    if (page) return page;
  }
  const kept = await cache.match(url);
  if (kept) return kept;
  const lazy = (await (lazyFiles ??= readLazyFiles())).get(url.href);
  if (!lazy) return fetch(request);
  try {
    return await keep(cache, lazy);
  } catch {
    return new Response("The site's version of this file is newer than this page.", { status: 409 });
  }
}

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || !url.href.startsWith(base.href)) return;
  if (url.href === new URL(LIST, base).href) return;
  event.respondWith(answer(request));
});
scope.addEventListener("message", (event) => {
  if (event.data !== "take over if alone") return;
  event.waitUntil((async () => {
    const pages = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
    const ours = pages.filter((page) => page.url.startsWith(base.href));
    if (ours.length === 1) await scope.skipWaiting();
  })());
});
