import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { split } from '../../scripts/js-imports.mjs';
import { check, diagram, faultLines, written } from '../../scripts/layers.mjs';

/** A list of one tree from `name: files` rows, bottom first. */
const rows = (tree, ...layers) => ({
  [tree]: layers.map((row) => {
    const side = [row].flat().map((one) => ({ layer: one.split(':')[0], files: one.split(':')[1].trim().split(' '), holds: '' }));
    return side.length > 1 ? side : side[0];
  }),
});

/** What `look` finds in a checkout of these files. */
function inside(files, look) {
  const root = mkdtempSync(join(tmpdir(), 'layers-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return look(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}
const found = (files, list) => inside(files, (root) => check(root, list));
const lines = (files, list) => faultLines(found(files, list));

/** The arrows of a crate as `from -> to: names`: with the layers turned over, all of them run upward. */
function arrows(files) {
  const paths = Object.keys(files).filter((path) => path.endsWith('.rs'));
  const seen = new Set();
  for (const order of [paths, [...paths].reverse()]) {
    const list = rows('src', ...order.map((path, place) => `l${place}: ${path}`));
    for (const { arrow } of found(files, list).upward) seen.add(`${arrow.from.slice(4)}:${arrow.line} -> ${arrow.to.slice(4)}: ${[...arrow.names].join(' ')}`);
  }
  return [...seen].sort();
}

test('imports from below and from the own layer pass, one from above fails', () => {
  const files = { 'src/lib.rs': 'mod a;\nmod b;\n', 'src/a.rs': 'pub fn f() {}\n', 'src/b.rs': '\nuse crate::a::f;\n' };
  assert.deepEqual(lines(files, rows('src', 'low: src/a', 'high: src/b src/lib.rs')), []);
  assert.deepEqual(lines(files, rows('src', 'all: src')), []);
  assert.deepEqual(lines(files, rows('src', 'low: src/b', 'high: src/a src/lib.rs')), [
    'src/b.rs:2: (low) imports crate::a::f of src/a.rs (high): high lies above low, and a layer imports only from itself and from those below it',
  ]);
});

test('layers side by side do not import each other', () => {
  const files = { 'src/a.rs': 'pub fn f() {}\n', 'src/b.rs': 'use crate::a::f;\n', 'src/lib.rs': '' };
  const [line, ...more] = lines(files, rows('src', ['one: src/a', 'two: src/b'], 'top: src/lib.rs'));
  assert.match(line, /^src\/b\.rs:1: \(two\) .*: one stands beside two/);
  assert.deepEqual(more, []);
});

test('a circle fails, also within a layer and across three files', () => {
  const list = rows('src', 'all: src');
  const two = { 'src/lib.rs': '', 'src/a.rs': 'use crate::b::B;\nstruct A;\n', 'src/b.rs': '\nuse super::a::A;\nstruct B;\n' };
  assert.deepEqual(lines(two, list), [
    'src/a.rs:1: (all) imports crate::b::B of src/b.rs (all), whose line 2 imports super::a::A of src/a.rs (all): files may not import each other in a circle',
  ]);
  const three = { 'src/lib.rs': '', 'src/a.rs': 'use crate::b;\n', 'src/b.rs': 'use crate::c;\n', 'src/c.rs': 'use crate::{a, b};\n' };
  const { circles } = found(three, list);
  assert.deepEqual(circles.map(({ files }) => files), [['src/a.rs', 'src/b.rs', 'src/c.rs']]);
  assert.equal(circles[0].around.length, 2, 'the shortest way round is told');
  assert.match(faultLines({ faults: [], upward: [], circles })[0], /\(one among 3 files\)$/);
});

test('a file is in one layer, and every entry has one', () => {
  const files = { 'src/lib.rs': '', 'src/a.rs': '', 'src/a/b.rs': '', 'src/ab.rs': '', 'src/x/y.rs': '' };
  assert.deepEqual(lines(files, rows('src', 'a: src/a', 'top: src/lib.rs src/x/ src/gone')), [
    'src/ab.rs: is in no layer; add it to scripts/layers.json',
    'src/gone: the layer top lists it, but no file is there',
  ]);
  assert.deepEqual(lines(files, rows('src', 'a: src/a', 'b: src/a src', 'c: src/x')), [
    'src/a.rs: is in two layers, a and b',
    'src/a/b.rs: is in two layers, a and b',
  ]);
});

test('the most specific entry has a file', () => {
  const files = { 'src/lib.rs': '', 'src/a.rs': 'pub fn f() {}\n', 'src/a/low.rs': 'use super::f;\n' };
  assert.match(lines(files, rows('src', 'low: src/a/low.rs', 'high: src'))[0], /^src\/a\/low\.rs:1: \(low\) imports super::f of src\/a\.rs/);
});

test('every way of writing an import is read', () => {
  assert.deepEqual(
    arrows({
      'src/lib.rs': 'pub mod a;\n',
      'src/a.rs': 'pub mod b;\npub mod c;\npub mod d;\npub struct A;\npub mod inline { pub const X: u8 = 1; }\n',
      'src/a/b.rs': 'use super::{\n    c::{self, C as Other},\n    d::*,\n};\nfn f() { c::g(); super::inline::X; }\npub(in crate::a) fn g() {}\n',
      'src/a/c.rs': 'pub struct C;\nimpl From<crate::a::b::B> for C {}\npub fn g() {\n    use crate::a::A;\n}\n',
      'src/a/d.rs': 'use burn::tensor::Tensor;\nuse std::fmt;\nfn f() -> fmt::Result { fmt::x(); crate\n    ::a::c::g() }\n',
    }),
    [
      'a/b.rs:2 -> a/c.rs: super::c::C c::g',
      'a/b.rs:3 -> a/d.rs: super::d::*',
      'a/b.rs:5 -> a.rs: super::inline::X',
      'a/c.rs:2 -> a/b.rs: crate::a::b::B',
      'a/c.rs:4 -> a.rs: crate::a::A',
      'a/d.rs:3 -> a/c.rs: crate::a::c::g',
    ],
  );
});

test('the program imports the library by its name, a module of that name comes first', () => {
  assert.deepEqual(
    arrows({
      'Cargo.toml': '[package]\nname = "my-crate"\n',
      'src/lib.rs': 'pub mod a;\n',
      'src/main.rs': 'fn main() { my_crate::a::run() }\n',
      'src/a.rs': 'mod my_crate;\npub fn run() { my_crate::f() }\n',
      'src/a/my_crate.rs': 'pub fn f() {}\n',
    }),
    ['a.rs:2 -> a/my_crate.rs: my_crate::f', 'main.rs:1 -> a.rs: my_crate::a::run'],
  );
});

test('tests, comments and strings are no imports', () => {
  const { files, upward } = found(
    {
      'src/lib.rs': 'mod a;\nmod b;\n#[cfg(test)]\nmod sample;\n',
      'src/a.rs': [
        '//! [`crate::b::B`]',
        '/* use crate::b::B; */',
        'const X: &str = "use crate::b::B; crate::b::f()";',
        "fn f<'a>(x: &'a str) -> char { '\"' }",
        '#[cfg(test)]',
        'use crate::b::B;',
        '#[cfg(all(test, feature = "cli"))]',
        'mod tests { use super::*; use crate::b::B; fn g() { crate::b::f() } }',
        '#[cfg(test)]',
        'mod more;',
      ].join('\n'),
      'src/a/more.rs': 'use crate::b::B;\n',
      'src/sample.rs': 'use crate::b::B;\n',
      'src/b.rs': 'pub struct B;\n',
    },
    rows('src', 'low: src/a', 'high: src/b', 'top: src/lib.rs'),
  );
  assert.deepEqual(upward, []);
  assert.deepEqual(files, ['src/a.rs', 'src/b.rs', 'src/lib.rs'], 'a file for tests is in no layer');
});

test('code for some builds alone counts', () => {
  const files = { 'src/lib.rs': '', 'src/a.rs': '#[cfg(any(test, feature = "cli"))]\nuse crate::b::B;\n#[cfg(not(test))]\nuse crate::c::C;\n', 'src/b.rs': '', 'src/c.rs': '' };
  assert.deepEqual(arrows(files), ['a.rs:2 -> b.rs: crate::b::B', 'a.rs:4 -> c.rs: crate::c::C']);
});

test('a parent hands on its children: a name is imported from the file that defines it', () => {
  assert.deepEqual(
    arrows({
      'src/lib.rs': 'pub mod nn;\npub mod user;\n',
      'src/nn.rs': 'mod deep;\nmod decoder;\nmod unet;\npub use decoder::Decoder;\npub(crate) use self::{deep::Deepest, unet::*};\npub struct Shape;\n',
      'src/nn/decoder.rs': 'use super::Shape;\npub struct Decoder;\n',
      'src/nn/unet.rs': 'use super::{Decoder, Shape};\npub struct Unet;\n',
      'src/nn/deep.rs': 'mod deeper;\npub use deeper::Deepest;\n',
      'src/nn/deep/deeper.rs': 'pub struct Deepest;\n',
      'src/user.rs': 'use crate::nn;\nuse crate::nn::{Shape, Unet};\nfn f() { nn::Decoder::new(); nn::Deepest::new() }\n',
    }),
    [
      'nn/decoder.rs:1 -> nn.rs: super::Shape',
      'nn/unet.rs:1 -> nn.rs: super::Shape',
      'nn/unet.rs:1 -> nn/decoder.rs: super::Decoder',
      'user.rs:2 -> nn.rs: crate::nn::Shape',
      'user.rs:2 -> nn/unet.rs: crate::nn::Unet',
      'user.rs:3 -> nn/decoder.rs: nn::Decoder::new',
      'user.rs:3 -> nn/deep/deeper.rs: nn::Deepest::new',
    ],
  );
});

test('a parent that uses a child does import it', () => {
  const child = { 'src/lib.rs': '', 'src/a/b.rs': 'use super::A;\npub struct B;\npub fn f() {}\n' };
  const list = rows('src', 'all: src');
  assert.deepEqual(lines({ ...child, 'src/a.rs': 'mod b;\npub use b::{B, f};\npub struct A { f: u8 }\nfn g(f: A) { x.f(); Kind::B }\n' }, list), []);
  for (const use of ['pub use b::B;\nfn f(b: B) {}', 'pub use b::f;\nfn g() { f() }', 'pub use b::*;\nfn f(b: B) {}', 'use b::B;', 'fn g() { b::f() }']) {
    assert.match(lines({ ...child, 'src/a.rs': `mod b;\npub struct A;\n${use}\n` }, list)[0] ?? '', /circle/, use);
  }
});

test("another module's name ends at the module that hands it on", () => {
  assert.deepEqual(
    arrows({ 'src/lib.rs': '', 'src/a.rs': 'pub struct A;\n', 'src/b.rs': 'pub use crate::a::A;\n', 'src/c.rs': 'use crate::b::A;\n' }),
    ['b.rs:1 -> a.rs: crate::a::A', 'c.rs:1 -> b.rs: crate::b::A'],
  );
});

test("the page's imports are read, a worker's start is none", () => {
  const page = {
    'www/index.html': '<!-- <script src="./low.js"> -->\n<script type="module" src="./app.js"></script>\n<link rel="modulepreload" href="./low.js">\n',
    'www/app.js': [
      '/** @typedef {import("./low.js").T} T */',
      'import {',
      '  a,',
      '} from "./part/b.js";',
      "export * from './part/c.js';",
      'import "./part/d.js?version=1";',
      'const e = await import("./part/e.js");',
      'const f = new URL("./part/f.js", import.meta.url);',
      'new Worker(new URL("./part/worker.js", import.meta.url));',
      'import { g } from "./pkg/g.js";',
      'const words = `${[`import "./part/worker.js"`]} import "./part/worker.js"`; // import "./part/worker.js"',
      'const quote = /["\'`/*]/.test(x) && \'import "./part/worker.js"\';',
    ].join('\n'),
    'www/low.js': '',
    ...Object.fromEntries(['b', 'c', 'd', 'e', 'f', 'worker'].map((name) => [`www/part/${name}.js`, ''])),
    'www/style.css': '',
  };
  const { files, faults, upward } = found(page, rows('www', 'entry: www/index.html', 'app: www/app.js', 'parts: www/part', 'low: www/low.js'));
  assert.deepEqual(faults, []);
  assert.ok(!files.includes('www/style.css'));
  assert.deepEqual(upward.map(({ arrow }) => `${arrow.from}:${arrow.line} ${arrow.to}`).sort(), [
    'www/app.js:1 www/low.js',
    'www/app.js:4 www/part/b.js',
    'www/app.js:5 www/part/c.js',
    'www/app.js:6 www/part/d.js',
    'www/app.js:7 www/part/e.js',
    'www/app.js:8 www/part/f.js',
    'www/index.html:2 www/app.js',
    'www/index.html:3 www/low.js',
  ]);
});

test('scripts of a worker count', () => {
  const { upward } = found({ 'www/a.js': 'importScripts("./b.js");\n', 'www/b.js': '' }, rows('www', 'a: www/a.js', 'b: www/b.js'));
  assert.equal(upward.length, 1);
});

test('split JavaScript keeps every place', () => {
  const text = 'const a = "ä😀b"; // c\nconst b = `d ${f({ g: "h" })} /* i */`; /* j */ k(1 / 2, "/");\n';
  const { code, comments } = split(text);
  assert.equal(code, 'const a = "    "; //  \nconst b = `  ${f({ g: " " })}        `;         k(1 / 2, " ");\n'.replace('//  ', '    '));
  assert.deepEqual(comments.trim().split(/\s{2,}/), ['// c', '/* j */']);
});

test('the layers stand in the docs, top first', () => {
  const list = rows('src', 'low: src/a src/b', ['one: src/c', 'two: src/d']);
  const table = '| | layer of `src/` | files | holds |\n|---|---|---|---|\n| 2 | one | `src/c` |  |\n| 2 | two | `src/d` |  |\n| 1 | low | `src/a`, `src/b` |  |';
  assert.equal(diagram(list), table);
  const [start, end] = ['<!-- layers: written by scripts/layers.mjs --write -->', '<!-- end of layers -->'];
  assert.equal(written(`a\n${start}\nold\n${end}\nb\n`, list), `a\n${start}\n\n${table}\n\n${end}\nb\n`);
  assert.throws(() => written('a\n', list), /lacks the lines/);
});

test('the command says what it found, and fails for any fault', () => {
  const script = fileURLToPath(new URL('../../scripts/layers.mjs', import.meta.url));
  const run = (layers, ...options) =>
    inside({ 'src/lib.rs': '', 'src/a.rs': '', 'src/b.rs': 'use crate::a::A;\n', 'layers.json': JSON.stringify(rows('src', ...layers)) }, (root) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--root', root, '--layers', join(root, 'layers.json'), ...options], { encoding: 'utf8' });
      return { status, stdout, stderr: stderr.split('\n').slice(0, -1) };
    });
  assert.deepEqual(run(['low: src/a', 'high: src']), { status: 0, stdout: '3 files, no circle, no arrow upward\n', stderr: [] });
  const { status, stdout, stderr } = run(['low: src/b', 'high: src/a']);
  assert.deepEqual([status, stdout], [1, '']);
  assert.deepEqual(stderr.map((line) => line.split(' ')[0]), ['src/lib.rs:', 'src/b.rs:1:']);
  assert.match(run(['low: src/b', 'high: src'], '--list').stdout, /^src: 3 files; circles: 0, of 0 files; arrows upward: 1\nsrc\/b\.rs:1: /);
});
