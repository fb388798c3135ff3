// Held: a ZIP is whole by its format's own rules, read by a reader written anew here, and its names are harmless.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { ZipWriter } from '../../www/lib/zip.js';

/** CRC-32 by its definition. */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Every field of every header, each looked at: entries as { name, bytes, date }. */
function read(zip) {
  const end = zip.length - 22;
  assert.equal(zip.readUInt32LE(end), 0x06054b50, 'end of the central directory');
  assert.equal(zip.readUInt16LE(end + 4), 0, 'one disk');
  assert.equal(zip.readUInt16LE(end + 20), 0, 'no comment, so that the end is the end');
  const count = zip.readUInt16LE(end + 10);
  assert.equal(zip.readUInt16LE(end + 8), count);
  const size = zip.readUInt32LE(end + 12);
  const directory = zip.readUInt32LE(end + 16);
  assert.equal(directory + size, end, 'nothing between the directory and its end');

  const entries = [];
  let at = directory;
  let expected = 0;
  for (let i = 0; i < count; i++) {
    assert.equal(zip.readUInt32LE(at), 0x02014b50, 'a directory entry');
    const nameLength = zip.readUInt16LE(at + 28);
    assert.deepEqual([zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32), zip.readUInt16LE(at + 34)], [0, 0, 0], 'no extra field, no comment, disk 0');
    const local = zip.readUInt32LE(at + 42);
    assert.equal(local, expected, 'entries follow each other without a gap');
    assert.equal(zip.readUInt32LE(local), 0x04034b50, 'a local header');
    // Version, flags, method, time, date, CRC, both sizes and the name's length stand in both.
    assert.deepEqual(zip.subarray(local + 4, local + 28), zip.subarray(at + 6, at + 30), 'both headers say the same');
    assert.equal(zip.readUInt16LE(local + 28), 0, 'no extra field');
    assert.ok(zip.readUInt16LE(local + 6) & 0x0800, 'names are UTF-8');
    const method = zip.readUInt16LE(local + 8);
    const packed = zip.readUInt32LE(local + 18);
    const start = local + 30 + nameLength;
    const raw = zip.subarray(start, start + packed);
    const bytes = method === 8 ? inflateRawSync(raw) : raw;
    assert.ok(method === 0 || method === 8);
    assert.equal(bytes.length, zip.readUInt32LE(local + 22), 'size');
    assert.equal(crc32(bytes), zip.readUInt32LE(local + 14), 'CRC');
    const name = new TextDecoder('utf-8', { fatal: true }).decode(zip.subarray(local + 30, start));
    assert.equal(new TextDecoder().decode(zip.subarray(at + 46, at + 46 + nameLength)), name);
    const [time, day] = [zip.readUInt16LE(local + 10), zip.readUInt16LE(local + 12)];
    entries.push({
      name, bytes,
      date: new Date((day >> 9) + 1980, ((day >> 5) & 15) - 1, day & 31, time >> 11, (time >> 5) & 63, (time & 31) * 2),
    });
    expected = start + packed;
    at += 46 + nameLength;
  }
  assert.equal(at, end);
  assert.equal(expected, directory, 'the directory follows the last entry');
  return entries;
}

async function written(files) {
  const zip = new ZipWriter();
  for (const [name, bytes] of files) zip.add(name, bytes);
  const blob = zip.finish();
  assert.equal(blob.type, 'application/zip');
  return read(Buffer.from(await blob.arrayBuffer()));
}

/** Names as they are in a ZIP of these. */
const names = async (paths) => (await written(paths.map((path) => [path, new Uint8Array(1)]))).map(({ name }) => name);

test('files come back with their bytes, in their order', async () => {
  const files = [
    ['scores.csv', new TextEncoder().encode('name,score\r\n')],
    ['empty', new Uint8Array(0)],
    ['pictures/ä/日本 🙂.png', Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7919) & 255)],
  ];
  const entries = await written(files);
  assert.deepEqual(entries.map(({ name, bytes }) => [name, new Uint8Array(bytes)]), files);
});

test('a ZIP of nothing is one', async () => {
  assert.deepEqual(await written([]), []);
});

test('the date is that of its making, to the two seconds that the format has', async (t) => {
  const now = new Date(2031, 11, 31, 23, 58, 57);
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor() {
      super(now.getTime());
    }
  };
  t.after(() => (globalThis.Date = RealDate));
  const zip = new ZipWriter();
  zip.add('a', new Uint8Array(1));
  globalThis.Date = RealDate;
  const [{ date }] = read(Buffer.from(await zip.finish().arrayBuffer()));
  assert.deepEqual(date, new Date(2031, 11, 31, 23, 58, 56));
});

test('no name leaves the folder that it is unpacked to, or has what a system refuses', async () => {
  assert.deepEqual(
    await names(['/etc/passwd', '../../up.png', 'a/./b//c.png', 'a\\..\\b.png', 'C:\\x?.png', 'nul\u0000\u001f.png']),
    ['etc/passwd', 'up.png', 'a/b/c.png', 'a/b.png', 'C_/x_.png', 'nul__.png'],
  );
});

test('equal names are told apart before their ending, also those that become equal', async () => {
  assert.deepEqual(
    await names(['a.b/x.png', 'a.b/x.png', './a.b/x.png', 'a.b/x-2.png', 'a.b/x', 'a.b/x', 'q?', 'q*']),
    ['a.b/x.png', 'a.b/x-2.png', 'a.b/x-3.png', 'a.b/x-2-2.png', 'a.b/x', 'a.b/x-2', 'q_', 'q_-2'],
  );
});

test('what a ZIP cannot hold is refused before anything is written: too many files, too many bytes', () => {
  const zip = new ZipWriter();
  const nothing = new Uint8Array(0);
  let taken = 0;
  assert.throws(() => {
    for (; taken <= 0x10000; taken++) zip.add(String(taken), nothing);
  }, /\d/);
  assert.ok(taken <= 0xffff, 'the count has sixteen bits');
  const large = new ZipWriter();
  assert.throws(() => large.add('large', { length: 2 ** 32 }));
  assert.equal(large.finish().size, 22);
});
