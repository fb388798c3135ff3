// Writes www/models/index.json: the models that the page offers, in this order, each with its size. A
// method whose file is not there is left out.
//
//   node scripts/model-list.mjs
import { statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const models = join(dirname(fileURLToPath(import.meta.url)), '../www/models');
export const listFile = join(models, 'index.json');

/** What each method does, in plain words, and whose it is. */
const METHODS = [
  {
    method: 'skip-ganomaly',
    file: 'solar-ir.safetensors',
    title: 'Skip-GANomaly (2019)',
    words: 'Redraws the picture; this model scores by the distance to the sound ones that it remembers. Trained on 5,400 pictures. Akçay, Atapour-Abarghouei and Breckon, 2019.',
  },
  {
    method: 'ganomaly',
    title: 'GANomaly (2018)',
    words: 'Encodes the picture, redraws it and encodes that again: the score is how far the two codes lie apart. Akçay, Atapour-Abarghouei and Breckon, 2018.',
  },
  {
    method: 'anogan',
    title: 'AnoGAN (2017)',
    words: 'Has no encoder: for each picture it searches step by step for the code that draws it best, which takes seconds. Schlegl, Seeböck, Waldstein, Schmidt-Erfurth and Langs, 2017.',
  },
  {
    method: 'egbad',
    title: 'EGBAD (2018)',
    words: 'Trains an encoder together with the generator, so that no search is needed: the score is mostly what is redrawn badly. Zenati, Foo, Lecouat, Manek and Chandrasekhar, 2018.',
  },
  {
    method: 'alocc',
    title: 'ALOCC (2018)',
    words: 'Learns to repair noisy pictures: the score is how much the discriminator doubts the repaired one. Sabokrou, Khalooei, Fathy and Adeli, 2018.',
  },
  {
    method: 'aae',
    title: 'AAE (2015)',
    words: 'An auto-encoder whose codes a discriminator holds to a normal distribution: the score is how badly the picture is redrawn. Makhzani, Shlens, Jaitly, Goodfellow and Frey, 2015.',
  },
  {
    method: 'pca',
    title: 'PCA',
    words: 'No network: the score is what the 32 leading principal components of the training pictures leave over. Pearson, 1901.',
  },
  {
    method: 'nearest',
    title: 'Nearest neighbour',
    words: 'No network: the score is the distance to the most similar training picture, point by point. Cover and Hart, 1967.',
  },
];

/** The list as it should be. */
export function modelList(folder = models) {
  const list = [];
  for (const { method, file = `methods/${method}.safetensors`, title, words } of METHODS) {
    const found = statSync(join(folder, file), { throwIfNoEntry: false });
    if (found) list.push({ method, file, bytes: found.size, title, words });
  }
  return `${JSON.stringify(list, null, 1)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(listFile, modelList());
