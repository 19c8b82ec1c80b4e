"""The one way out: what leaves is written down before, the lock holds, and a fault elsewhere is one sentence."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from tests.bed.endpoint import Wire, endpoint, head

import aistack_backend
from aistack_backend.clock import HandClock
from aistack_backend.errors import Conflict
from aistack_backend.orchestration.routing.switch import Switch
from aistack_backend.store.database import Database
from aistack_backend.store.routing_tables import outbound
from aistack_backend.wire.providerconfig import ProviderConfig
from aistack_backend.wire.routing import Route

from .ground import MANY, ask, both, completion, elsewhere, here, recording, saying, standing, store


async def test_the_row_is_there_before_the_body_and_has_its_very_bytes(database: Database) -> None:
    seen: list[Any] = []

    def look(_: dict[str, Any]) -> tuple[int, bytes]:
        with database.read() as connection:
            seen.extend(connection.execute(select(outbound)).all())
        return 200, completion("far")

    async with both(database, saying("near"), look) as (held, _, far):
        said = await ask(held, "What is NixOS?", context={"host": "box"}, prefer="remote")
        (row,) = held.rooms.log.find(said.id)
    (body,) = far.bodies
    assert [(one.outcome, one.interaction) for one in seen] == [("", None)], "it lay there before the answer came"
    assert (row.sha256, row.size) == (hashlib.sha256(body).hexdigest(), len(body))
    assert json.loads(row.body) == json.loads(body)
    assert (row.provider, row.path, row.outcome) == ("far", "/chat/completions", "answered")
    assert row.host in far.url
    assert row.ended_at is not None


async def test_what_cannot_be_written_down_does_not_leave(database: Database) -> None:
    async with both(database, saying("near"), saying("far")) as (held, _, far):
        with database.tx() as connection:
            connection.execute(text("DROP TABLE outbound"))
        said = await ask(held, "What is NixOS?", prefer="remote")
    assert (said.route, far.bodies) == (Route.LOCAL, [])
    assert "cannot be written down, so nothing leaves" in said.tried[0].detail


async def test_a_closed_lock_stays_closed_and_nothing_leaves(tmp_path: Path) -> None:
    first = store(tmp_path)
    async with both(first, saying("near"), saying("far")) as (held, _, far):
        lock = held.rooms.switch.turn(closed=True, by="operator:me")
        assert (lock.locked, lock.by, lock.fixed) == (True, "operator:me", False)
        said = await ask(held, "What is NixOS?", prefer="remote")
        assert (said.route, far.bodies) == (Route.LOCAL, [])
        assert "The way out is locked: operator:me closed it." in said.reason
    first.close()
    again = store(tmp_path)
    async with both(again, saying("near"), saying("far")) as (held, _, far):
        assert held.rooms.switch.lock().locked, "it outlives the process"
        assert (await ask(held, "What is NixOS?", prefer="remote")).route is Route.LOCAL
        held.rooms.switch.turn(closed=False, by="operator:me")
        assert (await ask(held, "What is NixOS?", prefer="remote")).route is Route.REMOTE
    again.close()


async def test_a_lock_of_the_configuration_is_opened_by_no_switch(database: Database) -> None:
    async with both(database, saying("near"), saying("far"), replace(MANY, local_only=True)) as (held, _, far):
        with pytest.raises(Conflict, match=r"routing\.local_only"):
            held.rooms.switch.turn(closed=False, by="operator:me")
        assert (await ask(held, "What is NixOS?", prefer="remote")).route is Route.LOCAL
    assert far.bodies == []


def test_a_switch_that_cannot_be_read_counts_as_closed(database: Database) -> None:
    switch = Switch(database, HandClock(), fixed=False)
    with database.tx() as connection:
        connection.execute(text("DROP TABLE routing_switch"))
    assert switch.lock().locked


async def test_closing_cuts_off_what_is_on_its_way(database: Database) -> None:
    async with both(database, saying("near"), saying("far")) as (held, _, far):
        far.hold = asyncio.Event()
        asking = asyncio.create_task(ask(held, "What is NixOS?", prefer="remote"))
        async with asyncio.timeout(60):
            await far.reached.wait()
            await asyncio.to_thread(held.rooms.switch.turn, closed=True, by="operator:me")
            said = await asking
        assert (said.route, said.answer) == (Route.LOCAL, "near")
        assert "The lock was closed while far was asked" in said.tried[0].detail
        assert held.rooms.log.find(said.id)[0].outcome == "cut off: the lock was closed"


async def test_a_question_that_is_to_stay_stays(database: Database) -> None:
    async with both(database, saying("near"), saying("far")) as (held, _, far):
        said = await ask(held, "What is NixOS?", prefer="remote", local_only=True)
    assert (said.route, far.bodies) == (Route.LOCAL, [])
    assert "The asker keeps it on this machine." in said.reason


FAULTS = [
    ("down", None, "does not answer"),
    ("status", {"error": "out of order"}, "answers 500"),
    ("busy", {"error": "slow down"}, "answers 429"),
    ("form", {"nothing": 1}, "answers without a choice"),
    ("html", b"<html>hello</html>", "is no chat completion"),
    ("empty", {"choices": [{"message": {"content": "  "}}]}, "answered with nothing"),
    ("reset", Wire((head(kind="application/json", Content_Length="100"), b"{"), reset=True), "broke off"),
    ("slow", Wire((head(kind="application/json"), b"{")), "is no chat completion"),
]


@pytest.mark.parametrize(("kind", "says", "why"), FAULTS, ids=[one[0] for one in FAULTS])
async def test_a_fault_elsewhere_is_one_sentence_and_the_local_model_answers(
    database: Database, kind: str, says: Any, why: str
) -> None:
    status = {"status": 500, "busy": 429}.get(kind, 200)
    headers = {"Retry-After": "30"} if kind == "busy" else None
    with endpoint(says, status=status, headers=headers) as there:
        url = "http://127.0.0.1:9/v1" if kind == "down" else there.url
        far = ProviderConfig(name="far", url=url, model="big")
        async with recording(saying("From here.")) as near, standing(database, (here(near), far)) as held:
            said = await ask(held, "What is NixOS?", prefer="remote")
    assert (said.route, said.answer) == (Route.LOCAL, "From here.")
    first, second = said.tried
    assert (first.route, first.asked, first.ok, second.ok) == (Route.REMOTE, True, False, True)
    assert why in first.detail


async def test_one_that_stays_silent_is_given_up(database: Database) -> None:
    async with recording(saying("far")) as far, recording(saying("near")) as near:
        far.hold = asyncio.Event()
        silent = elsewhere(far, timeout=1.0, read_timeout=0.05)
        async with standing(database, (here(near), silent)) as held:
            said = await ask(held, "What is NixOS?", prefer="remote")
    assert said.route is Route.LOCAL
    assert "sent nothing for 0.05 s" in said.tried[0].detail


async def test_the_next_endpoint_is_asked_when_one_fails_and_an_open_breaker_is_not_asked_again(
    database: Database,
) -> None:
    async with (
        recording(lambda _: (500, b"{}")) as bad,
        recording(saying("second")) as good,
        standing(database, (elsewhere(bad), elsewhere(good, "other"))) as held,
    ):
        for _ in range(8):
            said = await ask(held, "What is NixOS?")
            assert (said.route, said.provider) == (Route.REMOTE, "other")
        alone = held.rooms.log.find(said.id)[-1]
    assert len(bad.bodies) < 8, "its breaker opened"
    assert (said.tried[0].asked, alone.outcome[:13]) == (False, "nothing left:")
    assert len(good.bodies) == 8


async def test_when_nobody_answers_the_sentence_says_why_of_each(database: Database) -> None:
    async with both(database, lambda _: (500, b"{}"), lambda _: (503, b"{}")) as (held, _, _):
        said = await ask(held, "What is NixOS?")
    assert said.route is Route.NONE
    assert said.answer.startswith("No model answered this question. ")
    assert "answers 500" in said.answer
    assert "answers 503" in said.answer


def test_there_is_one_way_out_and_nobody_else_asks_an_endpoint() -> None:
    """Answers of ``[providers.NAME]`` are asked for in ``far`` alone, and on this machine in ``local``."""
    house = Path(aistack_backend.__file__).parent
    asking = re.compile(r"providers(?:\.get\(\))?\.(?:whole|stream|embed)\(")
    found = {str(one.relative_to(house)) for one in house.rglob("*.py") if asking.search(one.read_text())}
    assert found == {"orchestration/routing/far.py", "orchestration/routing/local.py"}
