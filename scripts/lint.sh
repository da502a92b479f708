#!/usr/bin/env bash
# clang-tidy over the library, the bindings and the tests (LINT=path... for a few files), and ruff.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/lint/bin:$PATH

ruff check .
cmake --preset release -G Ninja >/dev/null
if [ "$(cmake --build --preset release --target help | grep -c weft_protos_generated)" != 0 ]; then
  cmake --build --preset release --target weft_protos_generated >/dev/null  # headers of some tests
fi
if [ -n "${LINT:-}" ]; then
  read -r -a files <<<"$LINT"
else
  mapfile -t files < <(git ls-files --cached --others --exclude-standard -- 'src/*.cc' 'tests/*.cc' 'examples/*.cc')
fi
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy -p build/release --quiet --warnings-as-errors='*'
