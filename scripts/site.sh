#!/usr/bin/env bash
# Makes site/: the page as GitHub Pages, or any static host, serves it. Nothing is compiled.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

node scripts/stamp.mjs --check
rm -rf site
cp -R www site
cp -R pkg site/pkg
find site -name '.DS_Store' -delete
node scripts/precache.mjs site/precache.json
# GitHub Pages would otherwise leave out names that begin with an underscore.
touch site/.nojekyll
say "site/ is ready: $(find site -type f | wc -l) files, $(du -sh site | cut -f1)"
