// @ts-check
// Our checkpoint as plain arrays, and the changes of layout that the other libraries need.

/** @typedef {{ shape: number[], values: Float32Array }} Weight */

/**
 * Every tensor of a safetensors file.
 * @param {Uint8Array} bytes
 * @returns {Map<string, Weight>}
 */
export function readTensors(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const tensors = new Map();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    if (entry.dtype !== 'F32') throw new Error(`${name} is ${entry.dtype}, expected F32`);
    const [start, end] = entry.data_offsets;
    const values = new Float32Array(bytes.slice(8 + length + start, 8 + length + end).buffer);
    tensors.set(name, { shape: entry.shape, values });
  }
  return tensors;
}

/**
 * The learnt tensors of one network under their names in it.
 * @param {Map<string, Weight>} tensors
 * @param {"generator"|"discriminator"} network
 * @returns {[string, Weight][]}
 */
export function learnt(tensors, network) {
  const lead = `${network}.`;
  return [...tensors]
    .filter(([name]) => name.startsWith(lead) && !name.includes('running_'))
    .map(([name, weight]) => [name.slice(lead.length), weight]);
}

/**
 * The axes of an array in another order.
 * @param {Weight} weight
 * @param {number[]} axes which axis comes where
 * @returns {Weight}
 */
export function permuted({ shape, values }, axes) {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const newShape = axes.map((axis) => shape[axis]);
  const steps = axes.map((axis) => strides[axis]);
  const out = new Float32Array(values.length);
  const index = newShape.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to += 1) {
    out[to] = values[from];
    for (let axis = index.length - 1; axis >= 0; axis -= 1) {
      index[axis] += 1;
      from += steps[axis];
      if (index[axis] < newShape[axis]) break;
      from -= steps[axis] * newShape[axis];
      index[axis] = 0;
    }
  }
  return { shape: newShape, values: out };
}

/** @param {[string, Weight][]} weights */
export const count = (weights) => weights.reduce((sum, [, { values }]) => sum + values.length, 0);

/** Adam as the crate sets it, and the weights of the generator's losses. */
export const SETTINGS = { learningRate: 0.0002, beta1: 0.5, beta2: 0.999, epsilon: 1e-8, contextual: 50 };
