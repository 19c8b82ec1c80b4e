"""What a store tells of itself beside its probe: how often its cache served, and its slowest statement."""

from __future__ import annotations

import psycopg

LONGEST = 60
"""Characters of a statement that are shown."""
CACHE = "SELECT blks_hit, blks_read FROM pg_stat_database WHERE datname = current_database()"
SLOWEST = """
SELECT query, calls, mean_exec_time FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database() AND query ~* '^ *(select|insert|update|delete)'
AND query NOT LIKE '%aistack_probe%'
ORDER BY mean_exec_time DESC LIMIT 1
"""
"""Only statements whose values the extension takes out; others may hold a password."""
STATEMENTS = """
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements'),
current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%', current_database()
"""


def rate(hits: int, misses: int) -> str:
    """Return the share that the cache served, in words; "" while nothing was read."""
    every = hits + misses
    return f"{hits / every:.1%} of {every:,} reads came from its cache" if every > 0 else ""


def postgres(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """Return a sentence on this database's cache and slowest statement; "" for what it does not tell."""
    told = []
    try:
        row = connection.execute(CACHE).fetchone()
        if row is not None and isinstance(row[0], int) and isinstance(row[1], int):
            told.append(rate(row[0], row[1]))
        told.append(_statements(connection))
    except (
        psycopg.errors.ObjectNotInPrerequisiteState
    ):  # the extension is there, and the server was not told to load it
        pass
    except psycopg.OperationalError:  # it ended, or took too long: that is for the probe to say
        raise
    except psycopg.Error:  # it does not let this account look
        pass
    return sentence(told)


def _statements(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    there, loaded, database = connection.execute(STATEMENTS).fetchone() or (False, False, "")
    if there:
        return _slowest(connection)
    return f"to see its slowest statement, run CREATE EXTENSION pg_stat_statements in {database}" if loaded else ""


def _slowest(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    row = connection.execute(SLOWEST).fetchone()
    if row is None or not isinstance(row[2], float):
        return ""
    query = " ".join(str(row[0]).split())
    shown = query if len(query) <= LONGEST else f"{query[:LONGEST]}…"
    return f"its slowest statement takes {row[2]:.1f} ms on average, {row[1]} calls: {shown}"


def redis(info: str) -> str:
    """Return a sentence on the keys that were asked for and there, from ``INFO stats``; "" when it does not tell."""
    held = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    try:
        return sentence([rate(int(held["keyspace_hits"]), int(held["keyspace_misses"]))])
    except (KeyError, ValueError):
        return ""


def sentence(told: list[str]) -> str:
    """Return what was told as one sentence with a space before it."""
    said = "; ".join(filter(None, told))
    return f" {said[0].upper()}{said[1:]}." if said else ""
