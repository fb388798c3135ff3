// Trains the same small net on the CPU and on WebGPU, on the same batches, and posts both losses.
const SETTINGS = { size: 32, channels: 1, width: 4, batch: 4, seed: 7 };

/**
 * The same three batches for both devices: values in [-1, 1] from a seeded generator. The third is
 * the first again: its loss has changed only if the two steps before changed the weights.
 */
function batches() {
  let state = 12345;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 4294967296) * 2 - 1;
  };
  const { batch, channels, size } = SETTINGS;
  const one = () => Float32Array.from({ length: batch * channels * size * size }, next);
  const [a, b] = [one(), one()];
  return [a, b, a];
}

async function train(kind, folder) {
  const module = await import(new URL(`../pkg/${folder}/skip_ganomaly.js`, import.meta.url).href);
  await module.default();
  module.start();
  const device = await module.Device.open(kind);
  const trainer = module.Trainer.create(device, SETTINGS);
  const losses = [];
  for (const batch of batches()) {
    trainer.step(batch);
    losses.push(...(await trainer.losses()));
  }
  const result = { kind: device.kind, losses };
  trainer.free();
  device.free();
  return result;
}

onmessage = async () => {
  try {
    const adapter = await navigator.gpu?.requestAdapter();
    postMessage({
      adapter: adapter ? adapter.info?.architecture || adapter.info?.vendor || 'unnamed' : null,
      cpu: await train('cpu', 'cpu'),
      webgpu: await train('webgpu', 'gpu'),
    });
  } catch (error) {
    postMessage({ error: String(error?.stack ?? error) });
  }
};
