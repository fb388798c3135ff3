// Writes into www/models/lines/found.json how small a fault a line's model finds: what `evaluate --simulated --json` says
// of simulated faults with the contrast in the middle, which is what the page measures after a training too; without
// the shares behind it.
//
//   node scripts/found.mjs LINE EVALUATION.json
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const foundFile = join(dirname(fileURLToPath(import.meta.url)), '../www/models/lines/found.json');

/** What the page's sentence needs, and a90. @param {any} evaluation */
export function foundOf({ size, simulated }) {
  const { normals, false_alarm_rate, contrast, series } = simulated;
  const plain = series.filter((one) => one.origin === 'simulated' && one.contrast === contrast);
  return { normals, side: size, false_alarm_rate, contrast, series: plain.map(({ kind, a90, a90_95, words }) => ({ kind, a90, a90_95, words })) };
}

/** @param {string} text of the file before @param {string} line @param {any} found */
export function withLine(text, line, found) {
  const all = { ...JSON.parse(text), [line]: found };
  return `${JSON.stringify(Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1))), null, 1)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [line, evaluation] = process.argv.slice(2);
  let before = '{}';
  try {
    before = readFileSync(foundFile, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  writeFileSync(foundFile, withLine(before, line, foundOf(JSON.parse(readFileSync(evaluation, 'utf8')))));
}
