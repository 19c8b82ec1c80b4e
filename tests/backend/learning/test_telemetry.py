"""The telemetry table on both kinds of store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.bed.postgres import emptied

from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import HandClock, SystemClock
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.learning.models import Interaction, Verdict
from aistack_backend.learning.telemetry import Telemetry
from aistack_backend.store.database import Database

WHOLE = Interaction(
    source="coordinator",
    query="What is NixOS?",
    answer="A Linux distribution.",
    task_class="lookup",
    route="local",
    model="SmolLM2",
    reason="It is short.",
    confidence=0.7,
    latency=0.25,
    tokens_in=12,
    tokens_out=5,
    sources=("docs/nix.md",),
    patterns=(3, 4),
    ok=True,
    trace_id="4be1",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made = f"sqlite:///{tmp_path}/t.db" if request.param == "sqlite" else ""
    held = Database(made or emptied(request.getfixturevalue("postgres"), "telemetry"))
    yield held
    held.close()


def test_what_was_written_is_what_is_read(database: Database) -> None:
    clock = HandClock()
    telemetry = Telemetry(database, clock, Redactor(b"k" * 32))
    number = telemetry.record(WHOLE)
    found = telemetry.get(number)
    assert found.interaction == WHOLE
    assert found.at == clock.now()
    assert found.verdict is None


def test_unknown_stays_unknown(database: Database) -> None:
    telemetry = Telemetry(database, HandClock(), Redactor(b"k" * 32))
    found = telemetry.get(telemetry.record(Interaction(source="coordinator"))).interaction
    assert (found.confidence, found.latency, found.tokens_in, found.cost, found.ok) == (None, None, None, None, None)


def test_secrets_are_not_written(database: Database) -> None:
    telemetry = Telemetry(database, HandClock(), Redactor(b"k" * 32, ["hunter2-the-long"]))
    one = replace(WHOLE, query="my password is hunter2-the-long", answer="ghp_" + "a1B2" * 9)
    telemetry.record(one)
    with database.read() as connection:
        row = str(connection.execute(text("SELECT * FROM telemetry")).one())
    assert "hunter2" not in row
    assert "a1B2a1B2" not in row


def test_the_last_judgement_counts_and_a_correction_says_what_is_right(database: Database) -> None:
    clock = HandClock()
    telemetry = Telemetry(database, clock, Redactor(b"k" * 32))
    number = telemetry.record(WHOLE)
    telemetry.judge(number, Verdict.GOOD, "uid 0")
    clock.advance(5)
    found = telemetry.judge(number, Verdict.CORRECTED, "uid 0", "A distribution and a package manager.")
    assert (found.verdict, found.correction) == (Verdict.CORRECTED, "A distribution and a package manager.")
    assert found.judged_at == clock.now()


def test_bad_judgements(database: Database) -> None:
    telemetry = Telemetry(database, HandClock(), Redactor(b"k" * 32))
    number = telemetry.record(WHOLE)
    for verdict, correction in ((Verdict.CORRECTED, " "), (Verdict.GOOD, "more"), (Verdict.CORRECTED, "x" * 16_001)):
        with pytest.raises(BadInput):
            telemetry.judge(number, verdict, "uid 0", correction)
    with pytest.raises(NotFound):
        telemetry.judge(number + 1, Verdict.GOOD, "uid 0")
    with pytest.raises(NotFound):
        telemetry.get(number + 1)


def test_the_notes_own_sql_counts(postgres: str) -> None:
    database = Database(emptied(postgres, "telemetry"))
    Telemetry(database, SystemClock(), Redactor(b"k" * 32)).record(WHOLE)
    with database.read() as connection:
        wanted = "SELECT COUNT(*) FROM telemetry WHERE timestamp > NOW() - INTERVAL '1 hour';"
        assert connection.execute(text(wanted)).scalar() == 1
    database.close()
