#!/bin/sh
# Installs what the tests need and runs them; arguments go to `bun test`.
# Tests that need Docker are skipped and counted where no engine answers; with CI=true they fail instead.
set -eu
cd "$(dirname "$0")/.."
. scripts/bootstrap.sh

if [ $# -gt 0 ]; then exec bun test "$@"; fi

# Beginnings of the paths of tests that ask what comes out and hardly how soon: they go two files at a time. All others
# break databases, measure what follows, and need the machine, or the Docker engine, for themselves.
side_by_side='unit integration/check/ integration/database/fleet integration/database/once integration/diagnostics/health
  integration/drills integration/pooler/drills integration/pooler/once binary/docker-image binary/embedded-serve.test
  binary/fresh-machine binary/install binary/package.test binary/release'

# Many tests run the executable; none of them is to wait for it within a limit of its own.
bun scripts/build.ts
for path in $side_by_side; do set -- "$@" "test/$path"; done
exit_code=0
bun test --parallel=2 "$@" || exit_code=1
for path; do
  shift
  set -- "$@" "--path-ignore-patterns=$path**"
done
bun test "$@" || exit_code=1
exit "$exit_code"
