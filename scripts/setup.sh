#!/usr/bin/env bash
# setup.sh system GROUP...   system packages: build, fuzz, bench, bare, wheel
# setup.sh venv NAME...      .venv/NAME from requirements/NAME.txt and, without their own, NAME-alone.txt
# Quick when there is nothing to do. Installs with apt-get when it may, and otherwise says which
# packages are missing and the one command that installs them.
set -euo pipefail
cd "$(dirname "$0")/.."

die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

has_header() { [ -e "/usr/include/$1" ] || [ -e "/usr/local/include/$1" ] || compgen -G "/usr/include/*-linux-gnu/$1" >/dev/null; }

# The first Python that is new enough; PYTHON=... chooses another.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  die "needs Python 3.11 or later (python3 is $(python3 -V 2>&1 || true)); name one with PYTHON=/path/to/python3"
}

has_python_headers() {
  "$(find_python)" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))'
}
has_clang() { compgen -c clang++ | grep -qE '^clang\+\+(-[0-9]+)?$'; }
has_fuzzer() { compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.fuzzer*' >/dev/null || compgen -G '/usr/lib/clang/*/lib/*/libclang_rt.fuzzer*' >/dev/null; }

# "package: test that succeeds where it is not needed" for a group.
needs() {
  case "$1" in
    build)
      echo 'g++: command -v g++'
      echo 'make: command -v make'
      echo 'git: command -v git'
      echo 'binutils: command -v nm'
      echo 'pkg-config: command -v pkg-config'
      echo 'zlib1g-dev: has_header zlib.h'
      echo 'nlohmann-json3-dev: has_header nlohmann/json.hpp'
      echo 'libgtest-dev: has_header gtest/gtest.h'
      echo 'python3-dev: has_python_headers'
      echo "python3-venv: $(find_python) -c 'import ensurepip'" ;;
    fuzz)
      echo 'clang-16: has_clang'
      echo 'libclang-rt-16-dev: has_fuzzer'
      echo 'libprotobuf-dev: has_header google/protobuf/message.h'
      echo 'protobuf-compiler: command -v protoc'
      echo 'libfarmhash-dev: has_header farmhash.h' ;;
    bench) echo 'libbenchmark-dev: has_header benchmark/benchmark.h' ;;
    bare) echo 'debootstrap: command -v debootstrap || [ -x /usr/sbin/debootstrap ]' ;;
    *) die "no group of system packages is called '$1'" ;;
  esac
}

system_packages() {
  local group line missing=()
  for group in "$@"; do
    while IFS= read -r line; do
      eval "${line#*: }" >/dev/null 2>&1 || missing+=("${line%%: *}")
    done < <(needs "$group")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "please install what your system calls: ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    die "missing system packages; please run:  sudo apt-get install -y --no-install-recommends ${missing[*]}"
  fi
  echo "setup: installing system packages: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}" >/dev/null
}

# Everything that the environment depends on: Python and the requirement files it reads.
stamp_of() {
  local file=$1
  { "$2" -c 'import sys; print(sys.version, sys.base_prefix)'
    cat "$file"
    [ ! -e "${file%.txt}-alone.txt" ] || cat "${file%.txt}-alone.txt"
    sed -n 's/^-r //p' "$file" | while IFS= read -r other; do stamp_of "requirements/$other" "$2"; done
  } | sha256sum | cut -d' ' -f1
}

virtual_environment() {
  local name=$1 python stamp dir=.venv/$1
  python=$(find_python)
  if [ "$name" = tf215 ] && ! "$python" -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then
    python=$(PYTHON="${PYTHON_FOR_TF215:-python3.11}" find_python) ||
      die "tensorflow 2.15.1 needs Python 3.11; name one with PYTHON_FOR_TF215=/path/to/python3.11"
  fi
  stamp=$(stamp_of "requirements/$name.txt" "$python")
  [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ] && return 0
  echo "setup: making $dir from requirements/$name.txt"
  "$python" -m venv --clear "$dir"
  "$dir/bin/python" -m pip install -qq --upgrade pip
  "$dir/bin/python" -m pip install -qq -r "requirements/$name.txt"
  [ ! -e "requirements/$name-alone.txt" ] ||
    "$dir/bin/python" -m pip install -qq --no-deps -r "requirements/$name-alone.txt"
  echo "$stamp" >"$dir/stamp"
}

what=${1:-}
shift || true
case "$what" in
  system) system_packages "$@" ;;
  venv) for name in "$@"; do virtual_environment "$name"; done ;;
  *) die "usage: setup.sh system GROUP... | setup.sh venv NAME..." ;;
esac
