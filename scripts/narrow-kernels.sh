#!/usr/bin/env bash
# Runs the Rust tests with narrower vector kernels than this processor has: they round otherwise, as those of
# another machine do. Arguments go to `cargo test`.
#
#   KERNELS=avx2 scripts/narrow-kernels.sh      # as on a processor without AVX-512
#   KERNELS=sse scripts/narrow-kernels.sh       # as on one without AVX and FMA
#
# Three crates choose the kernels by what the processor has, and no option of theirs says otherwise. Copies that
# leave out the features named in HIDDEN_FEATURES take their place, in a copy of the checkout, whose Cargo.lock
# then names them. The build has a folder of its own; the first takes as long as a cold native build.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

KERNELS="${KERNELS:-avx2}"
case "$KERNELS" in
  avx2) export HIDDEN_FEATURES=avx512 ;;
  sse) export HIDDEN_FEATURES=avx,fma ;;
  *) die "KERNELS is '$KERNELS', expected avx2 or sse" ;;
esac
[ "$(uname -m)" = x86_64 ] || die "these are kernels of x86_64, and this machine is $(uname -m)"

work="$CACHE/narrow"
rm -rf "$work/checkout"
mkdir -p "$work/checkout" "$work/crates"
git ls-files -z | tar --null --files-from=- --create --ignore-failed-read | tar --extract --directory "$work/checkout"

detected='::std::(arch::)?is_x86_feature_detected!\((\$[a-z]+)\)'
visible='!::std::env::var("HIDDEN_FEATURES").unwrap_or_default().split(",").any(|f| !f.is_empty() \&\& \2.starts_with(f))'
patches=()
for name in gemm-common macerator pulp; do
  manifest="$(cargo metadata --locked --format-version 1 --filter-platform x86_64-unknown-linux-gnu | node -e '
    const found = JSON.parse(require("node:fs").readFileSync(0)).packages.filter(({ name }) => name === process.argv[1]);
    if (found.length !== 1) throw new Error(`expected one crate ${process.argv[1]}, got ${found.length}`);
    console.log(found[0].manifest_path);' "$name")"
  source="$(dirname "$manifest")"
  copy="$work/crates/$(basename "$source")"
  if ! [ -d "$copy" ]; then
    rm -rf "$copy.part"
    cp -r "$source" "$copy.part"
    grep -rlE "$detected" "$copy.part/src" | xargs -r sed -i -E "s/$detected/(&\&\& $visible)/"
    grep -rq HIDDEN_FEATURES "$copy.part/src" || die "$name asks for the processor's features otherwise than it did"
    mv "$copy.part" "$copy"
  fi
  patches+=(--config "patch.crates-io.$name.path='$copy'")
done

say "Rust tests with KERNELS=$KERNELS"
export PROPTEST_RNG_SEED=1
cd "$work/checkout"
CARGO_TARGET_DIR="$work/target" cargo test --release --no-fail-fast "${patches[@]}" "$@"
