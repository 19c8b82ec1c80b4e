#!/bin/bash
# What the upstream image's entry point promises: POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD or ..._FILE, PGDATA,
# POSTGRES_INITDB_ARGS, and /docker-entrypoint-initdb.d/*.sql and *.sh on the first start. Clients by network use scram.
set -euo pipefail
export PATH=/opt/pgbin:$PATH PGDATA=${PGDATA:-/var/lib/postgresql/data}
[ "${1:-}" != "" ] && [ "${1#-}" = "$1" ] || set -- postgres "$@"

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chown postgres:postgres "$PGDATA"
    exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi
[ "$1" = postgres ] || exec "$@"

first_start() {
    local user=${POSTGRES_USER:-postgres} password=${POSTGRES_PASSWORD:-} db file
    [ -z "${POSTGRES_PASSWORD_FILE:-}" ] || password=$(cat "$POSTGRES_PASSWORD_FILE")
    [ -n "$password" ] || { echo "Error: Database is uninitialized and superuser password is not specified." >&2; exit 1; }
    db=${POSTGRES_DB:-$user}
    # shellcheck disable=SC2086
    initdb --username="$user" --pwfile=<(printf '%s\n' "$password") --auth-local=trust --auth-host=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 ${POSTGRES_INITDB_ARGS:-} >/dev/null
    printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    pg_ctl -w -o "-c listen_addresses=" start >/dev/null
    [ "$db" = postgres ] || psql -qX -v ON_ERROR_STOP=1 -U "$user" -d postgres -c "CREATE DATABASE \"$db\""
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
        *.sql) echo "running $file"; psql -qX -v ON_ERROR_STOP=1 -U "$user" -d "$db" -f "$file" ;;
        *.sh) echo "running $file"; bash "$file" ;;
        esac
    done
    pg_ctl -w -m fast stop >/dev/null
    echo "PostgreSQL init process complete; ready for start up."
}

mkdir -p "$PGDATA"
chmod 700 "$PGDATA"
[ -s "$PGDATA/PG_VERSION" ] || first_start
exec "$@" -c listen_addresses='*'
