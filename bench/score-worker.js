// Times the CPU module and onnxruntime-web's wasm provider on the same net and the same pictures,
// turn by turn in one worker, one thread each.
//
// Ours: file bytes in, so decoding, resizing, the score and the three pictures of the result are all
// counted. onnxruntime: the prepared tensor in, the score out, nothing else is counted.

async function bytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

onmessage = async ({ data: { model: modelUrl, onnx, pictures, repeats } }) => {
  try {
    const module = await import('../pkg/cpu/skip_ganomaly.js');
    await module.default();
    module.start();
    const device = await module.Device.open('cpu');
    const model = module.Model.load(device, await bytes(modelUrl));
    const { size, channels } = model.info();
    const files = await Promise.all(pictures.map(bytes));

    const ort = await import('./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs');
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = new URL('./node_modules/onnxruntime-web/dist/', import.meta.url).href;
    const session = await ort.InferenceSession.create(await bytes(onnx), {
      executionProviders: ['wasm'],
      graphOptimizationLevel: 'all',
    });

    // The prepared pictures, read back from the first result, are onnxruntime's input.
    const scored = await model.score(files);
    const plane = size * size;
    const values = new Float32Array(files.length * channels * plane);
    scored.forEach((picture, n) => {
      if (picture.error) throw new Error(`${pictures[n]}: ${picture.error}`);
      for (let c = 0; c < channels; c += 1) {
        for (let i = 0; i < plane; i += 1) {
          values[(n * channels + c) * plane + i] = (picture.input[i * 4 + c] / 255 - 0.5) / 0.5;
        }
      }
    });

    const result = { size, channels, parameters: model.info().parameters, difference: 0, rows: [] };
    for (const batch of [1, files.length]) {
      const input = new ort.Tensor('float32', values.slice(0, batch * channels * plane), [batch, channels, size, size]);
      const some = files.slice(0, batch);
      const ours = () => model.score(some);
      const theirs = async () => (await session.run({ x: input }, ['score'])).score.data;
      for (let i = 0; i < 3; i += 1) {
        await ours();
        await theirs();
      }
      const scores = await theirs();
      for (let n = 0; n < batch; n += 1) {
        result.difference = Math.max(result.difference, Math.abs(scores[n] - scored[n].score));
      }
      const times = { ours: [], theirs: [] };
      const timed = async (name, work) => {
        const started = performance.now();
        await work();
        times[name].push(performance.now() - started);
      };
      const count = batch === 1 ? repeats * 5 : repeats;
      for (let i = 0; i < count; i += 1) {
        // Turns change places, so that neither always follows the other.
        for (const name of i % 2 ? ['ours', 'theirs'] : ['theirs', 'ours']) {
          await timed(name, name === 'ours' ? ours : theirs);
        }
      }
      result.rows.push({ batch, ...times });
    }
    postMessage(result);
  } catch (error) {
    postMessage({ error: String(error?.stack ?? error) });
  }
};
