#!/usr/bin/env bash
# oracle.sh check: runs every tests/oracle/make_*.py in its TensorFlow's environment, into a
# temporary folder, and compares with tests/golden; then weft and TensorFlow side by side on random
# columns for ORACLE_SECONDS (60), and the demo's model of buying again, trained by the demo and, on
# the records it writes, by Keras. oracle.sh write: overwrites tests/golden.
# A script runs under TensorFlow 2.15 unless it says "# environment: tf221" in its first lines.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-check}
out=tests/golden
if [ "$mode" = check ]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi
for script in tests/oracle/make_*.py; do
  environment=$(sed -n '1,60s/^# environment: *\([a-z0-9]*\).*/\1/p' "$script")
  echo "oracle: $script (${environment:-tf215})"
  ".venv/${environment:-tf215}/bin/python" "$script" --out "$out"
done
if [ "$mode" = check ]; then
  .venv/tf215/bin/python scripts/compare_golden.py "$out" tests/golden
  scripts/install.sh tf215
  .venv/tf215/bin/python tests/oracle/check_comparison.py
  .venv/tf215/bin/python tests/oracle/random_columns.py "${ORACLE_SECONDS:-60}"
  scripts/install.sh demo
  .venv/demo/bin/python demo/run.py
  .venv/tf215/bin/python tests/oracle/demo_in_keras.py build/demo
fi
