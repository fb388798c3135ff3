// The same GAN step in jax-js on its wasm device, as one jit-compiled function. Its own convolutions are
// slow in training, so they are written as matrix products here, channels last. The running
// statistics of batch norm are left out, to its advantage.
import { SETTINGS, count, learnt, permuted } from './weights.js';

/**
 * @param {string} device "wasm"
 * @param {Map<string, { shape: number[], values: Float32Array }>} tensors
 */
export async function open(device, tensors) {
  const jax = await import('../node_modules/@jax-js/jax/dist/index.js');
  const { numpy: np, nn, tree } = jax;
  const devices = await jax.init(device);
  if (!devices.includes(device)) throw new Error(`the device ${device} does not start`);
  jax.defaultDevice(device);

  const array = ({ shape, values }) => np.array(values).reshape(shape);
  const blocks = ({ shape: [a, b], values }) => ({ shape: [a, b, 2, 2, 2, 2], values });
  // A kernel's row is 2 a + p, its column 2 b + q; products want (a, b, p, q) in order.
  const down = (weight) => {
    const [output, input] = weight.shape;
    const { values } = permuted(blocks(weight), [2, 4, 3, 5, 1, 0]);
    return { shape: [16 * input, output], values };
  };
  const up = (weight) => {
    const [input, output] = weight.shape;
    const { values } = permuted(blocks(weight), [0, 2, 4, 3, 5, 1]);
    return { shape: [input, 16 * output], values };
  };
  const whole = (weight) => {
    const [output, input, k] = weight.shape;
    return { shape: [k * k * input, output], values: permuted(weight, [2, 3, 1, 0]).values };
  };
  const network = (name) => {
    const weights = learnt(tensors, name);
    const parameters = {};
    for (const [key, weight] of weights) {
      let change = (same) => same;
      if (/^(encoder|pyramid).*conv\.weight$/.test(key)) change = down;
      else if (/^decoder.*conv\.weight$/.test(key)) change = up;
      else if (weight.shape.length === 4) change = whole;
      parameters[key] = array(change(weight));
    }
    return { parameters, count: count(weights) };
  };

  function convolve(x, matrix) {
    const [n, side, , c] = x.shape;
    const half = side / 2;
    const padded = np.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]);
    const folded = padded
      .reshape([n, half + 1, 2, half + 1, 2, c])
      .transpose([0, 1, 3, 2, 4, 5])
      .reshape([n, half + 1, half + 1, 4 * c]);
    const parts = [];
    for (const a of [0, 1]) for (const b of [0, 1]) parts.push(folded.ref.slice([], [a, a + half], [b, b + half], []));
    folded.dispose();
    const columns = np.concatenate(parts, 3).reshape([n * half * half, 16 * c]);
    return np.matmul(columns, matrix).reshape([n, half, half, -1]);
  }

  function convolveTransposed(x, matrix) {
    const [n, side, , input] = x.shape;
    const output = matrix.shape[1] / 16;
    const columns = np.matmul(x.reshape([n * side * side, input]), matrix).reshape([n, side, side, 4, 4 * output]);
    let sum = null;
    for (const a of [0, 1]) {
      for (const b of [0, 1]) {
        const part = np.pad(columns.ref.slice([], [], [], 2 * a + b, []), [[0, 0], [a, 1 - a], [b, 1 - b], [0, 0]]);
        sum = sum ? sum.add(part) : part;
      }
    }
    columns.dispose();
    const grown = sum
      .reshape([n, side + 1, side + 1, 2, 2, output])
      .transpose([0, 1, 3, 2, 4, 5])
      .reshape([n, 2 * side + 2, 2 * side + 2, output]);
    return grown.slice([], [1, 2 * side + 1], [1, 2 * side + 1], []);
  }

  function norm(w, prefix, h) {
    if (!w[`${prefix}.norm.gamma`]) return h;
    const centred = h.ref.sub(np.mean(h, [0, 1, 2], { keepdims: true }));
    const variance = np.mean(np.square(centred.ref), [0, 1, 2], { keepdims: true });
    const scale = np.reciprocal(np.sqrt(variance.add(1e-5))).mul(w[`${prefix}.norm.gamma`].ref);
    return centred.mul(scale).add(w[`${prefix}.norm.beta`].ref);
  }

  // Both use up `x` and leave the weights to the caller.
  function reconstruct(w, x) {
    const skips = [];
    let h = x;
    let levels = 0;
    for (; w[`encoder.${levels}.conv.weight`]; levels += 1) {
      if (levels > 0) {
        h = nn.leakyRelu(h, 0.2);
        skips.push(h.ref);
      }
      h = norm(w, `encoder.${levels}`, convolve(h, w[`encoder.${levels}.conv.weight`].ref));
    }
    for (let k = 0; k < levels; k += 1) {
      h = convolveTransposed(nn.relu(h), w[`decoder.${k}.conv.weight`].ref);
      if (w[`decoder.${k}.conv.bias`]) h = h.add(w[`decoder.${k}.conv.bias`].ref);
      h = norm(w, `decoder.${k}`, h);
      if (skips.length) h = np.concatenate([skips.pop(), h], 3);
    }
    return np.tanh(h);
  }

  function judge(w, x) {
    let h = x;
    for (let k = 0; w[`pyramid.${k}.conv.weight`]; k += 1) {
      h = convolve(h, w[`pyramid.${k}.conv.weight`].ref);
      h = nn.leakyRelu(norm(w, `pyramid.${k}`, h), 0.2);
    }
    const [n] = h.shape;
    const features = np.matmul(h.reshape([n, -1]), w['feature.weight'].ref); // [n, features]
    const length = features.shape[1];
    // Of the 3 × 3 kernel only the middle meets the single pixel.
    const middle = w['classifier.weight'].ref.slice([4 * length, 5 * length], []);
    return { logit: np.matmul(features.ref, middle).reshape([n]), features };
  }

  const { learningRate, beta1, beta2, epsilon, contextual } = SETTINGS;
  const real = (logit) => np.mean(nn.logSigmoid(logit)).mul(-1);

  function generatorLoss(g, d, x, features) {
    const xHat = reconstruct(g, x.ref);
    const fake = judge(d, xHat.ref);
    const adversarial = real(fake.logit);
    const l1 = np.mean(np.abs(x.sub(xHat.ref)));
    const latent = np.mean(np.square(features.sub(fake.features)));
    tree.dispose(g);
    tree.dispose(d);
    const sum = adversarial.ref.add(l1.ref.mul(contextual)).add(latent.ref);
    return [sum, { xHat, adversarial, contextual: l1, latent }];
  }

  function discriminatorLoss(d, x, xHat) {
    const genuine = judge(d, x);
    const fake = judge(d, xHat);
    tree.dispose(d);
    const latent = np.mean(np.square(genuine.features.sub(fake.features)));
    return real(genuine.logit).add(real(fake.logit.mul(-1))).add(latent);
  }

  /** θ, m and v of one network after the step whose corrections are given. */
  function adam(weights, gradients, first, second, correction1, correction2) {
    const out = { weights: {}, first: {}, second: {} };
    for (const key of Object.keys(weights)) {
      const gradient = gradients[key];
      const m = first[key].mul(beta1).add(gradient.ref.mul(1 - beta1));
      const v = second[key].mul(beta2).add(np.square(gradient).mul(1 - beta2));
      const mHat = m.ref.div(correction1.ref);
      const root = np.sqrt(v.ref.div(correction2.ref)).add(epsilon);
      out.weights[key] = weights[key].sub(mHat.div(root).mul(learningRate));
      out.first[key] = m;
      out.second[key] = v;
    }
    return out;
  }

  const whole_step = jax.jit((g, d, x, correction1, correction2) => {
    const judged = judge(d.weights, x.ref);
    judged.logit.dispose();
    const [[sum, parts], gradientsG] = jax.valueAndGrad(generatorLoss, { hasAux: true })(
      tree.ref(g.weights),
      tree.ref(d.weights),
      x.ref,
      judged.features,
    );
    const [lossD, gradientsD] = jax.valueAndGrad(discriminatorLoss)(tree.ref(d.weights), x, parts.xHat);
    const newG = adam(g.weights, gradientsG, g.first, g.second, correction1, correction2);
    const newD = adam(d.weights, gradientsD, d.first, d.second, correction1, correction2);
    correction1.dispose();
    correction2.dispose();
    const { adversarial, contextual: l1, latent } = parts;
    return [newG, newD, np.stack([adversarial, l1, latent, sum, lossD])];
  });

  const state = (name) => {
    const { parameters, count: length } = network(name);
    const zeros = () => tree.map((a) => np.zeros(a.shape), parameters);
    return { state: { weights: parameters, first: zeros(), second: zeros() }, length };
  };
  let [g, d] = [state('generator'), state('discriminator')];
  const parameters = g.length + d.length;
  [g, d] = [g.state, d.state];
  let taken = 0;
  return {
    parameters,
    /** One step on `[n, size, size, channels]`; gives the losses once they are there. */
    async step(values, shape) {
      taken += 1;
      const x = np.array(values).reshape(shape);
      const [newG, newD, losses] = whole_step(g, d, x, np.array(1 - beta1 ** taken), np.array(1 - beta2 ** taken));
      [g, d] = [newG, newD];
      await jax.blockUntilReady([tree.ref(g), tree.ref(d)]).then((held) => tree.dispose(held));
      const [adversarial, l1, latent, generator, discriminator] = await losses.data();
      return { adversarial, contextual: l1, latent, generator, discriminator };
    },
  };
}
