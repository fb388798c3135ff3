#!/usr/bin/env bash
# Makes www/models/lines/ anew: two models of each product line, Repair and PCA, all on the parts of the lot with seed 0,
# and found.json, which says how small a fault the first of them finds. Numbers and lengths are fixed here beforehand;
# nothing is chosen by test scores.
#
#   scripts/train-lines.sh [LINE...]      default: all
#   STEPS=200 scripts/train-lines.sh      quick models, to try the page with
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

program="$(find_program)"

lines=("$@")
[ ${#lines[@]} -gt 0 ] || lines=(fabric board gear wood)

runs="$(mktemp -d)"
trap 'rm -rf "$runs"' EXIT
mkdir -p www/models/lines
parts() { printf 'product:%s,size=128,normals=2000,test=0' "$1"; } # of a line
for line in "${lines[@]}"; do
  train() { # name of the file, settings
    local name="$1"
    shift
    say "$name"
    "$program" train --data "$(parts "$line")" --size 64 --channels 3 --seed 0 \
      --precision f16 --licence MIT --out "$runs/$name" "$@"
    cp "$runs/$name/model.safetensors" "www/models/lines/$name.safetensors"
  }
  train "$line" --preset repair --width 8 --steps "${STEPS:-5000}" --augment none --mu 1 --latent final
  train "$line-pca" --method pca
  say "how small a fault $line finds"
  "$program" evaluate --data "$(parts "$line")" --model "www/models/lines/$line.safetensors" --no-baselines \
    --simulated 0 --json >"$runs/$line.json"
  node scripts/found.mjs "$line" "$runs/$line.json"
done
node scripts/model-list.mjs
