"""Wire objects as a backend would send them, and the whole console over a stage."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.console.stage import NOW, Stage, source, until
from textual.pilot import Pilot

from aistack_backend.wire.actions import Approval, ApprovalList, ApprovalState, Risk, Target
from aistack_backend.wire.config import Config
from aistack_backend.wire.containers import Container, ContainerState, Fleet, Health, Port
from aistack_console.app import ConsoleApp
from aistack_console.options import Options
from aistack_console.state.store import Store


@contextlib.asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Serve a stage on a socket of its own; every connection is closed at the end, streams too."""
    with tempfile.TemporaryDirectory(prefix="ai") as folder:
        one = Stage(Path(folder))
        one.socket.parent.mkdir()
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            tasks.add(task)
            try:
                with contextlib.suppress(asyncio.CancelledError):
                    await one.serve(reader, writer)
            finally:
                tasks.discard(task)
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

        server = await asyncio.start_unix_server(serve, str(one.socket))
        try:
            yield one
        finally:
            server.close()
            for task in tuple(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def container(name: str, state: ContainerState = ContainerState.RUNNING, **more: Any) -> Container:
    fields: dict[str, Any] = {
        "id": (name.encode().hex() * 64)[:64],
        "image": f"localhost/{name}:1",
        "started_at": NOW - 7200,
        "restarts": 0,
        "ports": (Port(host_ip="127.0.0.1", host_port=8080, container_port=80),),
    }
    return Container(name=name, state=state, **fields | more)


def fleet(*found: Container, **more: Any) -> Fleet:
    return Fleet(at=NOW, source=more.pop("source", source()), containers=found)


FLEET = fleet(
    container("aidb", health=Health.HEALTHY),
    container("cache", ContainerState.EXITED, exit_code=0, finished_at=NOW - 60),
    container("hybrid", health=Health.UNHEALTHY, restarts=2),
    container("mindsdb", health=Health.STARTING),
    container("web", ContainerState.EXITED, exit_code=3, finished_at=NOW - 90),
)


def approval(number: int = 1, **more: Any) -> Approval:
    fields: dict[str, Any] = {
        "task_id": number + 40,
        "state": ApprovalState.PENDING,
        "risk": Risk.MEDIUM,
        "risk_reasons": ("restarts a running service",),
        "kind": "container.restart",
        "title": "restart container web",
        "argv": ("podman", "restart", "web"),
        "targets": (Target(type="container", id="c" * 64, name="web", pin="StartedAt 2026"),),
        "effect": "web is away for some seconds",
        "undo": "none needed",
        "requester": "agent:planner",
        "via": "tui",
        "created_at": NOW - 30,
        "expires_at": NOW + 600,
        "action_hash": "9f3a" * 16,
        "rule": "ask: threshold medium",
    }
    return Approval(id=number, **fields | more)


def approvals(*found: Approval) -> ApprovalList:
    return ApprovalList(approvals=found)


class Screen:
    """A running console that can be asked what it shows."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def text(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in line).rstrip() for line in strips)

    async def sees(self, words: str) -> None:
        try:
            await until(lambda: words in self.text)
        except AssertionError:
            raise AssertionError(f"{words!r} is not on the screen:\n{self.text}") from None

    async def told(self, words: str) -> None:
        """Wait for a notice that holds these words."""
        await until(lambda: any(words in one.message for one in self.app._notifications))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)


@contextlib.asynccontextmanager
async def console(
    stage: Stage | Path, size: tuple[int, int] = (80, 24), keys: dict[str, str] | None = None, **more: Any
) -> AsyncIterator[Screen]:
    """Run ``ConsoleApp`` on a stage, with the clock standing still."""
    data = stage if isinstance(stage, Path) else stage.data
    options = Options(data_dir=data, config_file=data / "config.toml", start_backend=False, **more)
    app = ConsoleApp(options, replace(Config(), keys=keys or {}), store=Store(now=lambda: NOW))
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = Screen(app, pilot)
        if isinstance(stage, Stage):
            await until(lambda: app.store.fleet is not None)
        yield screen
