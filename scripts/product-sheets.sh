#!/usr/bin/env bash
# Writes docs/images/product-*.jpg: the contact sheets of the product lines.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
export CARGO_TARGET_DIR="$NATIVE_TARGET"
SHEETS_TO="$ROOT/docs/images" cargo test --release --locked --test all product_sheets -- --ignored
