// Writes www/models/index.json: the models that the page offers, in this order, each with the set that it was made
// for and its size. A method whose file is not there is left out.
//
//   node scripts/model-list.mjs
import { statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SETS, SOLAR, lineOf } from '../www/lib/sets.js';

const models = join(dirname(fileURLToPath(import.meta.url)), '../www/models');
export const listFile = join(models, 'index.json');

/** What each method of the real pictures does, in plain words, and whose it is. */
const METHODS = [
  {
    method: 'skip-ganomaly',
    file: 'solar-ir.safetensors',
    title: 'Skip-GANomaly (2019)',
    words: 'Reconstructs each image. This model was trained on 5,400 images and scores by the distance to the nearest of the 1,024 encodings that stand for them in its memory bank. Akçay, Atapour-Abarghouei and Breckon, 2019.',
  },
  {
    method: 'ganomaly',
    title: 'GANomaly (2018)',
    words: 'Encodes the image, reconstructs it and encodes the reconstruction: the score is the distance between the two codes. Akçay, Atapour-Abarghouei and Breckon, 2018.',
  },
  {
    method: 'anogan',
    title: 'AnoGAN (2017)',
    words: 'Has no encoder: it optimises a latent code for each image, which takes seconds. Schlegl, Seeböck, Waldstein, Schmidt-Erfurth and Langs, 2017.',
  },
  {
    method: 'egbad',
    title: 'EGBAD (2018)',
    words: 'Trains an encoder together with the generator, so that no latent optimisation is needed: the score is mostly the reconstruction error. Zenati, Foo, Lecouat, Manek and Chandrasekhar, 2018.',
  },
  {
    method: 'alocc',
    title: 'ALOCC (2018)',
    words: 'Learns to remove noise from images: the score is how much the discriminator doubts the reconstruction. Sabokrou, Khalooei, Fathy and Adeli, 2018.',
  },
  {
    method: 'aae',
    title: 'AAE (2015)',
    words: 'An autoencoder whose codes a discriminator keeps close to a normal distribution: the score is the reconstruction error. Makhzani, Shlens, Jaitly, Goodfellow and Frey, 2015.',
  },
  {
    method: 'pca',
    title: 'PCA',
    words: 'No network: the score is the part of the image that the 32 leading principal components of the training images leave unexplained. Pearson, 1901.',
  },
  {
    method: 'nearest',
    title: 'Nearest neighbour',
    words: 'No network: the score is the distance to the most similar training image, pixel by pixel. Cover and Hart, 1967.',
  },
];

/** Each product line's: its own first. */
const LINES = SETS.filter(({ id }) => lineOf(id)).flatMap(({ id, model, method, normals }) => [
  {
    set: id,
    method: method.id,
    file: model,
    title: method.title,
    words: `Learns to repair damaged images and to mark the damage: the score is how plainly something is marked. Trained on 1,800 rendered images of ${normals}, damaged on purpose. Skip-GANomaly's networks with another task.`,
  },
  {
    set: id,
    method: 'pca',
    file: model.replace('.safetensors', '-pca.safetensors'),
    title: 'PCA',
    words: `No network: the score is the part of the image that the 32 leading principal components of 1,800 rendered images of ${normals} leave unexplained. Pearson, 1901.`,
  },
]);

/** The list as it should be. */
export function modelList(folder = models) {
  const list = [];
  for (const { set = SOLAR, method, file = `methods/${method}.safetensors`, title, words } of [...METHODS, ...LINES]) {
    const found = statSync(join(folder, file), { throwIfNoEntry: false });
    if (found) list.push({ set, method, file, bytes: found.size, title, words });
  }
  return `${JSON.stringify(list, null, 1)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(listFile, modelList());
