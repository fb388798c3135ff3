// Which file of a Rust crate imports which, read from the text: `use` of any form, and paths in the code.
// scripts/layers.mjs judges the result.
//
// What counts:
// - A name is taken from the file that defines it. Where a module hands on what stands in its own folder
//   (`pub use child::X`), a path through it leads to the child; where it hands on another module's name,
//   the path ends at it.
// - `mod child;` and a parent's `pub use child::X` import nothing: Rust asks for the first, and the second is a
//   table of contents. If the parent's own code uses X as well, it does import it.
// - Tests (`cfg(test)`, also whole files), comments and strings do not count.
// Not seen: a path that a macro puts together from its arguments.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { bare, built, closing, commaParts } from './web-sources.mjs';

/** Whether a cfg holds in tests alone. */
function testOnly(condition) {
  const [, call, inner] = /^(all|any)\s*\(([\s\S]*)\)$/.exec(condition.trim()) ?? [];
  if (call === 'all') return commaParts(inner).some(testOnly);
  if (call === 'any') return commaParts(inner).every(testOnly);
  return condition.trim() === 'test';
}

/** The code that counts; every line keeps its place. */
function code(text) {
  const blank = (found) => ' '.repeat(found.length);
  return built(text, (condition) => !testOnly(condition))
    .replace(/\bpub\s*\([^)]*\)/g, (found) => 'pub'.padEnd(found.length)) // pub(in crate::cli)
    .replace(/\br#(?=\w)/g, blank);
}

/** The names that `use TREE;` brings in: their path, what they are called here, and where each stands. */
function leaves(tree, start) {
  const found = [];
  const bases = [[]];
  let path = [];
  let at = start;
  let renamed = null;
  const end = () => {
    if (path.length > bases.at(-1).length) {
      const glob = path.at(-1) === '*';
      const whole = glob || (path.at(-1) === 'self' && path.length > 1) ? path.slice(0, -1) : path;
      found.push({ path: whole, glob, name: renamed || whole.at(-1), at });
    }
    path = bases.at(-1);
    renamed = null;
  };
  for (const { 0: token, index } of tree.matchAll(/\w+|[{},*]/g)) {
    if (token === '{') bases.push(path);
    else if (token === ',') end();
    else if (token === '}') {
      end();
      bases.pop();
      path = bases.at(-1);
    } else if (token === 'as') renamed = '';
    else if (renamed === '') renamed = token;
    else {
      path = [...path, token];
      at = start + index;
    }
  }
  end();
  return found;
}

const key = (path) => path.join('::');
/** Whether a module stands in the folder of another. */
const within = (path, folder) => path.length > folder.length && folder.every((part, place) => path[place] === part);

/** The path of the module that a file holds; `crate` is the folder of lib.rs. */
function moduleOf(file, crate) {
  const path = file.slice(crate.length + 1).replace(/\.rs$/, '').split('/');
  if (path.at(-1) === 'mod' || key(path) === 'lib') path.pop();
  return path;
}

/** A crate's modules by path: the file of each, what it defines and what `use` brings into it. */
class Modules {
  #byPath = new Map();

  constructor(crate) {
    this.crate = crate;
  }

  add(path, file) {
    this.#byPath.set(key(path), { file, names: new Map(), globs: [], defines: new Set() });
  }

  get(path) {
    return this.#byPath.get(key(path));
  }

  /** The module that a path leads to, and whether it is all of the module; null for another crate's. */
  resolve(from, path, seen = new Set()) {
    let at = from;
    let place = 0;
    if (path[0] === 'self' || path[0] === 'super') {
      for (; path[place] === 'self' || path[place] === 'super'; place += 1) if (path[place] === 'super') at = at.slice(0, -1);
    } else if (!this.get([...from, path[0]]) && !this.get(from).names.has(path[0])) {
      if (path[0] !== 'crate' && path[0] !== this.crate) return null;
      at = [];
      place = 1;
    }
    for (; place < path.length; place += 1) {
      const child = [...at, path[place]];
      if (this.get(child)) {
        at = child;
        continue;
      }
      const through = this.#handedOn(at, path[place], place === 0, seen);
      if (!through) return { module: at, whole: false };
      if (!through.whole) return through;
      at = through.module;
    }
    return { module: at, whole: true };
  }

  /** Where a module has a name from: anywhere if it is for its own use, else from its own folder. */
  #handedOn(at, name, own, seen) {
    const { names, globs } = this.get(at);
    const mark = `${key(at)} ${name}`;
    if (seen.has(mark)) return null;
    seen.add(mark);
    if (names.has(name)) {
      const target = this.resolve(at, names.get(name), seen);
      return target && (own || within(target.module, at)) ? target : null;
    }
    for (const glob of globs) {
      const target = this.resolve(at, glob, seen);
      if (target?.whole && within(target.module, at) && this.get(target.module).defines.has(name)) {
        return { module: target.module, whole: false };
      }
    }
    return null;
  }
}

