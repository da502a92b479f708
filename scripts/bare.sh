#!/usr/bin/env bash
# bare.sh [--with FILE]... [COMMAND...]
# Clones HEAD into a fresh minimal Debian 12 (make, git and Python 3.11; no compiler, nothing of ours)
# and runs each COMMAND there with an empty environment, as a newcomer would; by default the README's
# two, then `pip install .` in a fresh environment, then C++ with Debian's CMake alone. A used
# machine hides what is missing. --with puts a file into dist/ of the clone.
#
# From this machine come only what it needs to reach the outside: apt sources' mirror, certificates,
# resolv.conf, hosts, proxies, and pip's configuration with the local folders that it names.
set -euo pipefail
cd "$(dirname "$0")/.."

files=()
while [ "${1:-}" = --with ]; do files+=("$2"); shift 2; done
[ $# -gt 0 ] || set -- "make test" "make demo" \
  "python3 -m venv /root/fresh && /root/fresh/bin/pip install -qq . &&
   cd / && /root/fresh/bin/python -c 'import weft; weft.show_config()'" \
  "apt-get install -y -qq -o Dpkg::Use-Pty=0 cmake >/dev/null &&
   cmake --preset release && cmake --build --preset release -j && ctest --preset release"
[ "$(id -u)" = 0 ] || { echo "bare: debootstrap and chroot need root: sudo make bare" >&2; exit 1; }
PATH=$PATH:/usr/sbin:/sbin

base=$PWD/build/bare/base
root=$PWD/build/bare/root
bundle=/etc/ssl/certs/ca-certificates.crt

leave() {
  local mounted
  for mounted in "$root/proc" "$base/proc"; do
    if grep -qs " $mounted " /proc/mounts; then umount "$mounted" || umount -l "$mounted" || true; fi
  done
}
trap leave EXIT
trap 'exit 130' INT TERM

mirror() {
  local found
  found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    grep -vE '^\s*#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true)
  echo "$found"
}

# The values of `pip config list` as an /etc/pip.conf. Local folders that it names come along, as hard
# links where the file system can.
pip_configuration() {
  local values folder
  values=$(python3 -m pip config list 2>/dev/null |
    sed -nE "s/^(:env:\.|global\.)(index-url|extra-index-url|find-links|trusted-host|default-timeout|timeout)='?([^']*)'?$/\2 = \3/p" |
    sed 's/^default-timeout/timeout/' | sort -u -t= -k1,1)
  { echo "[global]"; echo "cert = $bundle"; [ -z "$values" ] || echo "$values"; } >"$root/etc/pip.conf"
  { grep -oE '(file://)?/[^ ]+' <<<"$values" || true; } | grep -v '^//' | sed 's,^file://,,; s,/simple/*$,,' | sort -u |
    while IFS= read -r folder; do
      [ -d "$folder" ] || continue
      mkdir -p "$root$(dirname "$folder")"
      cp -al "$folder" "$root$folder" 2>/dev/null || { rm -rf "$root$folder"; cp -a "$folder" "$root$folder"; }
    done
}

leave
if [ ! -e "$base/complete" ]; then
  source=$(mirror)
  echo "bare: debootstrap of bookworm${source:+ from $source}"
  rm -rf "$base"
  mkdir -p "$base"
  debootstrap --variant=minbase --include=ca-certificates,git,make,python3,python3-venv \
    bookworm "$base" ${source:+"$source"} >build/bare/debootstrap.log 2>&1 ||
    { tail -n 20 build/bare/debootstrap.log >&2; exit 1; }
  touch "$base/complete"
fi
rm -rf --one-file-system "$root"
cp -a "$base" "$root"
rm "$root/complete"
cp -L "$bundle" "$root$bundle"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp -L /etc/hosts "$root/etc/hosts"
mkdir -p "$root/dev/shm"
chmod 1777 "$root/dev/shm"
pip_configuration
git clone --quiet --no-hardlinks . "$root/root/weft"
if [ ${#files[@]} -gt 0 ]; then
  mkdir -p "$root/root/weft/dist"
  cp "${files[@]}" "$root/root/weft/dist/"
fi
mount -t proc proc "$root/proc"

environment=(HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
for name in http_proxy https_proxy no_proxy; do
  [ -z "${!name:-}" ] || environment+=("$name=${!name}")
done
for command in "$@"; do
  echo "bare: $command"
  start=$SECONDS
  env -i "${environment[@]}" chroot "$root" /bin/bash -c "cd /root/weft && $command"
  echo "bare: $command: done in $((SECONDS - start)) s"
done
