#!/usr/bin/env bash
# Sets up what the tests need and runs them all. Every stage runs, unless one it needs has failed;
# any failure fails the whole. The last lines say what ran and how long it took.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
export CARGO_TARGET_DIR="$NATIVE_TARGET"

summary=()
failed=0
all_started=$SECONDS

stage() { # name command...
  local name="$1" started=$SECONDS status
  shift
  printf '\n==> %s\n' "$name"
  "$@"
  status=$?
  local result=ok
  if [ $status -ne 0 ]; then
    result=FAILED
    failed=1
  fi
  summary+=("$(printf '%-8s %-44s %5d s' "$result" "$name" $((SECONDS - started)))")
  return $status
}
not_run() { # a stage that a failed one makes impossible counts as failed
  failed=1
  for name in "$@"; do summary+=("$(printf '%-8s %s' 'NOT RUN' "$name")"); done
}

browser_tests() {
  local files=() pattern file
  shopt -s nullglob
  # Each of the three must be there: a missing file would otherwise pass by not running.
  for pattern in 'page*.mjs' 'parity*.mjs' 'training*.mjs'; do
    local found=(tests/browser/$pattern)
    if [ ${#found[@]} -eq 0 ]; then
      echo "tests/browser/$pattern is missing"
      return 1
    fi
    files+=("${found[@]}")
  done
  # One file at a time: each starts a browser, and timings are asserted.
  PKG_CPU_DIR="$SCRATCH_PKG/cpu" node --test --test-concurrency=1 --test-reporter=spec "${files[@]}"
}

SCRATCH_PKG="$CACHE/pkg-test"

if stage "set-up" scripts/setup.sh; then
  stage "formatting (rustfmt)" scripts/format.sh --check
  stage "clippy" cargo clippy --release --all-targets --locked -- -D warnings
  stage "code of the page (clippy for wasm)" scripts/web-lint.sh
  stage "tests of the scripts" node --test --test-reporter=spec tests/scripts/*.test.mjs
  stage "units of the page" node --test --test-reporter=spec tests/unit/*.test.mjs
  stage "types of the page (tsc)" scripts/types.sh
  stage "stamp of pkg/" node scripts/stamp.mjs --check
  stage "size budgets" node scripts/budget.mjs
  stage "Rust tests (cargo test --release)" cargo test --release --locked
  if stage "the program (cargo build --release)" cargo build --release --locked &&
    stage "CPU module from source" scripts/wasm.sh cpu --out "$SCRATCH_PKG"; then
    stage "browser tests" browser_tests
  else
    not_run "browser tests"
  fi
else
  not_run "everything else"
fi

printf '\n==> summary, %d s in all\n' $((SECONDS - all_started))
printf '%s\n' "${summary[@]}"
if [ $failed -ne 0 ]; then
  echo "Some stages failed."
  exit 1
fi
echo "All stages passed."
