#!/usr/bin/env bash
# Writes the table of docs/product-lines.md: how well methods without a network tell the faults of each product line.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
export CARGO_TARGET_DIR="$NATIVE_TARGET"
TABLE_TO="$ROOT/docs/product-lines.md" cargo test --release --locked --test all product_table -- --ignored --nocapture
