# Sourced in the project's folder by the other scripts: puts the Bun that package.json names on PATH, and installs the
# project's packages. Needs nothing but a shell and either Bun or npm.

# A version, not the range that `engines` has.
bun_version=$(sed -n 's/^ *"bun": "\([0-9][^"]*\)".*/\1/p' package.json)

# Kept apart from the project's packages, which Bun installs.
bun_folder=.deby/bun

# usage: is_wanted_bun COMMAND: whether it runs, and is of the version that package.json names
is_wanted_bun() {
  [ "$("$1" --version 2>/dev/null)" = "$bun_version" ]
}

# Prints where the wanted Bun is. The executables of @oven are asked too, since the package `bun` gets its own from an
# install script, which newer npm versions do not run; those that this machine cannot execute answer nothing.
find_bun() {
  for candidate in "$(command -v bun || :)" node_modules/.bin/bun \
    "$bun_folder"/node_modules/.bin/bun "$bun_folder"/node_modules/@oven/*/bin/bun; do
    if [ -n "$candidate" ] && is_wanted_bun "$candidate"; then
      (cd "$(dirname "$candidate")" && pwd)
      return
    fi
  done
  return 1
}

if ! bun_path=$(find_bun); then
  echo "Installing Bun $bun_version into $bun_folder" >&2
  mkdir -p "$bun_folder"
  if command -v npm >/dev/null; then
    npm install --prefix "$bun_folder" --no-save --no-package-lock --no-audit --no-fund "bun@$bun_version" >&2
  elif command -v bun >/dev/null; then
    echo '{}' >"$bun_folder/package.json"
    bun add --cwd "$bun_folder" --no-save "bun@$bun_version" >&2
  else
    echo "Cannot find Bun or npm: install one of them, https://bun.sh or https://nodejs.org" >&2
    exit 1
  fi
  bun_path=$(find_bun) || {
    echo "Cannot run Bun $bun_version on this machine, see $bun_folder" >&2
    exit 1
  }
fi

PATH=$bun_path:$PATH
export PATH

bun install --frozen-lockfile >&2
