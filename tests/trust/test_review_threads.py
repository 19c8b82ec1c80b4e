"""Found in review: long effects took every thread, so that no stop and no other effect could get one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.backend.engine.conftest import Rig

from aistack_backend.approvals.action import Action
from aistack_backend.containers.aside import to_the_end
from aistack_backend.engine.enqueue import WORKERS
from aistack_backend.engine.memory_tool import NoteTool
from aistack_backend.engine.tools import Outcome


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A whole gate on files of its own."""
    rig = Rig(tmp_path)
    rig.engine.prepare()
    yield rig
    rig.close()


class Blocking(NoteTool):
    """Holds a thread until it is cancelled, as a command in a sandbox does."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.acting = threading.Semaphore(0)

    async def run(self, key: str, action: Action) -> Outcome:
        """Wait in a thread for the cancellation."""
        ended = threading.Event()

        def work() -> Outcome:
            self.acting.release()
            ended.wait(60)
            return Outcome(ok=True, text="ended")

        return await to_the_end(work, on_cancel=ended.set)


async def test_a_stop_of_one_needs_no_thread_of_the_others(rig: Rig) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(WORKERS))
    tool = Blocking(rig.folder / "notes")
    rig.registry = type(rig.registry)()
    rig.registry.register(tool)
    runner = rig.runner()
    runs = [rig.approved(script=f"number {number}") for number in range(WORKERS)]
    lives = [asyncio.ensure_future(runner.execute(run)) for run in runs]
    for _ in lives:
        assert await asyncio.wait_for(_acquired(tool), 60)
    for run in runs:
        runner.stop(run.task_id, "Stopped by operator:root.")
    done, late = await asyncio.wait(lives, timeout=20)
    assert not late
    assert {one.result() for one in done} == {"cancelled"}
    assert {rig.state(run) for run in runs} == {("stopped", "cancelled")}


async def _acquired(tool: Blocking) -> bool:
    """Wait on a thread of its own, so that the pool under test stays as it is."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[bool] = loop.create_future()

    def wait() -> None:
        got = tool.acting.acquire(timeout=15)
        loop.call_soon_threadsafe(told.set_result, got)

    threading.Thread(target=wait, daemon=True).start()
    return await told
