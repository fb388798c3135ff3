// @ts-check
/**
 * What the browser keeps of training runs, in IndexedDB: the runs, their last checkpoints, and the
 * prepared pictures, shared by the runs that use them. The page and its worker both open it.
 * A write happens wholly or not at all, so a checkpoint is replaced only by a whole one.
 *
 * @typedef {import("./protocol.js").StoredRun} StoredRun
 * @typedef {import("./protocol.js").Stored} Stored
 * @typedef {import("./protocol.js").Skipped} Skipped
 * @typedef {import("./protocol.js").Counts} Counts
 * @typedef {{
 *   size: number, channels: number, count: number, training: Uint8Array, labelled: Uint8Array | null,
 *   abnormal: Uint8Array | null, counts: Counts | null, layout: string, said: string, skipped: Skipped[],
 *   leftOut: number, suggested: import("./protocol.js").Suggestion, digest: string, alike: boolean,
 * }} Pictures  prepared pictures, with what was said when they were read
 * @typedef {StoredRun & { pictures: string, pictureBytes: number }} Run  `pictures`: the key of its pictures
 */
const NAME = "skip-ganomaly-training";
const VERSION = 1;
const RUNS = "runs";
const CHECKPOINTS = "checkpoints";
const PICTURES = "pictures";
const ALL = [RUNS, CHECKPOINTS, PICTURES];

/** Thrown when the browser does not store: `full` tells whether for want of room. The message can be shown as it stands. */
export class StoreError extends Error {
  /** @param {string} message @param {boolean} full */
  constructor(message, full) {
    super(message);
    this.full = full;
  }
}

/** @param {unknown} error */
function refusal(error) {
  if (error instanceof StoreError) return error;
  const name = error instanceof DOMException ? error.name : "";
  if (name === "QuotaExceededError") {
    return new StoreError("The browser has no storage left for this site: remove stored runs or free disk space.", true);
  }
  const reason = error instanceof Error && error.message ? error.message : String(error);
  return new StoreError(`The browser cannot store data for this page; a private window may be the cause (${reason}).`, false);
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const answer = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** @type {Promise<IDBDatabase> | null} */
let opened = null;

/** @returns {Promise<IDBDatabase>} */
function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(RUNS, { keyPath: "id" });
      request.result.createObjectStore(CHECKPOINTS);
      request.result.createObjectStore(PICTURES);
    };
    request.onsuccess = () => {
      const found = request.result;
      // The browser may close it, and another version of the page may ask for it: open anew then.
      found.onclose = () => (opened = null);
      found.onversionchange = () => {
        found.close();
        opened = null;
      };
      resolve(found);
    };
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another tab has an older version of this page open"));
  });
  opened.catch(() => (opened = null));
  return opened;
}

/**
 * One transaction: all that `work` asks for happens, or nothing. Resolves once it is on the disk.
 * @template T
 * @param {string[]} stores @param {IDBTransactionMode} mode
 * @param {(store: (name: string) => IDBObjectStore) => Promise<T> | T} work
 * @returns {Promise<T>}
 */
async function transact(stores, mode, work) {
  try {
    const transaction = (await database()).transaction(stores, mode, { durability: "relaxed" });
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(undefined);
      transaction.onabort = () => reject(transaction.error ?? new Error("the write was aborted"));
    });
    done.catch(() => {});
    let result;
    try {
      result = await work((name) => transaction.objectStore(name));
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // it broke off by itself
      }
      throw error;
    }
    await done;
    return result;
  } catch (error) {
    throw refusal(error);
  }
}

/** Every stored run, the last changed first. @returns {Promise<Run[]>} */
export async function listRuns() {
  /** @type {Run[]} */
  const runs = await transact([RUNS], "readonly", (store) => answer(store(RUNS).getAll()));
  return runs.sort((a, b) => b.changed - a.changed);
}

/** @param {string} id @returns {Promise<{ run: Run, checkpoint: Uint8Array, pictures: Pictures } | null>} */
export function loadRun(id) {
  return transact(ALL, "readonly", async (store) => {
    /** @type {Run | undefined} */
    const run = await answer(store(RUNS).get(id));
    if (!run) return null;
    const [checkpoint, pictures] = await Promise.all([answer(store(CHECKPOINTS).get(id)), answer(store(PICTURES).get(run.pictures))]);
    return checkpoint && pictures ? { run, checkpoint, pictures } : null;
  });
}

/**
 * Keeps a run and its checkpoint in place of the ones before, and its pictures unless they are there.
 * @param {Run} run @param {Uint8Array} checkpoint @param {Pictures} pictures
 */
export function saveRun(run, checkpoint, pictures) {
  return transact(ALL, "readwrite", async (store) => {
    const kept = await answer(store(PICTURES).count(run.pictures));
    await Promise.all([
      answer(store(RUNS).put(run)),
      answer(store(CHECKPOINTS).put(checkpoint, run.id)),
      kept > 0 ? null : answer(store(PICTURES).put(pictures, run.pictures)),
    ]);
  });
}

/** Notes how a run went, where it is stored. @param {string} id @param {Partial<StoredRun>} change */
export function noteRun(id, change) {
  return transact([RUNS], "readwrite", async (store) => {
    const run = await answer(store(RUNS).get(id));
    if (run) await answer(store(RUNS).put({ ...run, ...change }));
  });
}

/** Removes a run, and its pictures where no other run uses them. @param {string} id */
export function removeRun(id) {
  return transact(ALL, "readwrite", async (store) => {
    await Promise.all([answer(store(RUNS).delete(id)), answer(store(CHECKPOINTS).delete(id))]);
    /** @type {[Run[], IDBValidKey[]]} */
    const [runs, keys] = await Promise.all([answer(store(RUNS).getAll()), answer(store(PICTURES).getAllKeys())]);
    const used = new Set(runs.map((run) => run.pictures));
    await Promise.all(keys.filter((key) => !used.has(String(key))).map((key) => answer(store(PICTURES).delete(key))));
  });
}

/** Removes everything that training stored. */
export function clearAll() {
  return transact(ALL, "readwrite", async (store) => {
    await Promise.all(ALL.map((name) => answer(store(name).clear())));
  });
}

/** Bytes of prepared pictures. @param {Pictures} pictures */
export const pictureBytes = (pictures) => pictures.training.length + (pictures.labelled?.length ?? 0);

/** What is stored, and the browser's own figures. @returns {Promise<Stored>} */
export async function storedSizes() {
  const estimate = await navigator.storage?.estimate?.().catch(() => null);
  const usage = estimate?.usage ?? null;
  const quota = estimate?.quota ?? null;
  const persisted = (await navigator.storage?.persisted?.().catch(() => null)) ?? null;
  try {
    const runs = await listRuns();
    const pictures = new Map(runs.map((run) => [run.pictures, run.pictureBytes]));
    const bytes = [...runs.map((run) => run.bytes), ...pictures.values()].reduce((sum, one) => sum + one, 0);
    return { available: true, bytes, usage, quota, persisted };
  } catch {
    return { available: false, bytes: 0, usage, quota, persisted };
  }
}

/** Asks the browser not to clear this site's storage by itself. From the page only. @returns {Promise<boolean>} */
export async function persist() {
  const storage = /** @type {{ persist?: () => Promise<boolean> } | undefined} */ (/** @type {unknown} */ (navigator.storage));
  try {
    return (await storage?.persist?.()) ?? false;
  } catch {
    return false;
  }
}
