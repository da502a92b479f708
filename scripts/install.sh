#!/usr/bin/env bash
# install.sh ENVIRONMENT...: builds the wheel in .venv/dev and installs it into .venv/ENVIRONMENT.
# build/python is kept, so that only what changed is compiled; it is configured with the tests and
# libweft.so as well, which `make test` builds from the same objects.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf build/wheel
PATH=$PWD/.venv/dev/bin:$PATH .venv/dev/bin/python -m pip wheel . -v --wheel-dir build/wheel \
  --no-build-isolation --no-deps \
  --config-settings=build-dir=build/python \
  --config-settings=cmake.define.WEFT_BUILD_TESTS=ON \
  --config-settings=cmake.define.WEFT_BUILD_EXAMPLES=ON \
  --config-settings=cmake.define.BUILD_SHARED_LIBS=ON 2>&1 |
  grep -vE '^\s*$|^\s*-- |pip-|Preparing metadata|Getting requirements' || exit 1
for environment in "$@"; do
  ".venv/$environment/bin/python" -m pip install --quiet --no-deps --force-reinstall build/wheel/weft-*.whl
done
