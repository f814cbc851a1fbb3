#!/bin/sh
# Installs what the tests need and runs them; arguments go to `bun test`.
# Tests that need Docker are skipped and counted where no engine answers; with CI=true they fail instead.
set -eu
cd "$(dirname "$0")/.."
. scripts/bootstrap.sh

exec bun test "$@"
