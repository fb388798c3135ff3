#!/usr/bin/env bash
# Gets all that building and testing need; what is there already is left alone.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

command -v cargo >/dev/null || die "Rust is missing: https://rustup.rs"
command -v node >/dev/null || die "Node.js 20 or newer is missing: https://nodejs.org"
[ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" = true ] || die "Node.js is $(node -v), expected 20 or newer"
command -v cc >/dev/null || say "note: no C compiler 'cc' on the PATH; Rust links with it"
say "$(cargo -V), node $(node -v)"

# npm leaves a copy of the lock file where it installed.
if [ node_modules/.package-lock.json -nt package-lock.json ]; then
  say "Node packages are installed"
else
  say "installing Node packages (npm ci)"
  npm ci >&2
fi
say "Chromium: $(node scripts/chromium.mjs --install)"
scripts/wasm-toolchain.sh >/dev/null
scripts/tools.sh
