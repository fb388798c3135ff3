// The stamp of pkg/: which sources the committed WebAssembly modules were built from.
//
//   node scripts/stamp.mjs --check                     fails when pkg/ is not what the sources give
//   node scripts/stamp.mjs --digest                    prints the digest of the sources
//   node scripts/stamp.mjs --write cpu|gpu [--sources DIGEST] [--pkg DIR] [--rustc TEXT] [--wasm-bindgen TEXT]
//
// A digest of the sources rather than of the modules: two compilers give different bytes.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

export const KINDS = ['cpu', 'gpu'];
/** Files of the build beside src/. */
const BUILD_FILES = ['Cargo.toml', 'Cargo.lock', '.cargo/config.toml', 'build.rs'];
/** The program only: not part of any module. */
const NATIVE_ONLY = ['src/cli/', 'src/cli.rs', 'src/import.rs', 'src/report/', 'src/report.rs', 'src/main.rs'];

export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Text files may be checked out with other line endings. */
function normalised(bytes) {
  return bytes.includes(0) ? bytes : Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
}

function filesUnder(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    // Hidden files and editors' backups are not sources.
    if (entry.name.startsWith('.') || /(~|\.(swp|orig|rej|bak))$/.test(entry.name)) return [];
    const path = join(dir, entry.name);
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

/** Sorted [path, sha256] of every file that goes into the modules. */
export function sourceFiles(base = root) {
  const paths = [
    ...filesUnder(join(base, 'src')),
    ...BUILD_FILES.map((name) => join(base, name)).filter((path) => existsSync(path)),
  ].map((path) => relative(base, path).split(sep).join('/'));
  return paths
    .filter((path) => !NATIVE_ONLY.some((skip) => path === skip || (skip.endsWith('/') && path.startsWith(skip))))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((path) => [path, sha256(normalised(readFileSync(join(base, path))))]);
}

export function sourcesDigest(base = root) {
  return sha256(sourceFiles(base).map(([path, digest]) => `${path}\0${digest}\n`).join(''));
}

const wasmPath = (pkg, kind) => join(pkg, kind, 'skip_ganomaly_bg.wasm');
const scriptPath = (pkg, kind) => join(pkg, kind, 'skip_ganomaly.js');

export function readStamp(pkg = join(root, 'pkg')) {
  const path = join(pkg, 'stamp.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
}

/** `sources`: the digest taken before the build began, so that an edit during the build shows up. */
export function writeStamp(
  kind,
  { base = root, pkg = join(base, 'pkg'), sources = sourcesDigest(base), rustc = '', wasmBindgen = '' } = {},
) {
  const stamp = readStamp(pkg);
  // Each module keeps its own source digest: building one does not make the other current.
  stamp[kind] = {
    sources,
    wasm_sha256: sha256(readFileSync(wasmPath(pkg, kind))),
    script_sha256: sha256(normalised(readFileSync(scriptPath(pkg, kind)))),
    rustc,
    wasm_bindgen: wasmBindgen,
  };
  const ordered = Object.fromEntries(KINDS.filter((k) => stamp[k]).map((k) => [k, stamp[k]]));
  writeFileSync(join(pkg, 'stamp.json'), `${JSON.stringify(ordered, null, 2)}\n`);
  return ordered;
}

/** What is wrong with the stamp, in words; empty when everything is current. */
export function checkStamp({ base = root, pkg = join(base, 'pkg'), kinds = KINDS } = {}) {
  const stamp = readStamp(pkg);
  const sources = sourcesDigest(base);
  const problems = [];
  for (const kind of kinds) {
    const entry = stamp[kind];
    if (!entry || !existsSync(wasmPath(pkg, kind))) {
      problems.push(`pkg/${kind} is missing: run 'make wasm'`);
      continue;
    }
    if (entry.sources !== sources) {
      problems.push(`pkg/${kind} was built from other sources (stamp ${short(entry.sources)}, now ${short(sources)}): run 'make wasm'`);
    }
    const wasm = sha256(readFileSync(wasmPath(pkg, kind)));
    if (entry.wasm_sha256 !== wasm) {
      problems.push(`pkg/${kind}/skip_ganomaly_bg.wasm is not the file that was stamped (stamp ${short(entry.wasm_sha256)}, file ${short(wasm)}): run 'make wasm'`);
    }
    const script = existsSync(scriptPath(pkg, kind)) ? sha256(normalised(readFileSync(scriptPath(pkg, kind)))) : 'none';
    if (entry.script_sha256 !== script) {
      problems.push(`pkg/${kind}/skip_ganomaly.js is not the file that was stamped (stamp ${short(entry.script_sha256)}, file ${short(script)}): run 'make wasm'`);
    }
  }
  return problems;
}

const short = (digest) => String(digest ?? 'none').slice(0, 12);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      check: { type: 'boolean' },
      digest: { type: 'boolean' },
      sources: { type: 'string' },
      write: { type: 'string' },
      pkg: { type: 'string' },
      rustc: { type: 'string' },
      'wasm-bindgen': { type: 'string' },
    },
  });
  if (values.digest) {
    console.log(sourcesDigest());
  } else if (values.write) {
    if (!KINDS.includes(values.write)) throw new Error(`unknown module '${values.write}', expected ${KINDS.join(' or ')}`);
    writeStamp(values.write, {
      pkg: values.pkg ?? join(root, 'pkg'),
      sources: values.sources,
      rustc: values.rustc,
      wasmBindgen: values['wasm-bindgen'],
    });
  } else {
    const problems = checkStamp({ pkg: values.pkg ?? join(root, 'pkg') });
    for (const problem of problems) console.error(problem);
    if (problems.length) process.exit(1);
    console.log('pkg/ is current: both modules were built from these sources.');
  }
}
