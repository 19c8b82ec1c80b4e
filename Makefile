# Every target works from a fresh clone: it makes .venv first and needs only Python 3.11 or newer.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PY := .venv/bin/python
# without byte code every start would compile every module again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test check bench soak podman shots testbed docs lock clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## set up what is missing, then open the console
	@scripts/setup.sh run
	@.venv/bin/aistack-console

test: ## set up everything, the test bed too, and run every test
	@scripts/test.sh

check: ## format, lint, types, layers, untrusted text
	@scripts/setup.sh dev
	@scripts/check.sh

bench: ## measure the figures that the README names
	@scripts/setup.sh dev
	@scripts/testbed.sh up
	@$(PY) -m bench

soak: ## the tests in their full counts
	@SECOND_LOOKS=0 scripts/test.sh -m soak

podman: ## the tests of Podman once more, on Podman 5 (root on Debian)
	@scripts/setup.sh dev
	@scripts/podman5.sh run

shots: ## write the screens' snapshots anew, to be looked at before they are committed
	@scripts/setup.sh dev
	@$(PY) -m pytest -q tests/console --snapshot-update

testbed: ## Podman, its API service and the images that the tests use
	@scripts/testbed.sh up

docs: ## write the generated pages of docs/ anew
	@scripts/setup.sh dev
	@$(PY) scripts/gen_docs.py

lock: ## pin the requirements anew
	@scripts/lock.sh

clean: ## remove what was made in the checkout
	@rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks dist build
