#!/bin/sh
# Installs what is needed, builds deby, and serves the API on the embedded database; flags go to `deby serve`.
# On a database of your own: ./deby serve
set -eu
cd "$(dirname "$0")/.."
. scripts/bootstrap.sh

bun run build >&2

# Says what to try once the server is ready; gives up with it, or after a minute.
tell_what_next() {
  port=${DEBY_PORT:-${PORT:-5000}}
  tries=0
  until ./deby health --url "http://127.0.0.1:$port/readyz" >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ $tries -ge 120 ] || ! kill -0 $$ 2>/dev/null; then return; fi
    sleep 0.5
  done
  cat >&2 <<END

Try next, in another terminal:
  curl -s http://127.0.0.1:$port/api/health     the state, from memory
  http://127.0.0.1:$port/swagger                every route, in a browser
  ./deby simulate-outage                     lose a database under load, and see what it costs
  ./deby check                               what is wrong with a database of your own

END
}

case " $* " in
*" --port"*) ;; # Whoever chooses a port knows where to look.
*) tell_what_next & ;;
esac

exec ./deby serve --embedded "$@"
