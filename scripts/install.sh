#!/bin/sh
# Installs a released deby: finds out which archive this machine needs, downloads it, compares its checksum, and puts the
# executable into a folder, without root. An older deby is replaced only when all went well; nothing else is left behind.
#
# usage: install.sh [--base-url URL] [--version VERSION] [--dir FOLDER]
#   --base-url URL      folder of the archives and SHA256SUMS; may hold {version}   (or DEBY_BASE_URL)
#   --version VERSION   default: the release that this script belongs to, else the one in SHA256SUMS   (or DEBY_VERSION)
#   --dir FOLDER        where deby goes, default ~/.local/bin
#
# Exit code: 0 installed, 1 not, 2 usage, 129, 130 or 143 after a signal.
set -eu

# Filled in by the release.
release_version=''
release_base_url=''

attempts=3

main() {
  base_url=${DEBY_BASE_URL:-$release_base_url}
  version=${DEBY_VERSION:-$release_version}
  dir=
  read_arguments "$@"
  [ -n "$base_url" ] || usage_error 'where to download from is not known: --base-url URL'
  if [ -z "$dir" ]; then
    [ -n "${HOME:-}" ] || usage_error 'HOME is not set: --dir FOLDER'
    dir=$HOME/.local/bin
  fi
  find_tools
  platform=$(find_platform) || exit 1
  make_work_folder

  resolve_base_url
  fetch "$base_url/SHA256SUMS" "$work/SHA256SUMS"
  find_archive
  say "Downloading $archive"
  fetch "$base_url/$archive" "$work/archive"
  compare_checksum
  unpack
  try_executable
  mv -f "$work/deby" "$dir/deby" || fail "cannot put deby into $dir"
  say "Installed $dir/deby"
  tell_path
  printf '%s\n' "$told_version"
}

say() {
  printf '%s\n' "$1" >&2
}

fail() {
  say "install.sh: $1"
  exit 1
}

usage_error() {
  say "install.sh: $1"
  say 'usage: install.sh [--base-url URL] [--version VERSION] [--dir FOLDER]'
  exit 2
}

read_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
    --base-url | --version | --dir) if [ -z "${2:-}" ]; then usage_error "$1 needs a value"; fi ;;
    *) usage_error "unknown argument $1" ;;
    esac
    case $1 in
    --base-url) base_url=$2 ;;
    --version) version=$2 ;;
    --dir) dir=$2 ;;
    esac
    shift 2
  done
  version=${version#v}
  case $version in *[!0-9A-Za-z.+-]*) usage_error "--version must be one such as 0.1.0, received $version" ;; esac
}

has() {
  command -v "$1" >/dev/null 2>&1
}

find_tools() {
  if has curl; then
    downloader=curl
  elif has wget; then
    downloader=wget
  else
    fail 'neither curl nor wget is here, and one is needed to download'
  fi
  if has sha256sum; then
    hasher=sha256sum
  elif has shasum; then
    hasher='shasum -a 256'
  elif has openssl; then
    hasher='openssl dgst -sha256 -r'
  else
    fail 'none of sha256sum, shasum and openssl is here, and one is needed to check the download'
  fi
}

# Prints the platform as archives are named after it.
find_platform() {
  system=$(uname -s)
  machine=$(uname -m)
  case $machine in
  x86_64 | amd64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) fail "there is no deby for $system on $machine" ;;
  esac
  case $system in
  Linux) find_linux_platform ;;
  Darwin)
    # A shell that runs translated sees an Intel machine.
    if [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || :)" = 1 ]; then arch=arm64; fi
    echo "macos-$arch"
    ;;
  MINGW* | MSYS* | CYGWIN*) fail 'on Windows install.ps1 installs deby' ;;
  *) fail "there is no deby for $system" ;;
  esac
}

find_linux_platform() {
  # A 64-bit kernel can have 32-bit programs only, as on some Raspberry Pis.
  if [ "$(getconf LONG_BIT 2>/dev/null || :)" = 32 ]; then fail 'there is no deby for a 32-bit Linux'; fi
  if uses_musl; then
    echo "linux-$arch-musl"
  elif [ "$arch" = x64 ] && ! grep -qw avx2 /proc/cpuinfo 2>/dev/null; then
    echo linux-x64-baseline
  else
    echo "linux-$arch"
  fi
}

uses_musl() {
  if has ldd; then
    # musl's own prints this to stderr and exits with 1.
    case $(ldd --version 2>&1 || :) in *musl*) return 0 ;; *) return 1 ;; esac
  fi
  for loader in /lib/ld-musl-*; do
    [ ! -e "$loader" ] || return 0
  done
  return 1
}

