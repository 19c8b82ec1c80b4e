"""What waits is told once, by every way; a failure is told and recorded, and stops neither the others nor the gate."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from aistack_backend.audit.log import AuditLog
from aistack_backend.bus import Bus
from aistack_backend.clock import HandClock
from aistack_backend.observe.notify.desktop import Desktop
from aistack_backend.observe.notify.models import News
from aistack_backend.observe.notify.service import Notifier
from aistack_backend.store.database import Database
from aistack_backend.wire.actions import Approval, ApprovalList, ApprovalState, Risk
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import SourceState

NEWS = News(approval_id=7, task_id=3, risk="high", kind="shell.run", expires_at=0.0)


class Told:
    """A way that keeps what it was told, and fails when it is asked to."""

    def __init__(self, name: str = "desktop", why: str = "", breaks: bool = False) -> None:
        self.name, self.why, self.breaks = name, why, breaks
        self.news: list[int] = []

    def tell(self, news: News) -> str:
        self.news.append(news.approval_id)
        if self.breaks:
            raise ValueError("broken")
        return self.why


def approvals(*ids: int, state: ApprovalState = ApprovalState.PENDING) -> ApprovalList:
    return ApprovalList(
        approvals=tuple(
            Approval(
                id=one, task_id=3, state=state, risk=Risk.HIGH, kind="shell.run", title="t", created_at=0.0,
                expires_at=1.0, action_hash="x",
            )
            for one in ids
        )
    )  # fmt: skip


class Bench:
    """A notifier on a bus of its own."""

    def __init__(self, folder: Path, *ways: Told, settled: float = 0.0) -> None:
        self.bus, clock = Bus(), HandClock()
        self.database = Database(f"sqlite:///{folder}/aistack.db")
        self.audit = AuditLog(self.database, folder / "audit", clock)
        self.notifier = Notifier(ways, self.bus, self.audit, clock, settled)
        self.bus.publish(Topic.APPROVALS, approvals())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.notifier.run())
        await until(lambda: self.bus._readers)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.audit.close()
            self.database.close()

    def outcomes(self) -> list[str]:
        return [one.outcome for one in self.audit.page(100).records if one.kind.startswith("notify.")]


async def until(what: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + 5
    while not what():
        assert loop.time() < end, "it did not happen in time"
        look = loop.create_future()
        loop.call_later(0.002, look.set_result, None)
        await look


async def test_each_is_told_once_by_every_way(tmp_path: Path) -> None:
    one, other = Told("desktop"), Told("webhook")
    bench = Bench(tmp_path, one, other)
    async with bench.running():
        for ids in ((1,), (1, 2), (2,), (2, 1)):
            bench.bus.publish(Topic.APPROVALS, approvals(*ids))
        await until(lambda: len(bench.outcomes()) == 4)
        bench.bus.publish(Topic.APPROVALS, approvals(1, 2, 3))
        await until(lambda: len(bench.outcomes()) == 6)
        assert (one.news, other.news) == ([1, 2, 3], [1, 2, 3])
        assert {source.state for source in bench.notifier.sources()} == {SourceState.OK}


async def test_what_waited_before_the_start_and_what_was_decided_at_once_is_no_news(tmp_path: Path) -> None:
    way = Told()
    bench = Bench(tmp_path, way, settled=0.05)
    bench.bus.publish(Topic.APPROVALS, approvals(1))
    async with bench.running():
        bench.bus.publish(Topic.APPROVALS, approvals(1, 2))
        bench.bus.publish(Topic.APPROVALS, approvals(1))
        bench.bus.publish(Topic.APPROVALS, approvals(1, 3))
        await until(lambda: way.news)
        assert way.news == [3]


async def test_a_failure_is_told_recorded_and_stops_nothing(tmp_path: Path) -> None:
    bad, broken, good = Told("webhook", "host answered 500."), Told("desktop", breaks=True), Told("other")
    bench = Bench(tmp_path, bad, broken, good)
    assert {source.state for source in bench.notifier.sources()} == {SourceState.UNKNOWN}
    async with bench.running():
        bench.bus.publish(Topic.APPROVALS, approvals(1))
        await until(lambda: len(bench.outcomes()) == 3)
        assert sorted(bench.outcomes()) == [
            "failed: desktop broke (ValueError).", "failed: host answered 500.", "sent",
        ]  # fmt: skip
        states = {source.name: (source.state, source.detail) for source in bench.notifier.sources()}
        assert states["webhook"] == (SourceState.FAILED, "host answered 500.")
        assert states["other"] == (SourceState.OK, "")
        bad.why = ""
        bench.bus.publish(Topic.APPROVALS, approvals(1, 2))
        await until(lambda: len(bench.outcomes()) == 6)
        assert {source.name: source.state for source in bench.notifier.sources()}["webhook"] is SourceState.OK


async def test_a_flood_is_bounded_and_what_was_let_go_is_told(tmp_path: Path) -> None:
    way = Told()
    bench = Bench(tmp_path, way, settled=0.0)
    async with bench.running():
        bench.bus.publish(Topic.APPROVALS, approvals(*range(1, 251)))
        await until(lambda: bench.notifier.dropped and len(bench.outcomes()) >= 100)
        assert bench.notifier.dropped == 150
        assert "150 news were let go" in bench.notifier.sources()[0].detail


async def test_without_a_way_nothing_runs(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await asyncio.wait_for(bench.notifier.run(), 60)
    assert bench.notifier.sources() == ()
    bench.audit.close()
    bench.database.close()


@pytest.mark.parametrize(("code", "why"), [(0, ""), (1, "notify-send ended with 1: no bus")])
def test_notify_send_gets_our_sentence_as_one_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, why: str
) -> None:
    program, seen = tmp_path / "notify-send", tmp_path / "seen"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {seen}\necho no bus >&2\nexit {code}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert Desktop().tell(NEWS) == why
    assert seen.read_text().splitlines()[-2:] == ["aistack needs you", NEWS.sentence]


def test_without_notify_send_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Desktop().tell(NEWS) == "There is no notify-send on this machine."
