#!/bin/sh
# Installs what is needed, builds deby and runs `deby serve` with the arguments given, for example --embedded.
set -eu
. "$(dirname "$0")/bootstrap.sh"

bun run build >&2
exec ./deby serve "$@"
