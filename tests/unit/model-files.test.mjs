// Held: a model's file is fetched once, whole, and what goes wrong is an error that leaves nothing behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchModel } from '../../www/lib/model-files.js';

const method = () => ({ id: 'x', title: 'X (2020)', words: '', url: 'https://site.example/x', bytes: 3_000_000, blob: null });

/** Answers with these parts, one after another. */
function serve(parts, { ok = true, status = 200 } = {}) {
  const asked = [];
  globalThis.fetch = async (url, { signal } = {}) => {
    asked.push(url);
    const left = [...parts];
    const read = async () => {
      signal?.throwIfAborted();
      const value = left.shift();
      if (value instanceof Error) throw value;
      return value ? { done: false, value } : { done: true };
    };
    return { ok, status, body: { getReader: () => ({ read }) } };
  };
  return asked;
}

test('the file comes whole, and only once', async () => {
  const asked = serve([Uint8Array.of(1, 2), Uint8Array.of(3)]);
  const one = method();
  const blob = await fetchModel(one);
  assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), Uint8Array.of(1, 2, 3));
  assert.equal(await fetchModel(one), blob);
  assert.deepEqual(asked, [one.url]);
});

test('how much has come is told, of how much', async () => {
  serve([new Uint8Array(1_000_000), new Uint8Array(2_000_000)]);
  const told = [];
  await fetchModel(method(), { tell: (words) => told.push(words) });
  assert.deepEqual(told.slice(1).map((words) => words.match(/\d+\.\d/g)), [['1.0', '3.0'], ['3.0', '3.0']]);
});

test('an answer that is none, or a connection that breaks: said with the model\'s name, and tried again', async () => {
  const one = method();
  serve([], { ok: false, status: 503 });
  await assert.rejects(fetchModel(one), /X .*503/);
  serve([Uint8Array.of(1), new Error('broken')]);
  await assert.rejects(fetchModel(one), /X .*broken/);
  assert.equal(one.blob, null, 'half a file is none');
  serve([Uint8Array.of(7)]);
  assert.equal((await fetchModel(one)).size, 1);
});

test('cancelled is told from broken', async () => {
  const controller = new AbortController();
  serve([Uint8Array.of(1), Uint8Array.of(2)]);
  const one = method();
  const fetching = fetchModel(one, { signal: controller.signal, tell: (words) => /\d.*\d/.test(words) && controller.abort() });
  await assert.rejects(fetching, { name: 'AbortError' });
  assert.equal(one.blob, null);
});
