#!/usr/bin/env bash
# Formats the Rust code; --check only says what is not formatted. `cargo fmt` does not see the methods'
# files: a macro names them (src/detector.rs).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
find src tests benches -name '*.rs' -print0 | xargs -0 rustfmt --edition 2024 "$@"
