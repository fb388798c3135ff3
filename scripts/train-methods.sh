#!/usr/bin/env bash
# Makes www/models/methods/ anew: a small model of each method beside Skip-GANomaly, all on the bundled
# pictures, all with seed 0. Lengths and widths are fixed here beforehand; nothing is chosen by test scores.
#
#   scripts/train-methods.sh [METHOD...]      default: all
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

program="$(find_program)"

methods=("$@")
[ ${#methods[@]} -gt 0 ] || methods=(ganomaly anogan egbad alocc aae pca nearest)

runs="$(mktemp -d)"
trap 'rm -rf "$runs"' EXIT
mkdir -p www/models/methods
for method in "${methods[@]}"; do
  # The baselines are fitted in one go, so that they have neither a width nor steps.
  case "$method" in
    pca | nearest) settings=() ;;
    *) settings=(--width 8 --steps 1500) ;;
  esac
  say "$method"
  "$program" train --data www/samples/solar-ir --method "$method" --size 32 --channels 1 --seed 0 "${settings[@]}" \
    --precision f16 --licence "MIT; trained on InfraredSolarModules, MIT, (c) 2020 Raptor Maps, Inc." --out "$runs/$method"
  cp "$runs/$method/model.safetensors" "www/models/methods/$method.safetensors"
done
node scripts/model-list.mjs
