"""The runs: what they collect, what they say of themselves, and how learning stands after them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backend.learning.world import Letters, learning_on, told

from aistack_backend.clock import HandClock
from aistack_backend.errors import Conflict, NotFound
from aistack_backend.learning import rows
from aistack_backend.learning.models import Hints, Verdict
from aistack_backend.learning.service import Learning, LearningSettings
from aistack_backend.learning.words import key
from aistack_backend.store.database import Database
from aistack_backend.wire.learning import PatternState

QUESTION = "Which port does Qdrant use?"
DAY = 86_400.0


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Database]:
    held = Database(f"sqlite:///{tmp_path}/t.db")
    yield held
    held.close()


async def test_stale_candidates_are_collected_and_what_a_person_rolled_back_stays(one: Database) -> None:
    clock = HandClock()
    learning = learning_on(one, clock)
    told(learning, 12)
    await learning.run("timer")
    (found,) = learning.patterns()
    learning.roll_back(found.id, "", "operator:tester")
    clock.advance(1)
    told(learning, 24, query="Which is it?", answer="yes", latency=None, cost=None)  # nothing is gained
    await learning.run("timer")
    assert [one.state for one in learning.patterns()] == [PatternState.CANDIDATE, PatternState.ROLLED_BACK]
    clock.advance(31 * DAY)
    assert (await learning.run("timer")).collected == 1
    assert [one.state for one in learning.patterns()] == [PatternState.ROLLED_BACK]


async def test_answers_that_are_there_twice_become_the_older_one(one: Database) -> None:
    learning = learning_on(one, embeds=Letters())
    words = ("Which port does Qdrant use?", "Qdrant does use which port?")
    with one.tx() as connection:
        for text in words:
            values = {"kind": "answer", "key": key(text), "question": text, "says": "It is 6333.", "state": "active"}
            rows.make(connection, 1.0, **values)
    said = {"answer": "It is 6333."}
    uses = [each for of in ((1,), (1,), (1, 2), (2,)) for each in told(learning, 1, patterns=of, **said)]
    assert (await learning.run("timer")).collected == 1
    (left,) = [found for found in learning.patterns() if found.state is PatternState.ACTIVE]
    assert (left.id, left.uses, left.wins) == (1, len(uses), len(uses))


async def test_a_run_is_one_line_of_the_log_and_a_row(one: Database, caplog: pytest.LogCaptureFixture) -> None:
    learning = learning_on(one)
    told(learning, 3)
    with caplog.at_level(logging.INFO):
        await learning.run("timer")
        await learning.run("operator:tester")
    lines = [record.getMessage() for record in caplog.records if "Learning" in record.getMessage()]
    assert len(lines) == 2
    assert lines[0].startswith("Learning run 1: 3 judged read, ")
    assert lines[1].startswith("Learning run 2: 0 judged read, ")
    assert [(run.id, run.by, run.ok) for run in learning.runs.newest()] == [
        (2, "operator:tester", True),
        (1, "timer", True),
    ]


class Broken:
    """Vectors that are none."""

    async def embed(self, texts: object) -> None:
        """See ``Embeds``."""
        raise RuntimeError("the worker is gone")


async def test_a_run_that_breaks_says_why(one: Database, caplog: pytest.LogCaptureFixture) -> None:
    learning = learning_on(one, embeds=Broken())  # type: ignore[arg-type]
    told(learning, 3)
    run = await learning.run("timer")
    assert (run.ok, run.detail) == (False, "RuntimeError: the worker is gone")
    assert sum("Learning" in record.getMessage() for record in caplog.records) == 1


async def test_switched_off_it_neither_learns_nor_answers(one: Database) -> None:
    on = learning_on(one)
    told(on, 12)
    await on.run("timer")
    off = Learning(one, HandClock(), on.review._redactor, LearningSettings(enabled=False))
    assert await off.recall(QUESTION) is None
    assert await off.hints(QUESTION, "lookup") == Hints()
    with pytest.raises(Conflict, match="switched off"):
        await off.run("timer")
    assert off.status().next_run is None


async def test_the_status_counts_what_is_there(one: Database) -> None:
    clock = HandClock()
    learning = learning_on(one, clock)
    empty = learning.status()
    assert (empty.interactions, empty.weeks[0].success, empty.weeks[0].p95, empty.next_run) == (0, None, None, None)
    told(learning, 3)
    told(learning, 1, Verdict.BAD, ok=False, route="none")
    told(learning, 1, None, route="cache", latency=0.1)
    told(learning, 1, None, ok=None)
    await learning.run("timer")
    found = learning.status()
    week = found.weeks[0]
    assert (found.interactions, found.judged, week.interactions, week.good, week.bad) == (6, 4, 6, 3, 1)
    assert (week.success, week.local, week.cache, week.p95) == (4 / 5, 1 / 4, 1 / 4, 2.0)
    assert found.next_run == clock.now() + 3600
    assert len(found.days) == 30
    assert found.days[-1].interactions == 6
    learning.pause(True)
    assert (learning.paused, learning.status().next_run) == (True, None)
    learning.pause(False)
    assert not learning.paused


def test_what_is_not_there(one: Database) -> None:
    learning = learning_on(one)
    for ask in (learning.lesson, learning.pattern):
        with pytest.raises(NotFound):
            ask(7)
    with pytest.raises(NotFound):
        learning.roll_back(7, "", "operator:tester")
    with pytest.raises(NotFound):
        learning.judge(7, Verdict.GOOD, "operator:tester")
