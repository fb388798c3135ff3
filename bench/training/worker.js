// Times the training steps of one engine in a worker of its own.
//
//   { engine: "page", job }                             this crate's CPU module
//   { engine: "jax-js wasm" | "tfjs webgl" | "tfjs webgpu", job, start: { checkpoint, heldOut } }
//
// Every engine trains on the same 64 pictures, all of them in each step, so that their order in the
// batch does not matter: of 65 pictures we hold one back, and say which. The checkpoint, ours of before the
// first step, gives all the same weights.
import { readTensors } from './weights.js';

/** Pictures of seeded noise, the same for all, one more than a batch: bytes [batch + 1, size, size, channels]. */
function noise({ batch, size, channels }) {
  let state = 12345;
  return Uint8Array.from({ length: (batch + 1) * size * size * channels }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

/** A picture file of the pixels of one picture. */
async function png(pixels, { size, channels }) {
  const data = new ImageData(size, size);
  for (let i = 0; i < size * size; i += 1) {
    for (let c = 0; c < 3; c += 1) data.data[4 * i + c] = pixels[i * channels + (channels === 3 ? c : 0)];
    data.data[4 * i + 3] = 255;
  }
  const canvas = new OffscreenCanvas(size, size);
  canvas.getContext('2d').putImageData(data, 0, 0);
  return new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
}

async function openPage(job) {
  const { size, channels, width, batch } = job;
  const module = await import('../../pkg/cpu/skip_ganomaly.js');
  const wasm = await module.default();
  module.start();
  const device = await module.Device.open('cpu');
  const pictures = new module.TrainingPictures(size, channels);
  const bytes = noise(job);
  const each = size * size * channels;
  for (let n = 0; n <= batch; n += 1) {
    pictures.add(`${n}.png`, await png(bytes.subarray(n * each, (n + 1) * each), job));
  }
  const settings = { size, channels, width, batch, held_out: 0.01, steps: 1_000_000, seed: 0 };
  const training = module.Training.start(device, settings, pictures);
  const info = training.info();
  if (info.training !== batch) throw new Error(`${info.training} pictures are trained on, expected ${batch}`);
  const { pictures: held } = await training.preview(1);
  return {
    parameters: info.parameters,
    heldOut: Number.parseInt(held[0].name, 10),
    checkpoint: await training.checkpoint(),
    heap: () => wasm.memory.buffer.byteLength,
    async step() {
      training.step('both');
      return (await training.losses())[0];
    },
  };
}

async function openPeer(engine, job, { checkpoint, heldOut }) {
  const [library, backend] = engine.split(' ');
  const { open } = await import(library === 'tfjs' ? './tfjs.js' : './jax.js');
  const peer = await open(backend, readTensors(checkpoint));
  const each = job.size * job.size * job.channels;
  const bytes = noise(job).filter((_, i) => Math.floor(i / each) !== heldOut);
  const values = Float32Array.from(bytes, (byte) => (byte / 255 - 0.5) / 0.5);
  const shape = [job.batch, job.size, job.size, job.channels];
  return { ...peer, step: () => peer.step(values, shape) };
}

let opened;
onmessage = async ({ data: { engine, job, start, steps } }) => {
  try {
    opened ??= await (engine === 'page' ? openPage(job) : openPeer(engine, job, start));
    for (let i = 0; i < steps; i += 1) {
      const started = performance.now();
      const losses = await opened.step();
      postMessage({ ms: performance.now() - started, losses, heap: opened.heap?.() });
    }
    postMessage({ done: true, parameters: opened.parameters, start: { checkpoint: opened.checkpoint, heldOut: opened.heldOut } });
  } catch (error) {
    postMessage({ error: String(error?.stack ?? error) });
  }
};
