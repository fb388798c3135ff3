// The same GAN step in TensorFlow.js. Its running statistics of batch norm are left out, to its advantage.
import { SETTINGS, count, learnt, permuted } from './weights.js';

/**
 * @param {string} backend "webgl" or "webgpu"
 * @param {Map<string, { shape: number[], values: Float32Array }>} tensors
 */
export async function open(backend, tensors) {
  // The distributed bundles are scripts that put a global `tf`, not modules.
  const load = async (path) => (0, eval)(await (await fetch(new URL(path, import.meta.url))).text());
  await load('../node_modules/@tensorflow/tfjs/dist/tf.min.js');
  if (backend === 'webgpu') await load('../node_modules/@tensorflow/tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js');
  const tf = globalThis.tf;
  if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} does not start`);
  await tf.ready();

  const network = (name) => {
    const weights = learnt(tensors, name);
    const variables = new Map();
    for (const [key, weight] of weights) {
      // Filters as [height, width, input, output], transposed ones as [height, width, output, input].
      const { shape, values } = weight.shape.length === 4 ? permuted(weight, [2, 3, 1, 0]) : weight;
      variables.set(key, tf.variable(tf.tensor(values, shape)));
    }
    return { variables, list: [...variables.values()], parameters: count(weights) };
  };
  const generator = network('generator');
  const discriminator = network('discriminator');

  const norm = (of, prefix, h) => {
    const gamma = of.variables.get(`${prefix}.norm.gamma`);
    if (!gamma) return h;
    const { mean, variance } = tf.moments(h, [0, 1, 2], true);
    const scale = tf.rsqrt(variance.add(1e-5)).mul(gamma);
    return h.sub(mean).mul(scale).add(of.variables.get(`${prefix}.norm.beta`));
  };

  function reconstruct(x) {
    const w = (name) => generator.variables.get(name);
    const skips = [];
    let h = x;
    let levels = 0;
    for (; w(`encoder.${levels}.conv.weight`); levels += 1) {
      if (levels > 0) {
        h = tf.leakyRelu(h, 0.2);
        skips.push(h);
      }
      h = norm(generator, `encoder.${levels}`, tf.conv2d(h, w(`encoder.${levels}.conv.weight`), 2, 'same'));
    }
    for (let k = 0; k < levels; k += 1) {
      const filter = w(`decoder.${k}.conv.weight`);
      const [n, side] = h.shape;
      h = tf.conv2dTranspose(tf.relu(h), filter, [n, 2 * side, 2 * side, filter.shape[2]], 2, 'same');
      const bias = w(`decoder.${k}.conv.bias`);
      if (bias) h = h.add(bias);
      h = norm(generator, `decoder.${k}`, h);
      if (skips.length) h = tf.concat([skips.pop(), h], 3);
    }
    return tf.tanh(h);
  }

  function judge(x) {
    const w = (name) => discriminator.variables.get(name);
    let h = x;
    for (let k = 0; w(`pyramid.${k}.conv.weight`); k += 1) {
      h = tf.conv2d(h, w(`pyramid.${k}.conv.weight`), 2, 'same');
      h = tf.leakyRelu(norm(discriminator, `pyramid.${k}`, h), 0.2);
    }
    const features = tf.conv2d(h, w('feature.weight'), 1, 'valid');
    return { logit: tf.conv2d(features, w('classifier.weight'), 1, 'same').flatten(), features };
  }

  const { learningRate, beta1, beta2, epsilon, contextual } = SETTINGS;
  const adam = () => tf.train.adam(learningRate, beta1, beta2, epsilon);
  const [adamG, adamD] = [adam(), adam()];
  // As -log σ(l); TensorFlow.js's own logSigmoid loses its input before its gradient is taken, on WebGL.
  const real = (logit) => tf.softplus(logit.neg()).mean();

  return {
    parameters: generator.parameters + discriminator.parameters,
    /** One step on `[n, size, size, channels]`; gives the losses once they are there. */
    async step(values, shape) {
      const losses = tf.tidy(() => {
        const x = tf.tensor(values, shape);
        const features = judge(x).features;
        let xHat;
        const parts = {};
        const { value: generatorLoss, grads: gradientsG } = tf.variableGrads(() => {
          xHat = tf.keep(reconstruct(x));
          const fake = judge(xHat);
          parts.adversarial = tf.keep(real(fake.logit));
          parts.contextual = tf.keep(x.sub(xHat).abs().mean());
          parts.latent = tf.keep(features.sub(fake.features).square().mean());
          return parts.adversarial.add(parts.contextual.mul(contextual)).add(parts.latent);
        }, generator.list);
        const { value: discriminatorLoss, grads: gradientsD } = tf.variableGrads(
          () => {
            const [genuine, fake] = [judge(x), judge(xHat)];
            const latent = genuine.features.sub(fake.features).square().mean();
            return real(genuine.logit).add(real(fake.logit.neg())).add(latent);
          },
          discriminator.list,
        );
        adamG.applyGradients(gradientsG);
        adamD.applyGradients(gradientsD);
        xHat.dispose();
        return { ...parts, generator: generatorLoss, discriminator: discriminatorLoss };
      });
      const read = {};
      for (const [name, loss] of Object.entries(losses)) [read[name]] = await loss.data();
      tf.dispose(losses);
      return read;
    },
  };
}
