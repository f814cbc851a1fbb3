#!/bin/sh
# Installs what the tests need and runs them; arguments go to `bun test`.
# Tests that need Docker are skipped and counted where no engine answers; with CI=true they fail instead.
set -eu
. "$(dirname "$0")/bootstrap.sh"

exec bun test "$@"
