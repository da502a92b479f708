#!/usr/bin/env bash
# format.sh: rewrites the C++ and Python sources in the project's style.
# format.sh --check: changes nothing, fails where a file would change; also runs ruff's linter.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/dev/bin:$PATH

sources() { git ls-files -z --cached --others --exclude-standard -- "$@" | xargs -0 -r ls -d 2>/dev/null || true; }
mapfile -t cpp < <(sources '*.cc' '*.h')
mapfile -t python < <(sources '*.py')

if [ "${1:-}" = --check ]; then
  [ ${#cpp[@]} = 0 ] || clang-format --dry-run -Werror "${cpp[@]}"
  [ ${#python[@]} = 0 ] || { ruff check "${python[@]}" && ruff format --check "${python[@]}"; }
else
  [ ${#cpp[@]} = 0 ] || clang-format -i "${cpp[@]}"
  [ ${#python[@]} = 0 ] || { ruff check --fix "${python[@]}" && ruff format "${python[@]}"; }
fi
