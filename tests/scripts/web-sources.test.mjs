import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { bare, check, holds } from '../../scripts/web-sources.mjs';

const toml = readFileSync(new URL('../../clippy-web/clippy.toml', import.meta.url), 'utf8');

/** What is found in a crate of these files. */
function found(files) {
  const base = mkdtempSync(join(tmpdir(), 'web-sources-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(base, path)), { recursive: true });
      writeFileSync(join(base, path), text);
    }
    return check(base, toml);
  } finally {
    rmSync(base, { recursive: true });
  }
}

test('calls that block are found, in any module that is built for the page', () => {
  const { problems, files } = found({
    'src/lib.rs': 'mod a;\n#[cfg(target_family = "wasm")]\npub mod web;\n',
    'src/a.rs': 'mod b;\nfn f(t: T) { t.into_data(); }\n',
    'src/a/b.rs': 'use std::fs;\nfn f() { fs::read("x"); }\nfn g(t: T) -> f32 {\n    t.sum()\n        .into_scalar::<f32>()\n}\n',
    'src/web.rs': "fn f() { std::time::Instant::now(); pollster::block_on(g()); }\nuse std::thread::{self, sleep};\nfn h(o: O) { Tensor::<2>::to_data(&o); }\n",
  });
  assert.deepEqual(files, ['src/lib.rs', 'src/a.rs', 'src/a/b.rs', 'src/web.rs']);
  assert.deepEqual(problems.map((problem) => problem.split(': ').slice(0, 2).join(' ')).sort(), [
    'src/a.rs:2 burn::tensor::Tensor::into_data',
    'src/a/b.rs:2 std::fs::read',
    'src/a/b.rs:5 burn::tensor::Tensor::into_scalar',
    'src/web.rs:1 pollster::block_on',
    'src/web.rs:1 std::time::Instant::now',
    'src/web.rs:2 std::thread::sleep',
    'src/web.rs:3 burn::tensor::Tensor::to_data',
  ]);
});

test('what is not built for the page may block', () => {
  const { problems, files } = found({
    'src/lib.rs': [
      '#[cfg(all(feature = "cli", not(target_family = "wasm")))]',
      'pub mod folder;',
      '/// t.into_data() and std::fs::read("x")',
      'fn f<\'a>(x: &\'a str) -> char { let _ = "t.into_data()"; let _ = r#"a "t.into_data()" b"#; \'"\' }',
      '#[cfg(feature = "cli")]',
      'fn g(t: T) -> Result<u8, E> { if a { t.into_data(); } t.into_data(); }',
      'enum E { #[cfg(feature = "cli")] A = f(t.into_data()), B }',
      'fn k(t: T) { t.into_data_async(); t.to_data_and_more(); }',
      '#[cfg(test)]',
      'mod tests { fn h(t: T) { t.into_scalar::<f32>(); } }',
    ].join('\n'),
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(files, ['src/lib.rs'], 'folder.rs, which is not there, is not looked for');
});

test('conditions are those of the two modules', () => {
  for (const yes of ['feature = "cpu"', 'not(test)', 'any(test, feature = "webgpu")', 'all(target_family = "wasm", not(feature = "cli"))']) {
    assert.equal(holds(yes), true, yes);
  }
  for (const no of ['test', 'feature = "cli"', 'not(target_family = "wasm")', 'any(feature = "vulkan", feature = "cuda")']) {
    assert.equal(holds(no), false, no);
  }
});

test('blanked text keeps its lines', () => {
  const text = 'a // b\n"c\nd" /* e\n */ f\n';
  assert.equal(bare(text).split('\n').length, text.split('\n').length);
  assert.match(bare(text), /^a +\n +\n +\n +f\n$/);
});
