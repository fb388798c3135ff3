// Checks which file imports which: from its own layer or from one below, and never in a circle.
//
//   node scripts/layers.mjs              one line for each fault; fails if there is any
//   node scripts/layers.mjs --list       how many circles and arrows upward there are, and which
//   node scripts/layers.mjs --diagram    the layers as docs/architecture.md shows them
//   node scripts/layers.mjs --write      puts them there
//
// `--root DIR` looks at another checkout, `--layers FILE` takes another list than scripts/layers.json.
// The list is of two trees, each from the bottom up; layers in brackets of their own stand side by side and do not
// import each other. `src/nn` means the file src/nn.rs and the folder src/nn/; of two entries that fit a file, the
// longer one applies. What counts as an import is explained in rust-imports.mjs and js-imports.mjs.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { jsImports } from './js-imports.mjs';
import { rustImports } from './rust-imports.mjs';

const project = fileURLToPath(new URL('..', import.meta.url));
const DOCS = 'docs/architecture.md';
const MARKS = ['<!-- layers: written by scripts/layers.mjs --write -->', '<!-- end of layers -->'];

const READERS = {
  src: { sources: /\.rs$/, read: (root, files) => rustImports(root, 'src', files) },
  www: { sources: /\.(m?js|ts|html)$/, read: jsImports },
};

/** A tree's sources, from the root. */
function sourcesOf(root, tree) {
  return readdirSync(join(root, tree), { recursive: true })
    .map((path) => `${tree}/${path.split(sep).join('/')}`)
    .filter((path) => READERS[tree].sources.test(path))
    .sort();
}

/** Whether an entry of the list stands for a file. */
const fits = (entry, file) => file === entry || file.startsWith(`${entry.replace(/\/$/, '')}/`) || file.replace(/\.\w+$/, '') === entry;

/** For each file the layer that has it, with the layer's height; and what is wrong with the list. */
function placed(layers, files) {
  const entries = layers.flatMap((row, height) =>
    [row].flat().flatMap(({ layer, files: own }) => own.map((entry) => ({ entry, layer, height }))),
  );
  const faults = [];
  const places = new Map();
  for (const file of files) {
    const found = entries.filter(({ entry }) => fits(entry, file));
    const longest = Math.max(...found.map(({ entry }) => entry.length));
    const [first, second] = found.filter(({ entry }) => entry.length === longest);
    if (!first) faults.push(`${file}: is in no layer; add it to scripts/layers.json`);
    else if (second) faults.push(`${file}: is in two layers, ${first.layer} and ${second.layer}`);
    else places.set(file, first);
  }
  const empty = entries.filter(({ entry }) => !files.some((file) => fits(entry, file)));
  faults.push(...empty.map(({ entry, layer }) => `${entry}: the layer ${layer} lists it, but no file is there`));
  return { places, faults };
}

/** The groups of files that reach each other (Tarjan), the largest first. */
function knots(files, next) {
  const found = [];
  const order = new Map();
  const low = new Map();
  const stack = [];
  const visit = (file) => {
    order.set(file, order.size);
    low.set(file, order.get(file));
    stack.push(file);
    for (const to of next(file)) {
      if (!order.has(to)) visit(to);
      if (stack.includes(to)) low.set(file, Math.min(low.get(file), low.get(to)));
    }
    if (low.get(file) < order.get(file)) return;
    const knot = stack.splice(stack.indexOf(file)).sort();
    if (knot.length > 1) found.push(knot);
  };
  for (const file of files) if (!order.has(file)) visit(file);
  return found.sort((a, b) => b.length - a.length);
}

/** The shortest way from a file back to itself. */
function wayBack(start, next) {
  const ways = [[start]];
  const seen = new Set();
  for (const way of ways) {
    for (const to of next(way.at(-1))) {
      if (to === start) return way;
      if (!seen.has(to)) ways.push([...way, to]);
      seen.add(to);
    }
  }
  return null;
}

/** What a tree's files import from each other, and what of it is not allowed. */
function checkTree(root, tree, layers) {
  const { files, imports } = READERS[tree].read(root, sourcesOf(root, tree));
  const { places, faults } = placed(layers, files);

  // An arrow is all that one file takes from another, told at the first line that does.
  const arrows = new Map();
  for (const { from, line, to, name } of imports.sort((a, b) => (a.from === b.from ? a.line - b.line : a.from < b.from ? -1 : 1))) {
    const arrow = arrows.get(`${from} ${to}`) ?? { from, line, to, names: new Set() };
    arrow.names.add(name);
    arrows.set(`${from} ${to}`, arrow);
  }
  const placedArrow = (arrow) => {
    const [from, to] = [arrow.from, arrow.to].map((file) => places.get(file) ?? { layer: 'in no layer', height: NaN });
    const beside = from.height === to.height;
    return { arrow, low: from.layer, high: to.layer, beside, refused: from.height < to.height || (beside && from.layer !== to.layer) };
  };
  const upward = [...arrows.values()].map(placedArrow).filter(({ refused }) => refused);

  const outgoing = new Map(files.map((file) => [file, []]));
  for (const { from, to } of arrows.values()) outgoing.get(from).push(to);
  const circles = knots(files, (file) => outgoing.get(file)).map((knot) => {
    const inside = (file) => outgoing.get(file).filter((to) => knot.includes(to));
    const shortest = knot.map((file) => wayBack(file, inside)).sort((a, b) => a.length - b.length)[0];
    const around = shortest.map((from, place) => placedArrow(arrows.get(`${from} ${shortest[(place + 1) % shortest.length]}`)));
    return { files: knot, around };
  });
  return { files, faults, upward, circles };
}

