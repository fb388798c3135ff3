#!/usr/bin/env bash
# Checks the JavaScript of the page and of its workers against their JSDoc types and the .d.ts of pkg/.
# Writes nothing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
node_modules/.bin/tsc -p scripts/tsconfig.json
node_modules/.bin/tsc -p scripts/tsconfig.worker.json
