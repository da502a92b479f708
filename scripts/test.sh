#!/usr/bin/env bash
# Everything that `make test` checks, on environments that are set up.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/dev/bin:$PATH

step() { printf '\n== %s\n' "$*"; }

step "format and lint"
scripts/format.sh --check

step "the wheel, built and installed into .venv/dev"
scripts/install.sh dev

step "C++ library, tests and examples"
cmake --build build/python
ctest --test-dir build/python --output-on-failure --no-tests=error

step "Python, layering, installed C++ library, documentation"
WEFT_BUILD_DIR=$PWD/build/python python -m pytest -q tests
