// A small IndexedDB: transactions that happen wholly or not at all, and writes that a test can refuse.

/** What is stored, by store and key; emptied by `install`. */
export let stores = {};
/** Whether a write is refused: (store, value) => error or null. */
export let refuse = { write: () => null };

const request = (work, transaction) => {
  const made = { result: undefined, error: null };
  transaction.open++;
  queueMicrotask(() => {
    if (transaction.over) return;
    try {
      made.result = work();
      transaction.open--;
      made.onsuccess?.();
    } catch (error) {
      made.error = error;
      made.onerror?.();
      transaction.abort(error);
      return;
    }
    transaction.settle();
  });
  return made;
};

class Transaction {
  open = 0;
  over = false;
  error = null;

  constructor(names, mode) {
    this.mode = mode;
    this.copies = Object.fromEntries(names.map((name) => [name, new Map(stores[name])]));
    setImmediate(() => this.settle());
  }

  objectStore(name) {
    const map = this.copies[name];
    if (!map) throw new DOMException(`${name} is not in the transaction`, 'NotFoundError');
    const write = (value, work) => request(() => {
      if (this.mode !== 'readwrite') throw new DOMException('read only', 'ReadOnlyError');
      const error = refuse.write(name, value);
      if (error) throw error;
      return work();
    }, this);
    return {
      get: (key) => request(() => structuredClone(map.get(key)), this),
      getAll: () => request(() => structuredClone([...map.values()]), this),
      getAllKeys: () => request(() => [...map.keys()], this),
      count: (key) => request(() => (map.has(key) ? 1 : 0), this),
      put: (value, key = value.id) => write(value, () => void map.set(key, structuredClone(value))),
      delete: (key) => write(key, () => void map.delete(key)),
      clear: () => write(null, () => map.clear()),
    };
  }

  /** Once nothing is asked for any more, and those who wait had their turn, what was done counts. */
  settle() {
    setImmediate(() => {
      if (this.over || this.open > 0) return;
      this.over = true;
      if (this.mode === 'readwrite') Object.assign(stores, this.copies);
      this.oncomplete?.();
    });
  }

  abort(error = null) {
    if (this.over) throw new DOMException('over', 'InvalidStateError');
    this.over = true;
    this.error = error;
    setImmediate(() => this.onabort?.());
  }
}

/** Puts it in the place of `indexedDB`. `opens` may refuse to open: () => error or null. */
export function install({ opens = () => null } = {}) {
  stores = {};
  refuse.write = () => null;
  globalThis.indexedDB = {
    open() {
      const made = { error: null };
      queueMicrotask(() => {
        made.error = opens();
        if (made.error) {
          made.onerror();
          return;
        }
        made.result = {
          createObjectStore: (name) => void (stores[name] = new Map()),
          transaction: (names, mode) => new Transaction(names, mode),
          close() {},
        };
        if (Object.keys(stores).length === 0) made.onupgradeneeded();
        made.onsuccess();
        globalThis.indexedDB.last = made.result;
      });
      return made;
    },
  };
}
