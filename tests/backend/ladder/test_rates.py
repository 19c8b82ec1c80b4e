"""What a store tells of its cache: a share of what was read, and nothing where nothing was."""

from __future__ import annotations

import psycopg
import pytest
from tests.bed.postgres import program, server

from aistack_backend.containers.ladder.probes import rates


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ("# Stats\r\nkeyspace_hits:90\r\nkeyspace_misses:10\r\n", " 90.0% of 100 reads came from its cache."),
        ("keyspace_hits:0\r\nkeyspace_misses:0", ""),
        ("keyspace_hits:x\r\nkeyspace_misses:1", ""),
        ("keyspace_hits:1", ""),
        ("", ""),
        ("no colon", ""),
    ],
)
def test_redis_tells_its_hits_or_nothing(info: str, said: str) -> None:
    assert rates.redis(info) == said


def test_postgres_tells_its_cache_and_no_statement_without_the_extension(postgres: str) -> None:
    with psycopg.connect(postgres.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute("SELECT count(*) FROM pg_class")
        said = rates.postgres(connection)
    assert "slowest" not in said
    assert said == "" or said.endswith("reads came from its cache."), said


def test_a_sentence_of_nothing_is_none() -> None:
    assert rates.sentence(["", ""]) == ""
    assert rates.sentence(["", "a b", "c"]) == " A b; c."
    assert rates.rate(0, 0) == ""


def test_postgres_tells_its_slowest_statement_and_no_value_of_it() -> None:
    if not program("initdb"):
        pytest.skip("no PostgreSQL server is installed here (Debian: apt install postgresql)")
    with (
        server("shared_preload_libraries=pg_stat_statements") as url,
        psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection,
    ):
        assert "run CREATE EXTENSION pg_stat_statements in postgres." in rates.postgres(connection)
        connection.execute("CREATE EXTENSION pg_stat_statements")
        connection.execute("ALTER ROLE CURRENT_USER PASSWORD 'hunter22'")
        connection.execute("SELECT count(*), 'hunter22' FROM generate_series(1, 100000)")
        said = rates.postgres(connection)
    assert "slowest statement takes" in said
    assert "1 calls: SELECT count(*), $1 FROM generate_series($2, $3)." in said
    assert "hunter22" not in said


def test_an_extension_without_its_library_is_no_failure(postgres: str) -> None:
    with psycopg.connect(postgres.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        try:
            assert "statement" not in rates.postgres(connection)
        finally:
            connection.execute("DROP EXTENSION pg_stat_statements")
