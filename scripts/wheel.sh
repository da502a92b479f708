#!/usr/bin/env bash
# Builds the wheel as a user's `pip wheel .` would (build isolation on), lets auditwheel name the
# oldest glibc that it runs on, and installs and tests it in a bare Debian root without a compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/wheel/bin:$PATH

rm -rf build/wheel dist/*.whl
python -m pip wheel . --quiet --no-deps --wheel-dir build/wheel
auditwheel repair build/wheel/weft-*.whl --wheel-dir dist
wheel=$(echo dist/weft-*.whl)
size=$(stat -c %s "$wheel")
echo "wheel: $wheel, $((size / 1024)) KiB"
[ "$size" -lt $((10 * 1024 * 1024)) ] || { echo "wheel: larger than 10 MiB" >&2; exit 1; }
auditwheel show "$wheel"

scripts/bare.sh --with "$wheel" \
  "python3 -m venv /root/venv" \
  "/root/venv/bin/pip install -qq dist/*.whl" \
  "cd / && /root/venv/bin/python -c 'import weft; weft.show_config()'" \
  "/root/venv/bin/pip install -qq -r requirements/test.txt" \
  "/root/venv/bin/python -m pytest -q tests/python"
