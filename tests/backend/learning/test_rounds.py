"""A run at the start, one each interval, none while paused; and what ends is written down once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update
from tests.backend.learning.world import learning_on

from aistack_backend.clock import HandClock
from aistack_backend.errors import Conflict
from aistack_backend.learning.ended import Ended
from aistack_backend.learning.models import Verdict
from aistack_backend.learning.rounds import Rounds
from aistack_backend.learning.service import Learning
from aistack_backend.store.database import Database
from aistack_backend.store.learning_tables import setting
from aistack_backend.store.loop_tables import loop_pass
from aistack_backend.store.tables import approval, effect, task
from aistack_backend.store.use_tables import loop_use
from aistack_backend.wire.learning import Run


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    held = Database(f"sqlite:///{tmp_path}/t.db")
    yield held
    held.close()


async def until(good: Callable[[], bool], learning: Learning) -> None:
    """Wait for a run, by what learning tells when one ended."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    learning.changed.append(lambda: loop.call_soon_threadsafe(told.set))
    async with asyncio.timeout(60):
        while not good():
            await told.wait()
            told.clear()


async def kept(learning: Learning, clock: HandClock, job: Callable[[], Any]) -> None:
    """Keep the rounds while a job is done."""
    keeping = asyncio.create_task(Rounds(learning, clock, look=0.01).keep())
    try:
        await job()
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def test_a_run_at_the_start_and_one_each_interval(database: Database) -> None:
    clock = HandClock()
    learning = learning_on(database, clock)
    runs = lambda: [one for one in learning.runs.newest() if one.ok]  # noqa: E731

    async def job() -> None:
        await until(lambda: len(runs()) == 1, learning)
        clock.advance(3_599)
        learning.pause(True)
        clock.advance(3_600)
        learning.pause(False)
        await until(lambda: len(runs()) == 2, learning)

    await kept(learning, clock, job)
    assert [one.by for one in runs()] == ["timer", "timer"]
    assert runs()[0].began_at - runs()[1].began_at >= 3_600


async def test_runs_never_pile_up(database: Database) -> None:
    clock = HandClock()
    learning = learning_on(database, clock)
    first = asyncio.create_task(learning.run("anna"))
    await until(lambda: bool(learning.runs.newest()), learning)
    with pytest.raises(Conflict, match="goes on already"):
        await learning.run("ben")
    await first
    assert [one.by for one in learning.runs.newest()] == ["anna"]


def test_a_run_longer_than_its_interval_is_followed_by_a_rest(database: Database) -> None:
    learning = learning_on(database, HandClock())
    at = learning.runs.due(3_600, Run(id=1, began_at=1_000.0, by="timer", took=4_000.0, ok=True))
    assert at == 1_000 + 8_000
    assert learning.runs.due(3_600, Run(id=1, began_at=1_000.0, by="timer", took=12.0, ok=True)) == 4_600


async def test_switched_off_or_paused_no_run_is_made(database: Database) -> None:
    learning = learning_on(database)
    learning.pause(True)
    held = Rounds(learning, HandClock(), look=0.01)
    with suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await held.keep()
    assert learning.runs.newest() == ()


async def test_a_store_that_does_not_answer_is_tried_again(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    learning = learning_on(database)
    with database.tx() as connection:
        setting.drop(connection)

    log, said = logging.getLogger("aistack_backend.learning.rounds"), asyncio.Event()
    log.addFilter(heard := lambda _: said.set() or True)

    async def job() -> None:
        with caplog.at_level(logging.DEBUG, log.name):
            async with asyncio.timeout(60):
                await said.wait()
        with database.tx() as connection:
            setting.create(connection)
        await until(lambda: len(learning.runs.newest()) == 1, learning)

    await kept(learning, HandClock(), job)
    log.removeFilter(heard)
    assert "the next run waits" in caplog.records[0].getMessage()


def ended(database: Database, clock: HandClock, state: str, kind: str = "shell.run", **more: Any) -> int:
    """Put a task that ended into the store."""
    now = clock.now()
    values = {"requester": "operator:tester", "created_at": now, "updated_at": now, **more}
    with database.tx() as connection:
        number = connection.execute(
            insert(task).values(goal=f"do {state}", state=state, **values).returning(task.c.id)
        ).scalar_one()
        asked = {"state": "used", "risk": "low", "action_hash": "h", "action": "{}", "view": "{}", "requester": "r"}
        asked |= {"created_at": now, "expires_at": now, "boot_id": "b", "expires_mono": 0.0, "kind": kind}
        one = connection.execute(insert(approval).values(task_id=number, **asked).returning(approval.c.id)).scalar_one()
        spent = {"key": f"{number}:1", "task_id": number, "approval_id": one, "kind": kind, "state": "done"}
        connection.execute(insert(effect).values(begun_at=now - 3, ended_at=now - 1, **spent))
    return int(number)


def test_how_tasks_end_is_written_down_once(database: Database) -> None:
    clock = HandClock()
    learning = learning_on(database, clock)
    watch = Ended(database, clock, learning.telemetry)
    ended(database, clock, "done", result="ok")
    ended(database, clock, "failed", reason="It ended with 1.")
    ended(database, clock, "exhausted")
    ended(database, clock, "unsure")
    ended(database, clock, "denied")
    ended(database, clock, "running")
    old = ended(database, clock, "done")
    with database.tx() as connection:
        connection.execute(update(task).where(task.c.id == old).values(updated_at=clock.now() - 7_200))
    numbers = watch.look()
    assert watch.look() == ()
    told = [learning.telemetry.get(number).interaction for number in numbers]
    assert [(one.query, one.ok) for one in told] == [
        ("do done", True),
        ("do failed", False),
        ("do exhausted", False),
        ("do unsure", None),
    ]
    assert told[1].detail == "failed: It ended with 1."
    assert (told[0].answer, told[0].latency, told[0].task_class, told[0].subject) == ("ok", 2.0, "shell.run", "task:1")
    assert all(learning.telemetry.get(number).verdict is None for number in numbers)


@pytest.mark.parametrize(
    ("state", "code", "verdict"), [("done", 0, Verdict.GOOD), ("done", 1, None), ("exhausted", 1, None)]
)
def test_a_loop_is_judged_good_by_its_proof(database: Database, state: str, code: int, verdict: Verdict | None) -> None:
    clock = HandClock()
    learning = learning_on(database, clock)
    number = ended(database, clock, state, "loop.run")
    with database.tx() as connection:
        for at, proof in ((1, 1), (2, code)):
            row = {"task_id": number, "number": at, "state": "proven", "began_at": 1.0, "proof_code": proof}
            connection.execute(insert(loop_pass).values(**row))
            use = {"task_id": number, "number": at, "answers": 1, "read": 100, "written": 10, "cost": 1_500}
            connection.execute(insert(loop_use).values(**use))
    (written,) = Ended(database, clock, learning.telemetry).look()
    found = learning.telemetry.get(written)
    assert (found.verdict, found.judged_by) == (verdict, "proof" if verdict else "")
    held = found.interaction
    assert (held.tokens_in, held.tokens_out, held.cost, held.currency) == (200, 20, "0.003", "USD")
