"""The SQL probe on a real PostgreSQL: a round trip, and the ways in which it is broken."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import psycopg
import pytest
from tests.backend.ladder.servers import Loopback
from tests.bed.boxes import podman

from aistack_backend.containers.ladder.probes import registry
from aistack_backend.containers.ladder.probes.finding import Finding

pytestmark = [pytest.mark.podman, pytest.mark.core]
SET_UP = """
set -e
bin=$(echo /usr/lib/postgresql/*/bin)
mkdir -p /tmp/d /var/run/postgresql; chown postgres /tmp/d /var/run/postgresql; echo right >/tmp/p; chmod 644 /tmp/p
su postgres -c "$bin/initdb -D /tmp/d -A scram-sha-256 -U mcp --pwfile=/tmp/p >/dev/null"
echo 'host all all all scram-sha-256' >>/tmp/d/pg_hba.conf
exec su postgres -c "exec $bin/postgres -D /tmp/d -h '*'"
"""
TRIES = 150


def ask(port: int, secret: str = "right", **more: str) -> Finding:
    options = {"user": "mcp", "database": "postgres", "secret": "key", **more}
    return registry.run("sql", options, Loopback(port, seconds=3.0, key=secret))


@pytest.fixture(scope="module")
def postgres() -> Iterator[int]:
    name = f"ladder-sql-{time.time_ns()}"
    podman(
        "run",
        "-d",
        "--pull=never",
        "--name",
        name,
        "-p",
        "127.0.0.1::5432",
        "localhost/aistack-core:1",
        "sh",
        "-c",
        SET_UP,
    )
    try:
        port = int(podman("port", name, "5432").rpartition(":")[2])
        for _ in range(TRIES):
            if (found := ask(port)).ok:
                break
            podman("exec", name, "sleep", "0.2")
        assert found.ok, (found, podman("logs", name))
        yield port
    finally:
        podman("rm", "-f", "-t", "0", "-v", name, check=False)


def test_a_row_is_written_and_read(postgres: int) -> None:
    said = ask(postgres).evidence
    assert re.fullmatch(
        r"It took a row by password and gave it back\. [0-9.]+% of [0-9,]+ reads came from its cache\.", said
    ), said


def test_a_wrong_password_is_told_as_that(postgres: int) -> None:
    found = ask(postgres, "wrong")
    assert found.ok is False
    assert "password authentication failed" in found.evidence
    assert "The password in its secret" in found.next_step
    assert "wrong" not in found.evidence


def test_an_absent_database_and_extension(postgres: int) -> None:
    assert 'database "none" does not exist' in ask(postgres, database="none").evidence
    assert ask(postgres, extension="vector").evidence == "The extension vector is not there."


def test_read_only_is_not_useful(postgres: int) -> None:
    where = f"host=127.0.0.1 port={postgres} user=mcp dbname=postgres password=right"
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute("ALTER ROLE mcp SET default_transaction_read_only = on")
        try:
            found = ask(postgres)
        finally:
            connection.execute("ALTER ROLE mcp RESET default_transaction_read_only")
    assert (found.ok, "read-only" in found.evidence) == (False, True), found
    assert "full or read-only" in found.next_step