# In the target folder itself, since only within one file system is a rename atomic.
make_work_folder() {
  mkdir -p "$dir" 2>/dev/null || fail "cannot make the folder $dir: choose another with --dir"
  dir=$(cd "$dir" && pwd)
  [ ! -d "$dir/deby" ] || fail "$dir/deby is a folder"
  for left in "$dir"/.deby-install-*; do
    # Left by an install that was killed; one that still runs keeps its own.
    if [ -d "$left" ] && ! kill -0 "${left##*-}" 2>/dev/null; then rm -rf "$left"; fi
  done
  work=$dir/.deby-install-$$
  child=
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  mkdir -m 700 "$work" 2>/dev/null || fail "cannot write to $dir: choose another folder with --dir"
}

clean_up() {
  trap '' HUP INT TERM
  if [ -n "$child" ]; then
    kill "$child" 2>/dev/null || :
    wait "$child" 2>/dev/null || :
  fi
  rm -rf "$work"
}

resolve_base_url() {
  case $base_url in
  *'{version}'*)
    [ -n "$version" ] || usage_error 'the version is not known: --version VERSION'
    base_url=${base_url%%'{version}'*}$version${base_url#*'{version}'}
    ;;
  esac
  base_url=${base_url%/}
}

# usage: fetch URL FILE
fetch() {
  attempt=1
  while ! "fetch_by_$downloader" "$1" "$2"; do
    reason=$(tail -n 1 "$work/reason")
    case $reason in *' 404'*) fail "there is no $1" ;; esac
    # The exit codes for a file that cannot be written.
    case $downloader-$status in curl-23 | wget-3) fail "cannot write to $dir: ${reason:-is its disk full?}" ;; esac
    [ "$attempt" -lt "$attempts" ] || fail "cannot download $1 in $attempts attempts: $reason"
    sleep "$attempt"
    attempt=$((attempt + 1))
  done
}

fetch_by_curl() {
  # What began encrypted is not redirected to what is not.
  case $1 in https:*) protocols=https ;; *) protocols=http,https ;; esac
  in_background curl -fsSL --proto "=$protocols" --connect-timeout 15 --speed-limit 1000 --speed-time 30 \
    --max-time 1800 -o "$2" "$1"
}

fetch_by_wget() {
  # In the words of busybox's, some of whose builds have no such limit and crash when they are told one.
  case $(wget --help 2>&1 || :) in *-T*) limit='-T 30' ;; *) limit= ;; esac
  # shellcheck disable=SC2086
  in_background wget -nv -t 1 $limit -O "$2" "$1"
}

# Runs a command so that a signal ends it at once: a shell hears signals while it waits, not while a command runs.
in_background() {
  status=0
  "$@" </dev/null >"$work/reason" 2>&1 &
  child=$!
  wait "$child" || status=$?
  child=
  return "$status"
}

# Finds the archive's name, version and checksum.
find_archive() {
  archive=
  while read -r sum name; do
    name=${name#\*}
    case $name in deby-*"-$platform.tar.gz") ;; *) continue ;; esac
    found=${name#deby-}
    found=${found%"-$platform.tar.gz"}
    if [ -z "$version" ] || [ "$found" = "$version" ]; then archive=$name wanted=$sum; fi
  done <"$work/SHA256SUMS"
  [ -n "$archive" ] || fail "SHA256SUMS has no checksum of deby-${version:-*}-$platform.tar.gz: not installed"
  case $wanted in *[!0-9a-f]*) wanted= ;; esac
  [ ${#wanted} -eq 64 ] || fail "SHA256SUMS has no valid checksum of $archive: not installed"
}

compare_checksum() {
  actual=$($hasher <"$work/archive") || fail "cannot compute the checksum of $archive"
  actual=${actual%% *}
  [ "$actual" = "$wanted" ] || fail "the checksum of $archive is wrong: not installed
  expected $wanted
  received $actual"
}

unpack() {
  tar -xzf "$work/archive" -C "$work" deby || fail "cannot unpack $archive in $dir"
  chmod 755 "$work/deby"
}

try_executable() {
  if told_version=$("$work/deby" --version 2>&1); then return; fi
  say "$told_version"
  case $platform in *-musl) say 'It needs the C++ library: apk add libstdc++' ;; esac
  fail 'the downloaded deby does not run here: not installed'
}

tell_path() {
  case :${PATH:-}: in
  *":$dir:"*)
    first=$(command -v deby || :)
    [ "$first" = "$dir/deby" ] || say "$first comes before it on PATH"
    ;;
  *)
    say "$dir is not on PATH: add this line to your shell's profile"
    say "  export PATH=\"$dir:\$PATH\""
    ;;
  esac
}

# The last line, so that nothing runs where the script itself arrived cut short.
main "$@"
