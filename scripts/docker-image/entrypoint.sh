#!/bin/sh
# Behaves as the official postgres image does, in what deby and its tests use of it: the variables, the way the first
# start goes (a temporary server without TCP, then the real one), and who the server runs as. What initdb would make of
# the defaults is there already, to be copied.
set -eu

fail() {
  echo "$1" >&2
  exit 1
}

# usage: from_file NAME DEFAULT: NAME, the contents of the file in NAME_FILE, or the default
from_file() {
  eval "value=\${$1:-} file=\${$1_FILE:-}"
  [ -z "$value" ] || [ -z "$file" ] || fail "error: both $1 and $1_FILE are set (but are exclusive)"
  [ -z "$file" ] || value=$(cat "$file")
  export "$1=${value:-$2}"
}

prepare_folders() {
  mkdir -p "$PGDATA" /var/run/postgresql
  chmod 700 "$PGDATA" || :
  chmod 3777 /var/run/postgresql || :
  if [ "$(id -u)" = 0 ]; then chown -R postgres:postgres "$PGDATA" /var/run/postgresql; fi
}

read_settings() {
  from_file POSTGRES_PASSWORD ''
  from_file POSTGRES_USER postgres
  from_file POSTGRES_DB "$POSTGRES_USER"
  from_file POSTGRES_INITDB_ARGS ''
  : "${POSTGRES_HOST_AUTH_METHOD:=}"
  [ -n "$POSTGRES_PASSWORD" ] || [ "$POSTGRES_HOST_AUTH_METHOD" = trust ] ||
    fail 'Error: Database is uninitialized and superuser password is not specified.
       You must specify POSTGRES_PASSWORD to a non-empty value for the superuser.'
}

init_folder() {
  if is_default; then cp -R -p "$PGTEMPLATE/." "$PGDATA"; else run_initdb; fi
  method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption)}
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
}

is_default() {
  [ "$POSTGRES_USER" = postgres ] && [ -z "$POSTGRES_INITDB_ARGS" ] && [ -r "$PGTEMPLATE/PG_VERSION" ]
}

run_initdb() {
  password_file=$(mktemp)
  printf '%s\n' "$POSTGRES_PASSWORD" >"$password_file"
  eval "initdb --username=\"\$POSTGRES_USER\" --pwfile=\"$password_file\" $POSTGRES_INITDB_ARGS"
  rm "$password_file"
}

process_sql() {
  PGPASSWORD=$POSTGRES_PASSWORD psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --no-password "$@"
}

init_contents() {
  if is_default && [ -n "$POSTGRES_PASSWORD" ]; then
    process_sql --dbname postgres <<-'SQL'
	\getenv password POSTGRES_PASSWORD
	ALTER ROLE CURRENT_USER PASSWORD :'password' ;
	SQL
  fi
  if [ "$POSTGRES_DB" != postgres ]; then
    process_sql --dbname postgres --set db="$POSTGRES_DB" <<-'SQL'
	CREATE DATABASE :"db" ;
	SQL
  fi
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
    *.sh) . "$file" ;;
    *.sql) process_sql --dbname "$POSTGRES_DB" --file "$file" ;;
    esac
  done
}

init_database() {
  read_settings
  init_folder
  pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p ${PGPORT:-5432}" -w start
  init_contents
  pg_ctl -D "$PGDATA" -m fast -w stop
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

case ${1:-} in -*) set -- postgres "$@" ;; esac

if [ "${1:-}" = postgres ]; then
  prepare_folders
  if [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
  fi
  if [ -s "$PGDATA/PG_VERSION" ]; then
    printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
  else
    init_database
  fi
fi

exec "$@"
