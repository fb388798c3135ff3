// @ts-check
/**
 * A small PNG writer. The table keeps a row's pictures as PNG bytes: a few kilobytes each,
 * where the raw pixels of thousands of rows would fill the memory of the tab.
 */

const CRC_TABLE = new Uint32Array(256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  CRC_TABLE[n] = c >>> 0;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} [crc] the result for the bytes before these
 */
export function crc32(bytes, crc = 0) {
  let c = ~crc >>> 0;
  for (let i = 0; i < bytes.length; i++) c = CRC_TABLE[(c ^ bytes[i]) & 0xff] ^ (c >>> 8);
  return ~c >>> 0;
}

/** Below this size packing costs more time than it saves memory. */
const PACK_FROM = 8192;

/** zlib without packing: one stored block. @param {Uint8Array} raw */
function store(raw) {
  const out = new Uint8Array(raw.length + 11);
  const view = new DataView(out.buffer);
  view.setUint16(0, 0x7801);
  out[2] = 1;
  view.setUint16(3, raw.length, true);
  view.setUint16(5, raw.length ^ 0xffff, true);
  out.set(raw, 7);
  let a = 1;
  let b = 0;
  for (let i = 0; i < raw.length; i++) {
    a += raw[i];
    b += a; // stays exact: there are few bytes
  }
  view.setUint32(raw.length + 7, (((b % 65521) << 16) | a % 65521) >>> 0);
  return out;
}

/** @param {Uint8Array<ArrayBuffer>} raw @param {number} packFrom */
async function zlib(raw, packFrom) {
  if (raw.length < packFrom) return store(raw);
  const packer = new CompressionStream("deflate");
  const writer = packer.writable.getWriter();
  const written = writer.write(raw).then(() => writer.close());
  const reader = packer.readable.getReader();
  /** @type {Uint8Array[]} */
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
  }
  await written;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * @param {Uint8Array} rgba `size * size * 4` bytes; alpha is dropped, the pictures are opaque
 * @param {number} size side in pixels
 * @param {number} [packFrom] below so many bytes nothing is packed; at most 65,536
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function encodePng(rgba, size, packFrom = PACK_FROM) {
  let grey = true;
  for (let i = 0; grey && i < rgba.length; i += 4) {
    grey = rgba[i] === rgba[i + 1] && rgba[i] === rgba[i + 2];
  }
  const channels = grey ? 1 : 3;
  const stride = size * channels;
  const raw = new Uint8Array(size * (stride + 1));
  for (let y = 0, at = 0; y < size; y++) {
    raw[at++] = y === 0 ? 0 : 2; // row filter "up": neighbouring rows are alike
    for (let x = 0; x < size; x++) {
      const here = (y * size + x) * 4;
      for (let c = 0; c < channels; c++) {
        raw[at++] = y === 0 ? rgba[here + c] : rgba[here + c] - rgba[here + c - size * 4];
      }
    }
  }
  const data = await zlib(raw, packFrom);

  const png = new Uint8Array(8 + 25 + 12 + data.length + 12);
  const view = new DataView(png.buffer);
  png.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  let at = 8;
  /** @param {string} type @param {Uint8Array} body */
  const chunk = (type, body) => {
    view.setUint32(at, body.length);
    for (let i = 0; i < 4; i++) png[at + 4 + i] = type.charCodeAt(i);
    png.set(body, at + 8);
    view.setUint32(at + 8 + body.length, crc32(png.subarray(at + 4, at + 8 + body.length)));
    at += 12 + body.length;
  };
  const header = new Uint8Array(13);
  const headerView = new DataView(header.buffer);
  headerView.setUint32(0, size);
  headerView.setUint32(4, size);
  header.set([8, grey ? 0 : 2, 0, 0, 0], 8);
  chunk("IHDR", header);
  chunk("IDAT", data);
  chunk("IEND", new Uint8Array(0));
  return png;
}

/** A PNG file as an address. @param {Uint8Array} png */
export function dataUrl(png) {
  let binary = "";
  for (let i = 0; i < png.length; i += 0x8000) binary += String.fromCharCode(...png.subarray(i, i + 0x8000));
  return `data:image/png;base64,${btoa(binary)}`;
}

/**
 * A result's three pictures as files, in place of their pixels.
 * @param {{ size: number, input: Uint8Array, reconstruction: Uint8Array, heat: Uint8Array }} result
 * @param {Transferable[]} transfer receives their buffers
 */
export async function asPngs({ size, ...pixels }, transfer) {
  const [input, reconstruction, heat] = await Promise.all([pixels.input, pixels.reconstruction, pixels.heat].map((rgba) => encodePng(rgba, size)));
  transfer.push(input.buffer, reconstruction.buffer, heat.buffer);
  return { input, reconstruction, heat };
}
