"""PostgreSQL: ``pg_dump`` in the custom format, with the rows of each table counted in the same snapshot."""

from __future__ import annotations

from pathlib import Path

from aistack_backend.containers.backup import volumetar
from aistack_backend.containers.backup.carrier import written
from aistack_backend.containers.backup.inside import say
from aistack_backend.containers.backup.manifest import Piece
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.stack.models import ServiceDecl
from aistack_backend.errors import Unavailable

DUMP = "/tmp/aistack.dump"  # noqa: S108  the container's own
PREPARE = """
for one in /usr/lib/postgresql/*/bin /usr/local/bin; do [ -d "$one" ] && PATH="$PATH:$one"; done
PGUSER="${POSTGRES_USER:-postgres}"
PGDATABASE="${POSTGRES_DB:-$PGUSER}"
PGHOST=127.0.0.1
if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"
else PGPASSWORD="${POSTGRES_PASSWORD:-}"; fi
export PATH PGUSER PGDATABASE PGHOST PGPASSWORD
"""
"""By the variables that PostgreSQL's own image takes."""
COUNT = r"""
SELECT format('SELECT %L, count(*) FROM %I.%I', n.nspname || '.' || c.relname, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
ORDER BY 1 \gexec
"""
TAKE = (
    PREPARE
    + r"""
DUMP="$1"; export DUMP
umask 077
psql -X -q -At -v ON_ERROR_STOP=1 <<'SQL'
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snap \gset
\setenv SNAP :snap
\! pg_dump -Fc --no-owner --snapshot="$SNAP" -f "$DUMP" && echo dumped
"""
    + COUNT
    + """
COMMIT;
SQL
"""
)
PUT = PREPARE + 'pg_restore --clean --if-exists --no-owner --single-transaction -d "$PGDATABASE" "$1"'
COUNTED = PREPARE + f"psql -X -q -At -v ON_ERROR_STOP=1 <<'SQL'\n{COUNT}\nSQL\n"
WAIT = (
    PREPARE
    + """
tries=0
until psql -X -q -At -c 'SELECT 1' >/dev/null 2>/tmp/aistack.wait; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { cat /tmp/aistack.wait >&2; exit 1; }
    sleep 0.2
done
"""
)


class PostgresDump:
    """Dumps one database of a running container, and restores it into one, all or nothing."""

    kind = "postgres"
    port = 0
    """None: everything happens inside the container."""

    def __init__(self, podman: Podman, provisioner: Provisioner) -> None:
        self._podman = podman
        self._provisioner = provisioner

    def wait(self, decl: ServiceDecl, container: str) -> None:
        """Wait, a minute at most, until it answers SQL.

        Raises:
            Unavailable: it does not.
        """
        say(self._podman, container, WAIT, f"wait for {decl.id}", seconds=120)

    def take(self, decl: ServiceDecl, container: str, folder: Path) -> Piece:
        """Dump into ``folder``.

        Raises:
            Unavailable: the dump failed; nothing of it is left in the container.
        """
        file = folder / f"{decl.id}.dump"
        try:
            told = say(self._podman, container, TAKE, f"dump {decl.id}", DUMP).splitlines()
            if "dumped" not in told:
                raise Unavailable(f"The dump of {decl.id} failed: pg_dump gave no file.", "See its log.")
            written(volumetar.one_file(self._provisioner.read_files(container, DUMP)), file)
        finally:
            say(self._podman, container, 'rm -f "$1"', "clean up", DUMP)
        return Piece(kind=self.kind, service=decl.id, file=f"services/{file.name}", counts=_counts(told))

    def put(self, decl: ServiceDecl, container: str, file: Path) -> None:
        """Restore in one transaction: the database is then as dumped, or as it was.

        Raises:
            Unavailable: it failed; the database is as it was.
        """
        with file.open("rb") as source:
            blocks = iter(lambda: source.read(1 << 18), b"")
            tar = volumetar.as_file(DUMP.rpartition("/")[2], file.stat().st_size, blocks, 0o644)
            self._provisioner.write_files(container, DUMP.rpartition("/")[0], tar)
        try:
            say(self._podman, container, PUT, f"restore {decl.id}", DUMP)
        finally:
            say(self._podman, container, 'rm -f "$1" 2>/dev/null || : > "$1" || true', "clean up", DUMP)

    def count(self, decl: ServiceDecl, container: str) -> dict[str, int]:
        """Return the rows of each table."""
        return _counts(say(self._podman, container, COUNTED, f"count the rows of {decl.id}").splitlines())


def _counts(lines: list[str]) -> dict[str, int]:
    pairs = (line.rpartition("|") for line in lines)
    return {name: int(count) for name, bar, count in pairs if bar and count.isdigit()}
