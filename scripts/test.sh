#!/usr/bin/env bash
# Sets up what the tests need and runs them all. Every stage runs, unless one it needs has failed;
# any failure fails the whole. The last lines say what ran and how long it took.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
export CARGO_TARGET_DIR="$NATIVE_TARGET"
# The same cases on every machine; `cargo test` by hand draws others each time.
export PROPTEST_RNG_SEED=1

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

browser_tests() { # all but what asserts times
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
  # One file at a time: each starts a browser.
  PKG_CPU_DIR="$SCRATCH_PKG/cpu" node --test --test-concurrency=1 --test-reporter=spec "${files[@]}"
}

timing_tests() { # a busy machine may fail them, a slow program always does: up to three attempts
  local files=(tests/browser/timing*.mjs) attempt
  if ! [ -f "${files[0]:-}" ]; then
    echo "tests/browser/timing*.mjs is missing"
    return 1
  fi
  for attempt in 1 2 3; do
    if PKG_CPU_DIR="$SCRATCH_PKG/cpu" node --test --test-concurrency=1 --test-reporter=spec "${files[@]}"; then
      timing_attempts="$attempt"
      return 0
    fi
    echo "attempt $attempt at the assertions about time failed"
  done
  timing_attempts=3
  return 1
}

SCRATCH_PKG="$CACHE/pkg-test"

if stage "set-up" scripts/setup.sh; then
  stage "formatting (rustfmt)" scripts/format.sh --check
  stage "import direction" node scripts/layers.mjs
  stage "clippy" cargo clippy --release --all-targets --locked -- -D warnings
  stage "documentation (rustdoc)" env RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps
  stage "code of the page (clippy for wasm)" scripts/web-lint.sh
  stage "tests of the scripts" node --test --test-reporter=spec tests/scripts/*.test.mjs
  stage "tests of the page without a browser" node --test --test-reporter=spec tests/unit/*.test.mjs
  stage "types of the page (tsc)" scripts/types.sh
  stage "stamp of pkg/" node scripts/stamp.mjs --check
  stage "size budgets" node scripts/budget.mjs
  stage "Rust tests (cargo test --release)" cargo test --release --locked --no-fail-fast
  if stage "the program (cargo build --release)" cargo build --release --locked &&
    stage "CPU module from source" scripts/wasm.sh cpu --out "$SCRATCH_PKG"; then
    stage "browser tests" browser_tests
    stage "assertions about time" timing_tests
    [ "${timing_attempts:-1}" -eq 1 ] || summary+=("         (assertions about time took $timing_attempts attempts)")
  else
    not_run "browser tests" "assertions about time"
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
