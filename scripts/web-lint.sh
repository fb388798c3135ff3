#!/usr/bin/env bash
# Refuses code that would block or fail in the page: clippy on both modules, for wasm, with the list of
# clippy-web/clippy.toml beside its own lints. Where the wasm toolchain has no clippy, names are looked
# for in the sources instead, which is done in any case.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

node scripts/web-sources.mjs
toolchain="$("$ROOT/scripts/wasm-toolchain.sh")"
eval "$toolchain"

bin="$(dirname "$RUSTC")"
if ! [ -x "$bin/cargo-clippy" ] || ! [ -x "$bin/clippy-driver" ]; then
  say "the wasm toolchain in $bin has no clippy: the sources were looked at by name alone"
  exit 0
fi

# Checking builds are of no use to other builds.
export CARGO_TARGET_DIR="${WEB_LINT_TARGET_DIR:-$CACHE/target-web-lint}"
export CLIPPY_CONF_DIR="$ROOT/clippy-web"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
for features in cpu webgpu; do
  say "clippy for wasm, features $features"
  PATH="$bin:$PATH" "$CARGO" clippy --lib --locked --target wasm32-unknown-unknown --no-default-features \
    --features "$features" -- -D warnings 2>&1 | tee "$log" >&2
  # A call that Burn has renamed would be banned no more; clippy only warns of that.
  if grep -q 'does not refer to' "$log"; then
    die "clippy-web/clippy.toml bans a call that does not exist"
  fi
done
