import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { checkStamp, sourceFiles, sourcesDigest, writeStamp } from '../../scripts/stamp.mjs';

let base;

function write(name, text) {
  const path = join(base, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'stamp-'));
  write('Cargo.toml', '[package]\n');
  write('Cargo.lock', '# lock\n');
  write('.cargo/config.toml', '[target]\n');
  write('src/lib.rs', 'pub mod nn;\n');
  write('src/nn/unet.rs', '// net\n');
  write('src/main.rs', 'fn main() {}\n');
  write('src/cli/train.rs', '// train\n');
  write('src/report/html.rs', '// report\n');
  for (const kind of ['cpu', 'gpu']) {
    write(`pkg/${kind}/skip_ganomaly_bg.wasm`, `\0asm ${kind}`);
    write(`pkg/${kind}/skip_ganomaly.js`, '// glue\n');
    writeStamp(kind, { base, rustc: 'rustc 1.0.0', wasmBindgen: '0.2.130' });
  }
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

test('a fresh stamp is current', () => assert.deepEqual(checkStamp({ base }), []));

test('the program and its reports are not part of the digest', () => {
  assert.deepEqual(
    sourceFiles(base).map(([path]) => path),
    ['.cargo/config.toml', 'Cargo.lock', 'Cargo.toml', 'src/lib.rs', 'src/nn/unet.rs'],
  );
  const before = sourcesDigest(base);
  write('src/main.rs', 'fn main() { println!(); }\n');
  write('src/cli/train.rs', '// other\n');
  write('src/report/new.rs', '// other\n');
  write('src/.lib.rs.swp', 'editor\n');
  assert.equal(sourcesDigest(base), before);
});

test('an edited, added, renamed or removed source is noticed', () => {
  for (const change of [
    () => write('src/nn/unet.rs', '// other net\n'),
    () => write('src/nn/new.rs', ''),
    () => write('Cargo.lock', '# other\n'),
    () => write('.cargo/config.toml', '[other]\n'),
    () => rmSync(join(base, 'src/nn/unet.rs')),
  ]) {
    const before = sourcesDigest(base);
    change();
    assert.notEqual(sourcesDigest(base), before);
  }
  const problems = checkStamp({ base });
  assert.equal(problems.length, 2);
  assert.match(problems[0], /pkg\/cpu was built from other sources .* run 'make wasm'/);
});

test('line endings do not matter', () => {
  const before = sourcesDigest(base);
  write('src/lib.rs', 'pub mod nn;\r\n');
  assert.equal(sourcesDigest(base), before);
});

test('building one module does not make the other current', () => {
  write('src/lib.rs', 'pub mod other;\n');
  writeStamp('cpu', { base });
  const problems = checkStamp({ base });
  assert.equal(problems.length, 1);
  assert.match(problems[0], /^pkg\/gpu was built from other sources/);
});

test('a module or script that was swapped is noticed', () => {
  write('pkg/gpu/skip_ganomaly_bg.wasm', '\0asm other');
  write('pkg/cpu/skip_ganomaly.js', '// other glue\n');
  const problems = checkStamp({ base }).join('\n');
  assert.match(problems, /pkg\/gpu\/skip_ganomaly_bg\.wasm is not the file that was stamped/);
  assert.match(problems, /pkg\/cpu\/skip_ganomaly\.js is not the file that was stamped/);
});

test('a missing module is named', () => {
  rmSync(join(base, 'pkg/gpu'), { recursive: true });
  assert.deepEqual(checkStamp({ base }), ["pkg/gpu is missing: run 'make wasm'"]);
});

test('an edit during the build leaves a stamp that is refused', () => {
  const sources = sourcesDigest(base);
  write('src/lib.rs', 'pub mod edited_meanwhile;\n');
  writeStamp('cpu', { base, sources });
  assert.match(checkStamp({ base, kinds: ['cpu'] })[0], /other sources/);
});
