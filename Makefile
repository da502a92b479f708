# `make demo` and `make test` do all the set-up themselves; `make help` lists the rest.
SHELL := /bin/bash
SETUP := scripts/setup.sh
.DEFAULT_GOAL := help
.PHONY: help demo test frameworks bench oracle golden asan tsan fuzz format lint docs wheel bare stub clean distclean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo:  ## the documented pipeline, and training, on real receipts
	@$(SETUP) system build
	@$(SETUP) venv dev demo
	@scripts/install.sh demo
	@.venv/demo/bin/python demo/run.py

test:  ## everything: C++ and Python tests, layering, format, stub, README
	@$(SETUP) system build
	@$(SETUP) venv dev
	@scripts/test.sh

frameworks:  ## the tests and documentation of weft.torch and weft.jax, in an environment that has both
	@$(SETUP) system build
	@$(SETUP) venv dev frameworks
	@scripts/install.sh frameworks
	@.venv/frameworks/bin/python -m pytest -q tests/python tests/docs -k "torch or jax"

bench:  ## weft against TensorFlow and torch, into docs/benchmarks.md
	@$(SETUP) system build bench
	@$(SETUP) venv dev bench tf215 tf221
	@scripts/install.sh bench
	@.venv/bench/bin/python benchmarks/run.py

oracle:  ## golden files, random columns for ORACLE_SECONDS (60) and the demo, beside TensorFlow
	@$(SETUP) system build
	@$(SETUP) venv dev tf215 tf221 demo
	@scripts/oracle.sh check

golden:  ## overwrite tests/golden with what TensorFlow says
	@$(SETUP) venv tf215 tf221
	@scripts/oracle.sh write

asan:  ## all C++ tests under the address and undefined behaviour sanitizers
	@$(SETUP) system build
	@$(SETUP) venv dev
	@scripts/sanitize.sh asan

tsan:  ## all C++ tests under the thread sanitizer
	@$(SETUP) system build
	@$(SETUP) venv dev
	@scripts/sanitize.sh tsan

fuzz:  ## each fuzz target for FUZZ_SECONDS (60)
	@$(SETUP) system build fuzz
	@$(SETUP) venv dev
	@scripts/fuzz.sh

format:  ## rewrite the sources in the project's style
	@$(SETUP) venv dev
	@scripts/format.sh

lint:  ## clang-tidy and ruff
	@$(SETUP) system build
	@$(SETUP) venv lint
	@scripts/lint.sh

docs:  ## build/docs/index.html
	@$(SETUP) system build
	@$(SETUP) venv dev docs
	@scripts/install.sh docs
	@.venv/docs/bin/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "docs: build/docs/index.html"

stub:  ## regenerate python/weft/_core.pyi
	@$(SETUP) system build
	@$(SETUP) venv dev
	@scripts/install.sh dev
	@.venv/dev/bin/cmake --build build/python --target _core_stub
	@cp build/python/_core.pyi python/weft/_core.pyi

wheel:  ## dist/*.whl with its manylinux tag, tried in a bare Debian root
	@$(SETUP) system build bare
	@$(SETUP) venv wheel
	@scripts/wheel.sh

bare:  ## the two commands of the README in a minimal Debian root
	@$(SETUP) system bare
	@scripts/bare.sh

clean:  ## remove build/ and dist/
	@rm -rf build dist

distclean: clean  ## remove the environments as well
	@rm -rf .venv
