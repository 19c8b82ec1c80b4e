"""Learning in the hybrid coordinator's own process: its runs are told on stderr, and it answers from its own store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.backend.learning.world import ASKED

from aistack_backend.api.roles import hybrid_ground, hybrid_learning
from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import SystemClock
from aistack_backend.learning.models import Verdict
from aistack_backend.learning.telemetry import Telemetry
from aistack_backend.orchestration.routing.coordinator import Asker
from aistack_backend.store.database import Database
from aistack_backend.wire.config import Config, LearningConfig
from aistack_backend.wire.routing import Route, RouteRequest

NOBODY = {"LLAMA_URL": "http://127.0.0.1:9/v1"}
ME = Asker(client="tester")


def taught(database: Database) -> None:
    """Put a question into the store that was judged often enough."""
    telemetry = Telemetry(database, SystemClock(), Redactor(b"k" * 32))
    for _ in range(12):
        telemetry.judge(telemetry.record(ASKED), Verdict.GOOD, "role:hybrid-coordinator")


@pytest.fixture
def told() -> Iterator[asyncio.Event]:
    """Set when a run tells of itself."""
    log, heard = logging.getLogger(hybrid_learning.RUNS), asyncio.Event()
    loud = lambda _: heard.set() or True  # noqa: E731
    log.addFilter(loud)
    yield heard
    log.removeFilter(loud)


async def test_it_learns_at_its_start_and_says_so_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], told: asyncio.Event
) -> None:
    database = Database(f"sqlite:///{tmp_path}/t.db")
    taught(database)
    async with AsyncExitStack() as downs:
        downs.callback(database.close)
        held = await hybrid_ground.coordinator(NOBODY, Config(), database, downs)
        await asyncio.wait_for(told.wait(), 60)
        answer = await held.route(RouteRequest(query=ASKED.query), ME)
        said = capfd.readouterr().err
        assert said.count("Learning") == 1
        assert "Learning run 1: 12 judged read, 8 taught, 1 patterns made, 1 active" in said
        assert (answer.route, answer.answer) == (Route.CACHE, ASKED.answer)


async def test_switched_off_it_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    database = Database(f"sqlite:///{tmp_path}/t.db")
    taught(database)
    config = Config(learning=LearningConfig(enabled=False))
    async with AsyncExitStack() as downs:
        downs.callback(database.close)
        held = await hybrid_ground.coordinator(NOBODY, config, database, downs)
        answer = await held.route(RouteRequest(query=ASKED.query), ME)
        assert answer.route is Route.NONE
    assert "Learning" not in capfd.readouterr().err
