#!/bin/sh
# Installs what is needed, builds deby and runs `deby serve` with the arguments given, for example --embedded.
set -eu
cd "$(dirname "$0")/.."
. scripts/bootstrap.sh

bun run build >&2
exec ./deby serve "$@"
