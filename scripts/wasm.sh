#!/usr/bin/env bash
# Builds the WebAssembly modules and stamps them with a digest of their sources.
#
#   scripts/wasm.sh [cpu|gpu|all] [--out DIR]      default: all, into pkg/
#
# cpu: Burn's Flex backend; answers first on the page. gpu: WebGPU; fetched where an adapter exists.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

KIND=all
OUT="$ROOT/pkg"
while [ $# -gt 0 ]; do
  case "$1" in
    cpu | gpu | all) KIND="$1" ;;
    --out) OUT="$(mkdir -p "$2" && cd "$2" && pwd)"; shift ;;
    *) die "unknown argument '$1', expected cpu, gpu, all or --out DIR" ;;
  esac
  shift
done

[ -x "$ROOT/node_modules/.bin/wasm-opt" ] || (cd "$ROOT" && say "npm ci" && npm ci >&2)
"$ROOT/scripts/tools.sh"
toolchain="$("$ROOT/scripts/wasm-toolchain.sh")"
eval "$toolchain"

# Higher levels inline more and make the modules larger after compression, at the same speed
# (docs/performance.md has the figures).
WASM_OPT_FLAGS=(-O1 --enable-simd --enable-bulk-memory --enable-bulk-memory-opt --enable-nontrapping-float-to-int
  --enable-sign-ext --enable-mutable-globals --enable-reference-types --enable-multivalue)

build() { # kind profile features
  local kind="$1" profile="$2" features="$3" started=$SECONDS dir sources
  # Taken before the build: an edit during it leaves a stamp that the check refuses.
  sources="$(node "$ROOT/scripts/stamp.mjs" --digest)"
  say "$kind: cargo build (profile $profile, features $features)"
  (cd "$ROOT" && "$CARGO" build --lib --locked --target wasm32-unknown-unknown --no-default-features \
    --features "$features" --profile "$profile" >&2)
  dir="$OUT/$kind"
  rm -rf "$dir"
  mkdir -p "$dir"
  say "$kind: wasm-bindgen"
  "$TOOLS/bin/wasm-bindgen" --target web --out-dir "$dir" --out-name skip_ganomaly \
    --remove-name-section --remove-producers-section \
    "$CARGO_TARGET_DIR/wasm32-unknown-unknown/$profile/skip_ganomaly.wasm"
  say "$kind: wasm-opt"
  "$ROOT/node_modules/.bin/wasm-opt" "${WASM_OPT_FLAGS[@]}" "$dir/skip_ganomaly_bg.wasm" -o "$dir/optimised.wasm"
  mv "$dir/optimised.wasm" "$dir/skip_ganomaly_bg.wasm"
  node "$ROOT/scripts/neutral-paths.mjs" "$dir/skip_ganomaly_bg.wasm"
  node "$ROOT/scripts/stamp.mjs" --write "$kind" --sources "$sources" --pkg "$OUT" \
    --rustc "$("$RUSTC" -V)" --wasm-bindgen "$WASM_BINDGEN_VERSION"
  say "$kind: $(wc -c <"$dir/skip_ganomaly_bg.wasm") bytes, $(gzip -9 -c "$dir/skip_ganomaly_bg.wasm" | wc -c) after gzip, in $((SECONDS - started)) s"
}

if [ "$KIND" != gpu ]; then build cpu web cpu; fi
if [ "$KIND" != cpu ]; then build gpu web webgpu; fi
