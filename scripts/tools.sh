#!/usr/bin/env bash
# Installs wasm-bindgen-cli, in the version that Cargo.toml pins, under the user's cache.
# Does nothing where it is there already.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

pinned="$(sed -n 's/^wasm-bindgen = "=\(.*\)"$/\1/p' "$ROOT/Cargo.toml")"
[ "$pinned" = "$WASM_BINDGEN_VERSION" ] ||
  die "Cargo.toml pins wasm-bindgen '$pinned', scripts/lib.sh has $WASM_BINDGEN_VERSION: the two must be one version"

installed() { [ "$("$1" --version 2>/dev/null)" = "wasm-bindgen $WASM_BINDGEN_VERSION" ]; }

if installed "$TOOLS/bin/wasm-bindgen"; then
  say "wasm-bindgen $WASM_BINDGEN_VERSION is installed"
  exit 0
fi
if installed "$(command -v wasm-bindgen || true)"; then
  say "wasm-bindgen $WASM_BINDGEN_VERSION found on the PATH"
  mkdir -p "$TOOLS/bin"
  ln -sf "$(command -v wasm-bindgen)" "$TOOLS/bin/wasm-bindgen"
  exit 0
fi

say "installing wasm-bindgen-cli $WASM_BINDGEN_VERSION under $TOOLS (a few minutes)"
# It runs for seconds only: a low optimisation level builds it in half the time.
# Outside the checkout, so that the crate's own Cargo settings do not apply.
install_cli() {
  (cd "$CACHE" && env -u RUSTC -u RUSTFLAGS CARGO_TARGET_DIR="$CACHE/tools-target" CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
    CARGO_PROFILE_RELEASE_LTO=false cargo install "$@" --version "$WASM_BINDGEN_VERSION" --root "$TOOLS" wasm-bindgen-cli >&2)
}
mkdir -p "$CACHE"
# A registry mirror may not have the newest dependencies that the package's lock file names.
install_cli --locked || { say "retrying without its lock file"; install_cli; }
installed "$TOOLS/bin/wasm-bindgen" || die "wasm-bindgen-cli did not install"
