#!/usr/bin/env bash
# Checks the page's JavaScript against its JSDoc types and the .d.ts of pkg/. Writes nothing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
node_modules/.bin/tsc -p scripts/tsconfig.json