/** All trees of a list together. */
export function check(root, list) {
  const trees = Object.entries(list).map(([tree, layers]) => checkTree(root, tree, layers));
  const all = (part) => trees.flatMap((tree) => tree[part]);
  return { files: all('files'), faults: all('faults'), upward: all('upward'), circles: all('circles') };
}

/** What an arrow takes, and from where. */
function takes({ to, names }, layer) {
  const [first, second, ...more] = names;
  const named = [first, second].filter(Boolean).join(', ');
  return `imports ${named}${more.length ? ` and ${more.length} more` : ''} of ${to} (${layer})`;
}

/** An arrow upward in words. */
function upwardWords({ arrow, low, high, beside }) {
  const why = beside ? `stands beside ${low}` : `lies above ${low}`;
  return `${arrow.from}:${arrow.line}: (${low}) ${takes(arrow, high)}: ${high} ${why}, and a layer imports only from itself and from those below it`;
}

/** A circle in words: its shortest way round. */
function circleWords({ files, around }) {
  const among = files.length > around.length ? ` (one among ${files.length} files)` : '';
  const [{ arrow, low, high }, ...rest] = around;
  const steps = rest.map((step) => `whose line ${step.arrow.line} ${takes(step.arrow, step.high)}`);
  return `${arrow.from}:${arrow.line}: (${low}) ${[takes(arrow, high), ...steps].join(', ')}: files may not import each other in a circle${among}`;
}

/** Every fault, one line each. */
export function faultLines({ faults, upward, circles }) {
  return [...faults, ...upward.map(upwardWords), ...circles.map(circleWords)];
}

/** The layers as Markdown, the top one first; those side by side have the same number. */
export function diagram(list) {
  const table = ([tree, layers]) => [
    `| | layer of \`${tree}/\` | files | holds |`,
    '|---|---|---|---|',
    ...layers
      .flatMap((row, height) => [[row].flat().map(({ layer, files, holds }) => `| ${height + 1} | ${layer} | ${files.map((file) => `\`${file}\``).join(', ')} | ${holds} |`)])
      .reverse()
      .flat(),
  ];
  return Object.entries(list).map((tree) => table(tree).join('\n')).join('\n\n');
}

/** A text with the layers of a list between the two marks. */
export function written(text, list) {
  const [start, end] = MARKS.map((mark) => text.indexOf(mark));
  if (start < 0 || end < start) throw new Error(`${DOCS} lacks the lines ${MARKS.join(' and ')}`);
  return `${text.slice(0, start)}${MARKS[0]}\n\n${diagram(list)}\n\n${text.slice(end)}`;
}

function main() {
  const { values } = parseArgs({
    options: { root: { type: 'string' }, layers: { type: 'string' }, list: { type: 'boolean' }, diagram: { type: 'boolean' }, write: { type: 'boolean' } },
  });
  const root = values.root ?? project;
  const list = JSON.parse(readFileSync(values.layers ?? join(project, 'scripts/layers.json'), 'utf8'));
  if (values.diagram) return console.log(diagram(list));
  const page = join(root, DOCS);
  if (values.write) return writeFileSync(page, written(readFileSync(page, 'utf8'), list));
  if (values.list) {
    for (const [tree, layers] of Object.entries(list)) {
      const { files, faults, upward, circles } = check(root, { [tree]: layers });
      const inCircles = circles.flatMap((circle) => circle.files).length;
      console.log(`${tree}: ${files.length} files; circles: ${circles.length}, of ${inCircles} files; arrows upward: ${upward.length}`);
      for (const circle of circles) console.log(`circle of ${circle.files.length} files: ${circle.files.join(' ')}`);
      for (const line of [...upward.map(upwardWords), ...faults]) console.log(line);
    }
    return;
  }
  const found = check(root, list);
  const lines = faultLines(found);
  const text = values.root ? null : readFileSync(page, 'utf8');
  if (text !== null && text !== written(text, list)) {
    lines.push(`${DOCS}: its layers are not those of scripts/layers.json; run 'node scripts/layers.mjs --write'`);
  }
  for (const line of lines) console.error(line);
  if (lines.length) process.exit(1);
  console.log(`${found.files.length} files, no circle, no arrow upward`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
