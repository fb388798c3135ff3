# Shared by the other scripts (sourced, not run): where things live, and one way of saying things.
# Builds and downloaded tools are kept outside the checkout, so that a fresh clone builds warm.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
CACHE="${SKIP_GANOMALY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/skip-ganomaly}"
NATIVE_TARGET="${CARGO_TARGET_DIR:-$CACHE/target}"
WASM_TARGET="${WASM_TARGET_DIR:-$CACHE/target-wasm}"
TOOLS="$CACHE/tools"
WASM_BINDGEN_VERSION=0.2.130

# Progress goes to stderr, so that a script's stdout stays usable.
say() { printf '%s\n' "==> $*" >&2; }
die() { printf '%s\n' "error: $*" >&2; exit 1; }

# The program: the one of `cargo build --release`, else that on the PATH.
find_program() {
  local built="$NATIVE_TARGET/release/skip-ganomaly"
  if [ -x "$built" ]; then
    echo "$built"
  else
    command -v skip-ganomaly || die "the program is missing: run 'cargo build --release'"
  fi
}

# Runs a command as root: directly, or through sudo when that asks for no password.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 1
  fi
}

# Installs Debian packages; fails where there is no apt or no way to become root.
apt_install() {
  command -v apt-get >/dev/null || return 1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2 && return 0
  # A machine that was never updated has no package lists yet.
  as_root apt-get update >&2 &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2
}
