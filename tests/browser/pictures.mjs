// Pictures made at test time: other sizes, colours, depths and formats than the samples have.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as zlib from 'node:zlib';

/** A small seeded generator (mulberry32), so that every run makes the same pictures. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const crcTable = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k += 1) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

/** An older Node 20 may not have zlib.crc32. */
function crc32(bytes) {
  if (zlib.crc32) return zlib.crc32(bytes);
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

const COLOUR_TYPES = { 1: 0, 2: 4, 3: 2, 4: 6 };

/** A PNG of `channels` (1 grey, 2 grey+alpha, 3 colour, 4 colour+alpha) at 8 or 16 bits; values in 0..1. */
export function png(width, height, channels, bits, value) {
  const bytes = bits / 8;
  const stride = 1 + width * channels * bytes;
  const raw = Buffer.alloc(stride * height);
  const top = 2 ** bits - 1;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let c = 0; c < channels; c += 1) {
        const v = Math.round(Math.min(1, Math.max(0, value(x / width, y / height, c))) * top);
        raw.writeUIntBE(v, y * stride + 1 + (x * channels + c) * bytes, bytes);
      }
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bits;
  header[9] = COLOUR_TYPES[channels];
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', zlib.deflateSync(raw)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A function of the place and the channel: stripes, a disc and noise. */
export function pattern(seed) {
  const next = random(seed);
  const [fx, fy, cx, cy, r, noise] = [next() * 20, next() * 20, next(), next(), 0.1 + next() * 0.3, next() * 0.2];
  return (x, y, c) => {
    const stripes = 0.5 + 0.3 * Math.sin(fx * x + fy * y + c);
    const disc = (x - cx) ** 2 + (y - cy) ** 2 < r * r ? 0.3 * (c === 1 ? -1 : 1) : 0;
    return stripes + disc + (next() - 0.5) * noise;
  };
}

/** Puts an EXIF orientation into a JPEG. */
export function withOrientation(jpeg, orientation) {
  const tiff = Buffer.alloc(26);
  tiff.write('II', 0, 'latin1');
  tiff.writeUInt16LE(42, 2);
  tiff.writeUInt32LE(8, 4);
  tiff.writeUInt16LE(1, 8);
  tiff.writeUInt16LE(0x0112, 10);
  tiff.writeUInt16LE(3, 12);
  tiff.writeUInt32LE(1, 14);
  tiff.writeUInt16LE(orientation, 18);
  const payload = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const head = Buffer.alloc(4);
  head.writeUInt16BE(0xffe1, 0);
  head.writeUInt16BE(payload.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, payload, jpeg.subarray(2)]);
}

/** A JPEG or WebP, made by the browser from the same patterns. */
export async function encodedByBrowser(page, width, height, seed, type) {
  const values = pattern(seed);
  const rgba = Buffer.alloc(width * height * 4, 255);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let c = 0; c < 3; c += 1) {
        rgba[(y * width + x) * 4 + c] = Math.round(Math.min(1, Math.max(0, values(x / width, y / height, c))) * 255);
      }
    }
  }
  const base64 = await page.evaluate(
    async ([text, w, h, mime]) => {
      const bytes = Uint8ClampedArray.from(atob(text), (c) => c.charCodeAt(0));
      const canvas = new OffscreenCanvas(w, h);
      canvas.getContext('2d').putImageData(new ImageData(bytes, w, h), 0, 0);
      const blob = await canvas.convertToBlob({ type: mime, quality: 0.9 });
      if (blob.type !== mime) throw new Error(`the browser made ${blob.type}, not ${mime}`);
      let out = '';
      for (const byte of new Uint8Array(await blob.arrayBuffer())) out += String.fromCharCode(byte);
      return btoa(out);
    },
    [rgba.toString('base64'), width, height, type],
  );
  return Buffer.from(base64, 'base64');
}

/** Writes the made pictures into `folder` and gives their paths. `page`: any page of a browser. */
export async function makePictures(page, folder) {
  const made = [];
  const write = (name, bytes) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    made.push(path);
  };
  const pngs = [
    ['grey-300x300', 300, 300, 1, 8],
    ['grey-31x47', 31, 47, 1, 8],
    ['grey16-64x80', 64, 80, 1, 16],
    ['grey-alpha-50x50', 50, 50, 2, 8],
    ['colour-640x480', 640, 480, 3, 8],
    ['colour-1x1', 1, 1, 3, 8],
    ['colour-7x500', 7, 500, 3, 8],
    ['colour16-90x33', 90, 33, 3, 16],
    ['colour-alpha-128x96', 128, 96, 4, 8],
  ];
  pngs.forEach(([name, width, height, channels, bits], index) =>
    write(`${name}.png`, png(width, height, channels, bits, pattern(100 + index))),
  );
  const jpegs = [
    ['photo-320x200', 320, 200],
    ['photo-33x65', 33, 65],
    ['photo-1024x768', 1024, 768],
  ];
  for (const [index, [name, width, height]] of jpegs.entries()) {
    const jpeg = await encodedByBrowser(page, width, height, 200 + index, 'image/jpeg');
    write(`${name}.jpg`, jpeg);
    if (index === 0) for (const orientation of [3, 6]) write(`${name}-turned-${orientation}.jpg`, withOrientation(jpeg, orientation));
  }
  write('web-120x90.webp', await encodedByBrowser(page, 120, 90, 300, 'image/webp'));
  return made;
}
