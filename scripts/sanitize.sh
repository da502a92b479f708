#!/usr/bin/env bash
# sanitize.sh asan|tsan: builds that preset and runs all C++ tests in it.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/dev/bin:$PATH
cmake --preset "$1" -G Ninja >/dev/null
cmake --build --preset "$1"
ctest --preset "$1"
