// Looks for calls that cannot be made in the page, in the sources that its modules are built from.
//
//   node scripts/web-sources.mjs
//
// The list is clippy-web/clippy.toml's. Clippy knows types and is the judge of them; this goes by names
// alone, takes no time, and also runs where the wasm toolchain has no clippy.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The features that the page's modules have; both are looked at as one. */
const FEATURES = ['cpu', 'webgpu'];

/** The banned paths of a clippy.toml, with their reasons. */
export function banned(toml) {
  const entries = [...toml.matchAll(/\{\s*path = "([^"]+)", reason = "([^"]+)"/g)];
  return entries.map(([, path, reason]) => ({ path, reason, pattern: pattern(path) }));
}

/** What a call or an import of a path looks like. */
function pattern(path) {
  const [owner, name] = path.split('::').slice(-2);
  const named = `\\b${owner}::(?:<[^>]*>::)?${name}\\b|\\b${owner}::\\{[^}]*\\b${name}\\b`;
  // Types of std::fs and std::time are asked by name; others' methods have a receiver.
  const method = /^[A-Z]/.test(owner) && !/^std::(fs|time)::/.test(path);
  return new RegExp(method ? `${named}|\\.\\s*${name}\\s*(?:::<[^>]*>)?\\(` : named, 'g');
}

/** The text with comments, strings and characters blanked; every line keeps its place. */
export function bare(text) {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\bb?r(#*)"[\s\S]*?"\1|b?"(?:\\[\s\S]|[^"\\])*"|b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\\n])'/g;
  return text.replace(token, (found) => found.replace(/[^\n]/g, ' '));
}

/** Whether a cfg holds for the page's modules. */
export function holds(condition) {
  const text = condition.trim();
  const call = /^(all|any|not)\s*\(([\s\S]*)\)$/.exec(text);
  if (call) {
    const parts = commaParts(call[2]).map(holds);
    if (call[1] === 'not') return !parts[0];
    return call[1] === 'all' ? parts.every(Boolean) : parts.some(Boolean);
  }
  const feature = /^feature\s*=\s*"([^"]+)"$/.exec(text);
  if (feature) return FEATURES.includes(feature[1]);
  return /^target_(family|arch)\s*=\s*"wasm(32)?"$/.test(text);
}

/** Parts between commas that are in no parentheses. */
export function commaParts(text) {
  const parts = [''];
  let depth = 0;
  for (const letter of text) {
    if (letter === '(') depth += 1;
    if (letter === ')') depth -= 1;
    if (letter === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += letter;
  }
  return parts.filter((part) => part.trim());
}

/** The text without comments, strings and what is not built: for the page, unless `kept` judges a cfg otherwise. */
export function built(text, kept = holds) {
  let code = bare(text);
  const blank = (from, to) => {
    code = code.slice(0, from) + code.slice(from, to).replace(/[^\n]/g, ' ') + code.slice(to);
  };
  for (const start of [...code.matchAll(/#\[cfg\(/g)].map((match) => match.index)) {
    if (code[start] !== '#') continue; // It went with what is around it.
    const end = closing(code, start + 1) + 1;
    // The names of features are strings: they stand in the text as it was.
    const condition = text.slice(start + '#[cfg('.length, end).replace(/\)\s*\]$/, '');
    if (!kept(condition)) blank(start, itemEnd(code, end));
  }
  return code;
}

/** Where the bracket at a place is closed. */
export function closing(code, at) {
  let depth = 0;
  for (let place = at; place < code.length; place += 1) {
    if ('([{'.includes(code[place])) depth += 1;
    if (')]}'.includes(code[place])) depth -= 1;
    if (depth === 0) return place;
  }
  return code.length;
}

/** The end of the item, field or arm that begins at a place: a `;`, a `,` or a block. */
function itemEnd(code, at) {
  // An item's own commas stand between generic arguments; a field or an arm ends at one.
  const item = /^\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?(?:async|const|enum|extern|fn|impl|let|macro_rules|mod|static|struct|trait|type|unsafe|use)\b/;
  const ends = item.test(code.slice(at)) ? ';' : ';,';
  for (let place = at; place < code.length; place += 1) {
    if (ends.includes(code[place])) return place + 1;
    if (code[place] === '{') return closing(code, place) + 1;
    if ('}])'.includes(code[place])) return place;
    if ('(['.includes(code[place])) place = closing(code, place);
  }
  return code.length;
}

/** Files that a module is built from, beginning with the crate's root: [path, code]. */
function modules(file, folder) {
  const code = built(readFileSync(file, 'utf8'));
  const found = [[file, code]];
  for (const [, name] of code.matchAll(/\bmod\s+(\w+)\s*;/g)) {
    const path = [join(folder, `${name}.rs`), join(folder, name, 'mod.rs')].find(existsSync);
    if (!path) throw new Error(`no file for the module ${name} of ${file}`);
    found.push(...modules(path, join(folder, name)));
  }
  return found;
}

/** What is wrong, one line each, and the files that were looked at. */
export function check(base, toml) {
  const list = banned(toml);
  if (list.length === 0) throw new Error('the list of banned calls is empty');
  const files = modules(join(base, 'src/lib.rs'), join(base, 'src'));
  const problems = files.flatMap(([file, code]) =>
    list.flatMap(({ path, reason, pattern: calls }) =>
      [...code.matchAll(calls)].map((match) => {
        const line = code.slice(0, match.index).split('\n').length;
        return `${relative(base, file).split(sep).join('/')}:${line}: ${path}: ${reason}`;
      }),
    ),
  );
  return { problems, files: files.map(([file]) => relative(base, file).split(sep).join('/')) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { problems, files } = check(root, readFileSync(join(root, 'clippy-web/clippy.toml'), 'utf8'));
  for (const problem of problems) console.error(problem);
  if (problems.length) process.exit(1);
  console.log(`${files.length} files of the page's modules: no call that blocks.`);
}
