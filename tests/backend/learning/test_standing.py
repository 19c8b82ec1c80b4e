"""Uses are counted from what was written down, and a judgement quarantines by the written rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text
from tests.bed.postgres import emptied

from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import HandClock
from aistack_backend.errors import NotFound
from aistack_backend.learning import rows, standing
from aistack_backend.learning.models import Interaction, Verdict
from aistack_backend.learning.standing import Tally, condemned
from aistack_backend.learning.telemetry import Telemetry
from aistack_backend.store.database import Database
from aistack_backend.store.learning_tables import use
from aistack_backend.wire.learning import PatternKind, PatternState, Trial


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made = f"sqlite:///{tmp_path}/t.db" if request.param == "sqlite" else ""
    held = Database(made or emptied(request.getfixturevalue("postgres"), "standing"))
    yield held
    held.close()


def pattern_of(database: Database, kind: PatternKind) -> int:
    with database.tx() as connection:
        number = rows.make(connection, 1.0, kind=kind.value, key="k", question="k", says="s", state="active")
        one = Trial(at=1.0, cases=4, before=2, after=4, passed=True, detail="It did better.")
        rows.keep_trial(connection, number, one)
        return number


def state_of(database: Database, number: int) -> PatternState:
    with database.read() as connection:
        return rows.known(connection, number).state


def test_a_bad_judgement_of_a_learned_answer_quarantines_it(database: Database) -> None:
    telemetry = Telemetry(database, HandClock(), Redactor(b"k" * 32))
    number = pattern_of(database, PatternKind.ANSWER)
    asked = telemetry.record(Interaction(source="coordinator", route="cache", patterns=(number, 999, -1), ok=True))
    with database.read() as connection:
        assert connection.execute(select(use)).all() == [(number, asked)]
    telemetry.judge(asked, Verdict.BAD, "uid 0")
    with database.read() as connection:
        found = rows.known(connection, number)
    assert (found.state, found.uses, found.wins, found.losses) == (PatternState.QUARANTINED, 1, 0, 1)
    assert found.reason == "Quarantined: 1 of its judged uses were bad and 0 good."


def test_one_bad_among_good_ones_is_borne_and_the_second_is_not(database: Database) -> None:
    telemetry = Telemetry(database, HandClock(), Redactor(b"k" * 32))
    number = pattern_of(database, PatternKind.ANSWER)
    asked = [telemetry.record(Interaction(source="coordinator", patterns=(number,), ok=True)) for _ in range(4)]
    for one in asked[:2]:
        telemetry.judge(one, Verdict.GOOD, "uid 0")
    telemetry.judge(asked[2], Verdict.BAD, "uid 0")
    telemetry.judge(asked[2], Verdict.BAD, "uid 0")  # said twice, counted once
    assert state_of(database, number) is PatternState.ACTIVE
    telemetry.judge(asked[3], Verdict.CORRECTED, "uid 0", "so")
    assert state_of(database, number) is PatternState.QUARANTINED


def test_a_route_is_held_to_account_after_five(database: Database) -> None:
    telemetry = Telemetry(database, HandClock(), Redactor(b"k" * 32))
    number = pattern_of(database, PatternKind.ROUTE)
    asked = [telemetry.record(Interaction(source="coordinator", patterns=(number,), ok=True)) for _ in range(5)]
    for one in asked[:4]:
        telemetry.judge(one, Verdict.BAD, "uid 0")
        assert state_of(database, number) is PatternState.ACTIVE
    telemetry.judge(asked[4], Verdict.GOOD, "uid 0")
    assert state_of(database, number) is PatternState.QUARANTINED


def test_the_rule() -> None:
    assert condemned(PatternKind.ANSWER, Tally(uses=9, wins=3, losses=1), None) == ""
    assert condemned(PatternKind.ANSWER, Tally(uses=9), 1.0) == ""
    assert condemned(PatternKind.PROMPT, Tally(uses=9, wins=5), 0.5) == ""
    assert condemned(PatternKind.PROMPT, Tally(uses=9, losses=5), None) == ""
    assert "worse than the 50%" in condemned(PatternKind.PROMPT, Tally(uses=9, wins=2, losses=3), 0.5)


def test_patterns_that_are_not_there(database: Database) -> None:
    with database.read() as connection:
        assert rows.patterns(connection) == ()
        assert standing.tallies(connection) == {}
        with pytest.raises(NotFound, match="no pattern 7"):
            rows.known(connection, 7)


def test_an_interaction_that_taught_is_not_counted_twice(database: Database) -> None:
    telemetry = Telemetry(database, HandClock(), Redactor(b"k" * 32))
    number = pattern_of(database, PatternKind.ANSWER)
    asked = telemetry.record(Interaction(source="task"))
    with database.tx() as connection:
        assert (rows.teach(connection, number, [asked]), rows.teach(connection, number, [asked])) == (1, 0)
    with database.read() as connection:
        found = rows.known(connection, number)
        assert (found.taught, found.taught_from) == (1, "1 task")
        assert rows.trials(connection, number)[0].after == 4
        assert connection.execute(text("SELECT count(*) FROM learning_lesson")).scalar() == 1
