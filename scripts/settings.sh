#!/usr/bin/env bash
# Writes what follows from the settings' rows (src/settings/config.rs): the page's form and the tables of
# docs/using.md, which stand between two markers.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
export CARGO_TARGET_DIR="$NATIVE_TARGET"
schema() { cargo run --release --locked --quiet -- schema "$@"; }

form="$(schema)"
tables="$(schema --markdown)"
printf '%s\n' "$form" >www/lib/training/schema.json
using="$(TABLES="$tables" awk '
  /^<!-- settings -->$/ { print; print ""; print ENVIRON["TABLES"]; print ""; within = 1; next }
  /^<!-- \/settings -->$/ { within = 0 }
  !within
' docs/using.md)"
printf '%s\n' "$using" >docs/using.md
