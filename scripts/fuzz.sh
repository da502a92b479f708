#!/usr/bin/env bash
# Builds fuzz/*_fuzz.cc with clang, libFuzzer and the address and undefined behaviour sanitizers, the
# library included, and runs each for FUZZ_SECONDS (60) from its committed seeds, fuzz/corpus/<name>/.
# What is found goes to build/fuzz/crashes/, what is learned to build/fuzz/corpus/. FUZZ=name for one.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/dev/bin:$PATH
seconds=${FUZZ_SECONDS:-60}

clang=${CXX:-$(compgen -c clang++ | grep -E '^clang\+\+(-[0-9]+)?$' | sort -u -t- -k3n | tail -n 1)}
cmake --preset fuzz -G Ninja -DCMAKE_CXX_COMPILER="$clang" >/dev/null
cmake --build --preset fuzz
mkdir -p build/fuzz/crashes build/fuzz/logs

run_one() {
  local target=$1 seconds=$2 name learned seeds log
  name=$(basename "$target" _fuzz)
  learned=build/fuzz/corpus/$name seeds=fuzz/corpus/$name log=build/fuzz/logs/$name.txt
  mkdir -p "$learned"
  [ -d "$seeds" ] || { echo "FAILED $name: no seed corpus in $seeds"; return 1; }
  if UBSAN_OPTIONS=print_stacktrace=1 "$target" "$learned" "$seeds" -max_total_time="$seconds" -timeout=10 \
      -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="build/fuzz/crashes/$name-" >"$log" 2>&1; then
    printf 'clean  %-20s %12s inputs in %s s, coverage %s\n' "$name" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$seconds" \
      "$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d' ' -f2)"
  else
    echo "FAILED $name: see $log and build/fuzz/crashes/"
    grep -vE '^#[0-9]' "$log" | tail -n 40
    return 1
  fi
}
export -f run_one

printf '%s\n' build/fuzz/fuzz/${FUZZ:-*}_fuzz |
  xargs -P "$(nproc)" -I {} bash -c 'run_one "$1" "$2"' run_one {} "$seconds"
echo "all fuzz targets are clean"
