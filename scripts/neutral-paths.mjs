#!/usr/bin/env node
// Takes the building machine's folders out of a module: panic messages name the sources of
// dependencies by where they lay. The replacement is as long, so that no offset in the module moves.
//
//   neutral-paths.mjs FILE...
//
// rustc's --remap-path-prefix would do the same, but as a flag of every dependency's build it holds
// this machine's home folder and rebuilds everything where that differs.

import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

// What lies before a crate's name and version, as cargo unpacks them.
const SOURCES = /\/[A-Za-z0-9_./-]{0,80}?\/registry\/src\/[A-Za-z0-9_.-]+\//g;

/** @param {Buffer} module @returns {Buffer} */
export function neutralPaths(module) {
  // Latin-1 maps each byte to one character and back.
  const text = module.toString('latin1').replace(SOURCES, (path) => '/crates'.padEnd(path.length, '/'));
  return Buffer.from(text, 'latin1');
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const file of process.argv.slice(2)) writeFileSync(file, neutralPaths(readFileSync(file)));
}
