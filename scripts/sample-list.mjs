// Writes www/samples/solar-ir.json: the paths of the bundled pictures for training, since a page
// cannot list a folder.
//
//   node scripts/sample-list.mjs
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const samples = join(dirname(fileURLToPath(import.meta.url)), '../www/samples');
export const listFile = join(samples, 'solar-ir.json');

/** The list as it should be. */
export function sampleList() {
  const files = readdirSync(join(samples, 'solar-ir'), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.png'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(join(samples, 'solar-ir/').length).split(sep).join('/'))
    .sort();
  return `${JSON.stringify({ title: 'Thermal images of solar modules', folder: 'solar-ir', files })}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(listFile, sampleList());
