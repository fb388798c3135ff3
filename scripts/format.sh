#!/usr/bin/env bash
# Formats the Rust code; --check only says what is not formatted. Every file, also those that no target
# of `cargo fmt` reaches.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
find src tests benches -name '*.rs' -print0 | xargs -0 rustfmt --edition 2024 "$@"
