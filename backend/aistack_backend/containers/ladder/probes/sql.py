"""``sql``: a round trip through PostgreSQL: log in by password, make a table of one's own, write, read."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from aistack_backend.containers.ladder.probes import rates
from aistack_backend.containers.ladder.probes.finding import Finding, Options, Reach
from aistack_backend.containers.ladder.probes.options import TEXT, Key
from aistack_backend.containers.ladder.probes.patience import limited

KEYS: Mapping[str, Key] = {
    "port": Key((int,)),
    "user": Key((str,), required=True),
    "database": Key((str,), required=True),
    "secret": Key((str,), required=True),
    "extension": TEXT,
}
PORT = 5432


def run(options: Options, reach: Reach) -> Finding:
    """Write 41 into a temporary table and read 42 back; ``extension`` must be installed when it is given."""
    host, port = reach.address(int(options.get("port", PORT)))
    seconds = max(1, round(reach.seconds))
    try:
        with (
            psycopg.connect(
                host=host,
                port=port,
                user=options["user"],
                dbname=options["database"],
                password=reach.secret(options["secret"]),
                connect_timeout=seconds,
                options=f"-c statement_timeout={seconds * 1000}",
                autocommit=True,
            ) as connection,
            limited(connection.fileno(), reach.seconds),
        ):
            connection.execute("CREATE TEMP TABLE aistack_probe (v integer)")
            connection.execute("INSERT INTO aistack_probe VALUES (41)")
            row = connection.execute("SELECT v + 1 FROM aistack_probe").fetchone()
            missing = _missing(connection, str(options.get("extension", "")))
            beside = rates.postgres(connection)
    except TimeoutError:
        return Finding(ok=False, evidence=f"Port {port} does not answer in time.", next_step="Read its log.")
    except psycopg.Error as error:
        return _refused(error)
    if row != (42,):
        return Finding(ok=False, evidence=f"It wrote 41 and read {row!r} back.", next_step="Check its disk.")
    if missing:
        return Finding(ok=False, evidence=f"The extension {missing} is not there.", next_step="Look at its image.")
    return Finding(ok=True, evidence=f"It took a row by password and gave it back.{beside}")


def _missing(connection: psycopg.Connection[tuple[object, ...]], name: str) -> str:
    if not name:
        return ""
    found = connection.execute("SELECT 1 FROM pg_extension WHERE extname = %s", (name,)).fetchone()
    return "" if found else name


def _refused(error: psycopg.Error) -> Finding:
    said = " ".join(str(error).split())[:200]
    if "password authentication failed" in said:
        step = "The password in its secret is not the one that its volume was made with."
    elif "read-only" in said or "No space" in said:
        step = "Its disk is full or read-only."
    else:
        step = "Read its log."
    return Finding(ok=False, evidence=f"PostgreSQL says: {said}", next_step=step)
