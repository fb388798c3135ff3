#!/usr/bin/env bash
# Sets up a Rust toolchain for wasm32-unknown-unknown and prints, on stdout, the environment to
# build with:   eval "$(scripts/wasm-toolchain.sh)"
#
# 1. rustup's toolchain, where it has the target or can download it.
# 2. Otherwise Debian's rustc-web, whose standard library for the target is built here, once.
#    WASM_TOOLCHAIN=debian asks for this one even where rustup would do.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

TRIPLE=wasm32-unknown-unknown
WANT="${WASM_TOOLCHAIN:-any}"
# No RUSTFLAGS from outside: the flags are those of .cargo/config.toml.
unset RUSTC CARGO RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET

# The target's standard library is there when the folder holds a libstd.
has_std() {
  local sysroot
  sysroot="$("$1" --print sysroot 2>/dev/null)" || return 1
  compgen -G "$sysroot/lib/rustlib/$TRIPLE/lib/libstd-*.rlib" >/dev/null
}

print_env() { # rustc cargo linker
  echo "export RUSTC='$1'"
  echo "export CARGO='$2'"
  if [ -n "$3" ]; then echo "export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER='$3'"; fi
  echo "export CARGO_TARGET_DIR='$WASM_TARGET'"
}

# Builds a two-line cdylib: a toolchain that cannot link is found out here, not after the long build.
check_links() { # rustc linker
  local dir
  dir="$(mktemp -d)"
  printf '#[unsafe(no_mangle)]\npub extern "C" fn twice(x: f32) -> f32 { let v = vec![x; 2]; v.iter().sum() }\n' >"$dir/hello.rs"
  local args=(--edition 2024 --crate-type cdylib --target "$TRIPLE" -C opt-level=1 -C target-feature=+simd128 -o "$dir/hello.wasm")
  if [ -n "$2" ]; then args+=(-C "linker=$2"); fi
  "$1" "${args[@]}" "$dir/hello.rs" >&2 && [ -s "$dir/hello.wasm" ]
  local status=$?
  rm -rf "$dir"
  return $status
}

try_rustup() {
  command -v rustup >/dev/null || { say "rustup is not installed"; return 1; }
  local rustc cargo
  rustc="$(cd "$ROOT" && rustup which rustc)" && cargo="$(cd "$ROOT" && rustup which cargo)" || return 1
  if ! has_std "$rustc"; then
    say "adding $TRIPLE to the active rustup toolchain"
    (cd "$ROOT" && timeout 300 rustup target add "$TRIPLE") >&2 || { say "rustup could not download the target"; return 1; }
  fi
  has_std "$rustc" && check_links "$rustc" "" || { say "rustup's toolchain does not link for $TRIPLE"; return 1; }
  say "wasm toolchain: rustup's $("$rustc" -V)"
  print_env "$rustc" "$cargo" ""
}

try_debian() {
  local rustc=/usr/bin/rustc cargo=/usr/bin/cargo linker
  find_linker() { # rustc's LLVM and the linker's should be of one major version
    local llvm
    llvm="$("$rustc" -vV 2>/dev/null | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')"
    for linker in "/usr/lib/llvm-$llvm/bin/wasm-ld" "$(command -v wasm-ld || true)"; do
      [ -x "$linker" ] && return 0
    done
    return 1
  }
  source_of_std() { [ -d "$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/std" ]; }
  if ! { [ -x "$rustc" ] && [ -x "$cargo" ] && find_linker && { has_std "$rustc" || source_of_std; }; }; then
    say "installing Debian's rustc-web, cargo-web, rust-web-src and lld-22"
    apt_install rustc-web cargo-web rust-web-src lld-22 || return 1
    find_linker || return 1
  fi
  if ! has_std "$rustc"; then
    say "building the standard library for $TRIPLE from Debian's sources, once (about a minute)"
    local work lib
    work="$(mktemp -d)"
    mkdir -p "$work/src"
    printf '[package]\nname = "std-for-wasm"\nversion = "0.0.0"\nedition = "2021"\n[lib]\ncrate-type = ["rlib"]\n[workspace]\n' >"$work/Cargo.toml"
    echo 'pub fn touch() -> Vec<u8> { vec![1] }' >"$work/src/lib.rs"
    # -Zbuild-std is a nightly option; Debian's compiler is told to accept it for this one build.
    (cd "$work" && RUSTC_BOOTSTRAP=1 RUSTC="$rustc" CARGO_TARGET_DIR="$work/target" PATH="/usr/bin:$PATH" \
      "$cargo" build --release --target "$TRIPLE" -Zbuild-std=std,panic_abort \
      --config "target.$TRIPLE.rustflags=['-C','target-feature=+simd128']" >&2) || return 1
    lib="$("$rustc" --print sysroot)/lib/rustlib/$TRIPLE/lib"
    rm -f "$work/target/$TRIPLE/release/deps/"*std_for_wasm*
    as_root mkdir -p "$lib" && as_root cp "$work/target/$TRIPLE/release/deps/"lib*.rlib "$lib/" ||
      { say "cannot write $lib: run this once as root"; return 1; }
    rm -rf "$work"
  fi
  check_links "$rustc" "$linker" || { say "Debian's toolchain does not link for $TRIPLE"; return 1; }
  say "wasm toolchain: Debian's $("$rustc" -V), linker $linker"
  print_env "$rustc" "$cargo" "$linker"
}

case "$WANT" in
  any) try_rustup || try_debian || die "no Rust toolchain for $TRIPLE: run 'rustup target add $TRIPLE', or install Debian's rustc-web, cargo-web, rust-web-src and lld-22 as root" ;;
  rustup) try_rustup || die "rustup has no toolchain for $TRIPLE" ;;
  debian) try_debian || die "Debian's packages gave no toolchain for $TRIPLE" ;;
  *) die "WASM_TOOLCHAIN is '$WANT', expected any, rustup or debian" ;;
esac
