// Which file of the page imports which, read from the text: `import … from`, `export … from`, `import "…"`,
// `import("…")`, importScripts, a file named by `new URL("…", import.meta.url)`, and a page's scripts.
// scripts/layers.mjs judges the result.
//
// What counts:
// - A worker that is started by its URL is no import: the two share messages, not code.
// - A type that a comment (JSDoc) imports counts like any other import: it is gone when the page runs, but who reads
//   or checks a file needs the one that its types come from, and Rust makes no difference either.
// - Other comments, strings and what is not in the tree (pkg/) do not count.
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Where a `/` begins a regular expression and not a division: after these, or at the start. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|=>|\b(?:return|typeof|case|in|of|do|else|void|delete|throw|await|yield))\s*$/;

/** Two texts of the same length: the code with comments and the insides of strings blanked, and the comments alone. */
export function split(text) {
  const code = text.split('');
  const comments = text.split('').map((letter) => (letter === '\n' ? '\n' : ' '));
  const blank = (from, to) => {
    for (let at = from; at < to; at += 1) if (text[at] !== '\n') code[at] = ' ';
  };
  const token = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/|[`{}]/y;
  /** For each open bracket whether it is a template's `${`. */
  const brackets = [];
  /** Goes past a template's text, to its end or to a `${`. */
  const template = (from) => {
    let at = from;
    while (at < text.length && text[at] !== '`' && !text.startsWith('${', at)) at += text[at] === '\\' ? 2 : 1;
    blank(from, at);
    if (text[at] === '$') {
      brackets.push(true);
      return at + 2;
    }
    return at + 1;
  };
  for (let at = 0; at < text.length; ) {
    token.lastIndex = at;
    const [found] = token.exec(text) ?? [];
    if (!found || (found[0] === '/' && !/^\/[/*]/.test(found) && !BEFORE_REGEX.test(code.slice(Math.max(0, at - 40), at).join('')))) {
      at += 1;
    } else if (/^\/[/*]/.test(found)) {
      blank(at, at + found.length);
      for (let place = 0; place < found.length; place += 1) comments[at + place] = found[place];
      at += found.length;
    } else if (found === '`') {
      at = template(at + 1);
    } else if (found === '{') {
      brackets.push(false);
      at += 1;
    } else if (found === '}') {
      at = brackets.pop() ? template(at + 1) : at + 1;
    } else {
      blank(at + 1, at + found.length - 1);
      at += found.length;
    }
  }
  return { code: code.join(''), comments: comments.join('') };
}

/** What may stand before a file's name in code, where strings are blanked. */
const IN_CODE = [
  /\b(?:import|export)\b[^;"'`()]*?\bfrom\s*["']/g,
  /\bimport\s*["']/g,
  /\bimport\s*\(\s*["'`]/g,
  /\bimportScripts\s*\(\s*["'`]/g,
  /\bnew\s+URL(?<!(?:worker\w*|\bserviceWorker\s*\.\s*register)\s*\(\s*new\s+URL)\s*\(\s*["'`](?=\s*["'`]\s*,\s*import\.meta\.url\b)/gi,
];
const IN_COMMENTS = [/\bimport\s*\(\s*["']/g, /@import\b[^"']*?\bfrom\s*["']/g];
const IN_HTML = [/<script\b[^>]*\bsrc="/g, /<link\b[^>]*\brel="modulepreload"[^>]*\bhref="/g];

/**
 * What the files of a page import from each other.
 *
 * @param {string} root
 * @param {string[]} files the page's sources, from there
 * @returns {{ files: string[], imports: { from: string, line: number, to: string, name: string }[] }}
 */
export function jsImports(root, files) {
  const known = new Set(files);
  const imports = files.flatMap((from) => {
    const text = readFileSync(join(root, from), 'utf8');
    const found = (patterns, where) =>
      patterns.flatMap((pattern) =>
        [...where.matchAll(pattern)].flatMap(({ 0: start, index }) => {
          const at = index + start.length;
          const name = text.slice(at, at + text.slice(at).search(/["'`]/));
          const to = posix.join(posix.dirname(from), name.replace(/[?#].*$/, ''));
          const line = text.slice(0, at).split('\n').length;
          return /^\.{1,2}\//.test(name) && known.has(to) && to !== from ? [{ from, line, to, name }] : [];
        }),
      );
    if (from.endsWith('.html')) return found(IN_HTML, text.replace(/<!--[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, ' ')));
    const { code, comments } = split(text);
    return [...found(IN_CODE, code), ...found(IN_COMMENTS, comments)];
  });
  return { files, imports };
}
