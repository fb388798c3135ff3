# The commands of this project; each is a script under scripts/. Builds go to a folder outside the
# checkout (CARGO_TARGET_DIR), so that a fresh clone on the same machine builds warm.
CACHE := $(or $(SKIP_GANOMALY_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/skip-ganomaly)
export CARGO_TARGET_DIR ?= $(CACHE)/target

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint wasm bench bench-training site

help: ## says what each command does
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

demo: ## serves the page at http://127.0.0.1:8080 (nothing is compiled)
	@node scripts/serve.mjs $(ARGS)

test: ## sets up what the tests need and runs them all: Rust, JavaScript, browser
	@scripts/test.sh

setup: ## gets what building and testing need: Node packages, Chromium, the wasm toolchain
	@scripts/setup.sh

wasm: ## builds pkg/cpu and pkg/gpu from source (KIND=cpu or KIND=gpu for one)
	@scripts/wasm.sh $(or $(KIND),all)

lint: ## formatting, import direction, clippy with warnings as errors for program and page, types of the page
	@scripts/format.sh --check
	@node scripts/layers.mjs
	cargo clippy --release --all-targets --locked -- -D warnings
	@scripts/web-lint.sh
	@scripts/types.sh

bench: ## measures the page and the program against onnxruntime-web and PyTorch
	@node bench/run.mjs $(ARGS)

bench-training: ## measures a training step in the page against the program, jax-js and TensorFlow.js
	@node bench/training.mjs $(ARGS)

site: ## makes site/, a folder ready for GitHub Pages
	@scripts/site.sh
