#!/usr/bin/env bash
# Makes www/models/lines/ anew: two models of each product line, PCA and a small Skip-GANomaly, all on the parts of the
# lot with seed 0. Numbers and lengths are fixed here beforehand; nothing is chosen by test scores.
#
#   scripts/train-lines.sh [LINE...]      default: all
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

program="$(find_program)"

lines=("$@")
[ ${#lines[@]} -gt 0 ] || lines=(fabric board gear wood)

runs="$(mktemp -d)"
trap 'rm -rf "$runs"' EXIT
mkdir -p www/models/lines
for line in "${lines[@]}"; do
  train() { # name of the file, settings
    local name="$1"
    shift
    say "$name"
    "$program" train --data "product:$line,size=128,normals=2000,test=0" --size 64 --channels 3 --seed 0 \
      --precision f16 --licence MIT --out "$runs/$name" "$@"
    cp "$runs/$name/model.safetensors" "www/models/lines/$name.safetensors"
  }
  train "$line" --method pca
  train "$line-skip-ganomaly" --width 6 --steps 1000
done
node scripts/model-list.mjs
