// Held: the pictures that rows keep are PNG files of the right pixels, by the format's rules and zlib's own inflate.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { crc32, encodePng } from '../../www/lib/png.js';

/** The chunks of a PNG, each with its CRC looked at. */
function chunks(png) {
  const view = Buffer.from(png);
  assert.deepEqual([...view.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], 'signature');
  const found = [];
  let at = 8;
  while (at < view.length) {
    const length = view.readUInt32BE(at);
    const named = view.subarray(at + 4, at + 8 + length);
    assert.equal(bitwise(named), view.readUInt32BE(at + 8 + length), 'CRC');
    found.push([named.subarray(0, 4).toString('latin1'), named.subarray(4)]);
    at += 12 + length;
  }
  assert.equal(at, view.length, 'nothing after the last chunk');
  return found;
}

/** CRC-32 by its definition. */
function bitwise(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** The pixels of a PNG as RGBA, with all five row filters of the format. */
function decode(png) {
  const [[head, ihdr], [body, idat], [tail, iend], ...rest] = chunks(png);
  assert.deepEqual([head, body, tail, rest.length, iend.length], ['IHDR', 'IDAT', 'IEND', 0, 0]);
  const [width, height, depth, kind] = [ihdr.readUInt32BE(0), ihdr.readUInt32BE(4), ihdr[8], ihdr[9]];
  assert.deepEqual([ihdr.length, depth, ...ihdr.subarray(10)], [13, 8, 0, 0, 0]);
  const channels = { 0: 1, 2: 3 }[kind];
  const stride = width * channels;
  const raw = inflateSync(idat);
  assert.equal(raw.length, height * (stride + 1));
  const rows = [];
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    const row = raw.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1));
    for (let i = 0; i < stride; i++) {
      const a = i >= channels ? row[i - channels] : 0;
      const b = y > 0 ? rows[y - 1][i] : 0;
      const c = y > 0 && i >= channels ? rows[y - 1][i - channels] : 0;
      const p = a + b - c;
      const [da, db, dc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
      const paeth = da <= db && da <= dc ? a : db <= dc ? b : c;
      row[i] += [0, a, b, (a + b) >> 1, paeth][filter];
    }
    rows.push(row);
  }
  const rgba = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const pixel = rows[Math.floor(i / width)].subarray((i % width) * channels);
    rgba.set(channels === 1 ? [pixel[0], pixel[0], pixel[0], 255] : [pixel[0], pixel[1], pixel[2], 255], i * 4);
  }
  return { width, height, channels, rgba, packed: idat.length };
}

/** Pixels that no filter makes simple; `grey` of one value in all three. */
function pixels(size, grey = false) {
  const rgba = new Uint8Array(size * size * 4);
  let state = 12345;
  for (let i = 0; i < rgba.length; i += 4) {
    for (let c = 0; c < 3; c++) {
      if (c === 0 || !grey) state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      rgba[i + c] = state >>> 24;
    }
    rgba[i + 3] = 255;
  }
  return rgba;
}

// 32 pixels are stored as they are, 128 are packed; 52 in colour are the first that are packed.
for (const size of [1, 2, 32, 51, 52, 128]) {
  test(`${size} pixels, in colour and in grey: every pixel comes back`, async () => {
    for (const [grey, channels] of [[false, 3], [true, 1]]) {
      const rgba = pixels(size, grey);
      const png = decode(await encodePng(rgba, size));
      assert.deepEqual([png.width, png.height], [size, size]);
      // A single pixel of equal values is grey whichever way it was meant.
      if (size > 1) assert.equal(png.channels, channels);
      assert.deepEqual(png.rgba, rgba);
    }
  });
}

test('one coloured pixel at the end makes the whole picture a coloured one', async () => {
  const rgba = pixels(16, true);
  rgba[rgba.length - 2] ^= 1;
  const png = decode(await encodePng(rgba, 16));
  assert.equal(png.channels, 3);
  assert.deepEqual(png.rgba, rgba);
});

test('alpha is dropped', async () => {
  const rgba = pixels(8);
  const seen = rgba.slice();
  for (let i = 3; i < seen.length; i += 4) seen[i] = i;
  assert.deepEqual(await encodePng(seen, 8), await encodePng(rgba, 8));
});

test('white and black in a stored block: the sums of its check do not overflow', async () => {
  for (const value of [0, 255]) {
    const rgba = new Uint8Array(90 * 90 * 4).fill(value);
    for (let i = 3; i < rgba.length; i += 4) rgba[i] = 255;
    const png = decode(await encodePng(rgba, 90)); // 8190 bytes, a few under what is packed
    assert.deepEqual(png.rgba, rgba);
    assert.ok(png.packed > 8190, 'stored');
  }
});

test('a large picture of alike rows is packed to a fraction', async () => {
  const rgba = new Uint8Array(256 * 256 * 4);
  for (let i = 0; i < rgba.length; i += 4) rgba.set([(i / 4) & 255, 0, 0, 255], i);
  const png = decode(await encodePng(rgba, 256));
  assert.deepEqual(png.rgba, rgba);
  assert.ok(png.packed < 4000, `${png.packed} bytes`);
});

test('CRC-32: the check value of the standard, and in pieces', () => {
  const bytes = new TextEncoder().encode('123456789');
  assert.equal(crc32(bytes), 0xcbf43926);
  assert.equal(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4))), 0xcbf43926);
  assert.equal(crc32(new Uint8Array(0)), 0);
});