/** Whether code speaks of a name that is no field, method, variable or part of a path. */
function uses(text, name) {
  const after = /^[A-Z]/.test(name) ? '\\b' : '\\s*(?:\\(|::|!)';
  return new RegExp(`(?<![\\w.:]|\\b(?:fn|mod)\\s+)${name}${after}`).test(text);
}

/**
 * What the files of a crate import from each other.
 *
 * @param {string} root the folder of Cargo.toml
 * @param {string} crate the folder of lib.rs, from there
 * @param {string[]} files the crate's sources, from there
 * @returns {{ files: string[], imports: { from: string, line: number, to: string, name: string }[] }} the files that
 *   are no tests, and their imports
 */
export function rustImports(root, crate, files) {
  const manifest = join(root, 'Cargo.toml');
  const name = existsSync(manifest) && /^name\s*=\s*"([^"]+)"/m.exec(readFileSync(manifest, 'utf8'))?.[1];
  const modules = new Modules(name ? name.replaceAll('-', '_') : null);

  const tests = [];
  const sources = files.map((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const source = { file, path: moduleOf(file, crate), code: code(text) };
    const declared = (of) => new Set([...of.matchAll(/\bmod\s+(\w+)\s*;/g)].map((match) => match[1]));
    const kept = declared(source.code);
    for (const child of declared(bare(text))) if (!kept.has(child)) tests.push([...source.path, child]);
    return source;
  });
  const inTest = (path) => tests.some((test) => key(path) === key(test) || within(path, test));
  const counted = sources.filter(({ path }) => !inTest(path));

  // First every module and the names it has, then what each takes.
  for (const source of counted) {
    modules.add(source.path, source.file);
    const inline = [...source.code.matchAll(/\bmod\s+(\w+)\s*\{/g)].map(({ 0: start, 1: child, index }) => ({
      child,
      from: index,
      to: closing(source.code, index + start.length - 1),
    }));
    source.scope = (at) => [...source.path, ...inline.filter(({ from, to }) => from < at && at < to).map(({ child }) => child)];
    for (const { from, child } of inline) modules.add([...source.scope(from), child], source.file);
    for (const { 1: defined, index } of source.code.matchAll(/\b(?:const|enum|fn|static|struct|trait|type|union)\s+(\w+)/g)) {
      modules.get(source.scope(index)).defines.add(defined);
    }
    source.uses = [...source.code.matchAll(/\b(pub\s+)?use\s+([^;]+);/g)].flatMap(({ 0: all, 1: pub, 2: tree, index }) =>
      leaves(tree, index + all.length - 1 - tree.length).map((leaf) => ({ ...leaf, pub: Boolean(pub), scope: source.scope(index) })),
    );
    source.body = source.code.replace(/\buse\s+[^;]+;/g, (found) => found.replace(/[^\n]/g, ' '));
    for (const { path, glob, name: called, scope } of source.uses) {
      if (glob) modules.get(scope).globs.push(path);
      else modules.get(scope).names.set(called, path);
    }
  }

  const imports = [];
  for (const { file, code: text, body, uses: used, scope: scopeAt } of counted) {
    const add = (at, target, path) => {
      const to = modules.get(target.module).file;
      if (to !== file) imports.push({ from: file, line: text.slice(0, at).split('\n').length, to, name: key(path) });
    };
    const heads = new Set(used.map(({ path }) => path[0]));
    for (const { 0: whole, index } of body.matchAll(/\b[a-z_]\w*(?<!::\s*\w+)(?:\s*::\s*\w+)+/g)) {
      const path = whole.split(/\s*::\s*/);
      const target = modules.resolve(scopeAt(index), path);
      heads.add(path[0]);
      if (target) add(index, target, path);
    }
    for (const { path, glob, name: called, at, pub, scope } of used) {
      const target = modules.resolve(scope, path);
      if (!target) continue;
      // A module that is brought in is used by the paths that begin with it.
      if (target.whole && !glob && heads.has(called)) continue;
      const names = glob ? [...modules.get(target.module).defines] : [called];
      const tableOfContents = pub && within(target.module, scope);
      if (!tableOfContents || names.some((one) => uses(body, one))) add(at, target, glob ? [...path, '*'] : path);
    }
  }
  return { files: counted.map(({ file }) => file), imports };
}
