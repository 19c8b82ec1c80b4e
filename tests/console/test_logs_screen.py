"""The Logs screen reads the chosen containers, says what is lost or broken, and stays quick while lines pour in."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from tests.console.shell import Shell
from tests.console.stage import NOW, Stage, source, stage, until
from textual.pilot import Pilot

from aistack_backend.wire.containers import Container, ContainerState, Fleet, LogBatch, LogLine, LogStream
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import SourceState
from aistack_console.present.log_status import entry_paras, saved_line
from aistack_console.screens.logs import LogsScreen
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.log_view import LogView

NAMES = ("aidb", "hybrid", "ralph")
IDS = {name: f"{number:064x}" for number, name in enumerate(NAMES, 1)}


def fleet() -> Fleet:
    made = tuple(Container(id=IDS[name], name=name, image="i", state=ContainerState.RUNNING) for name in NAMES)
    return Fleet(at=NOW, source=source(), containers=made)


def lines(*texts: str, at: float = NOW, step: float = 1.0) -> tuple[LogLine, ...]:
    return tuple(LogLine(at=at + i * step, stream=LogStream.STDOUT, text=text) for i, text in enumerate(texts))


async def ready(app: Shell, pilot: Pilot[int]) -> LogsScreen:
    await until(lambda: app.store.fleet is not None and isinstance(app.screen, LogsScreen))
    await pilot.pause()
    assert isinstance(app.screen, LogsScreen)
    return app.screen


async def send(
    on: Stage, screen: LogsScreen, name: str, *batches: tuple[LogLine, ...], dropped: int = 0, seconds: float = 30
) -> None:
    before = len(screen.ring) + screen.ring.dropped
    await until(lambda: IDS[name] in on.logs)
    for batch in batches:
        on.logs[IDS[name]].put_nowait(LogBatch(id=IDS[name], lines=batch, dropped=dropped))
    await until(lambda: len(screen.ring) + screen.ring.dropped >= before + sum(map(len, batches)), seconds)


async def shows(app: Shell, text: str) -> None:
    await until(lambda: text in app.text)


async def test_chosen_containers_are_merged_and_named() -> None:
    async with stage() as on:
        on.topics[Topic.FLEET] = fleet()
        app = Shell(on, LogsScreen)
        async with app.run_test(size=(120, 30)) as pilot:
            screen = await ready(app, pilot)
            await shows(app, "No container is chosen")
            await pilot.press("space", "j", "space", "space")
            await send(on, screen, "hybrid", lines("one", "two"))
            await send(on, screen, "ralph", lines("between", at=NOW + 0.5))
            await shows(app, "two")
            order = [line for line in app.lines if "11:" in line or ":" in line]
            text = "\n".join(order)
            assert text.index("one") < text.index("between") < text.index("two")
            assert "hybrid, ralph (2 of 3)" in app.text


async def test_an_argument_chooses_and_unchoosing_forgets() -> None:
    async with stage() as on:
        on.topics[Topic.FLEET] = fleet()
        app = Shell(on, LogsScreen)
        async with app.run_test(size=(120, 30)) as pilot:
            screen = await ready(app, pilot)
            screen.receive("hybrid")
            await send(on, screen, "hybrid", lines("only"))
            await shows(app, "only")
            screen.receive("nobody")
            assert app.said[-1] == "There is no container nobody."
            screen.receive(IDS["ralph"][:64])
            await until(lambda: len(screen.ring) == 0)


async def test_what_the_backend_dropped_is_said() -> None:
    async with stage() as on:
        on.topics[Topic.FLEET] = fleet()
        app = Shell(on, LogsScreen)
        async with app.run_test(size=(120, 30)) as pilot:
            screen = await ready(app, pilot)
            screen.receive("hybrid")
            await send(on, screen, "hybrid", lines("x"), dropped=1234)
            await shows(app, "1,234 LOST before they came")


async def test_a_broken_stream_is_told_and_taken_up_without_showing_a_line_twice() -> None:
    async with stage() as on:
        on.topics[Topic.FLEET] = fleet()
        app = Shell(on, LogsScreen)
        async with app.run_test(size=(120, 30)) as pilot:
            screen = await ready(app, pilot)
            screen.receive("hybrid")
            await send(on, screen, "hybrid", lines("one", "two"))
            on.logs[IDS["hybrid"]].put_nowait(None)
            path = f"GET /v1/containers/{IDS['hybrid']}/logs"
            await until(lambda: [asked for asked, _ in on.asked].count(path) == 2)
            assert float(next(args for asked, args in reversed(on.asked) if asked == path)["since"][0]) == NOW + 1
            await send(on, screen, "hybrid", lines("two", "three", at=NOW + 1)[1:])
            on.logs[IDS["hybrid"]].put_nowait(LogBatch(id=IDS["hybrid"], lines=lines("two", at=NOW + 1)))
            on.logs[IDS["hybrid"]].put_nowait(LogBatch(id=IDS["hybrid"], lines=lines("last", at=NOW + 9)))
            await shows(app, "last")
            assert [entry.text for entry in screen.ring.view] == ["one", "two", "three", "last"]


async def test_filter_level_highlight_and_hits() -> None:
    async with stage() as on:
        on.topics[Topic.FLEET] = fleet()
        app = Shell(on, LogsScreen)
        async with app.run_test(size=(120, 30)) as pilot:
            screen = await ready(app, pilot)
            screen.receive("hybrid")
            await send(on, screen, "hybrid", lines("INFO alpha", "ERROR bind", "WARN beta", "ERROR alpha"))
            await pilot.press("slash", *"alpha", "enter")
            assert [entry.text for entry in screen.ring.view] == ["INFO alpha", "ERROR alpha"]
            await pilot.press("backslash")
            assert len(screen.ring.view) == 4
            await pilot.press("G", "N")
            current = screen.query_one(LogView).current
            assert current is not None
            assert current.text == "INFO alpha"
            await pilot.press("N")
            assert app.said[-1] == "No further hit that way."
            await pilot.press("slash", "escape", "L", "L", "L")
            assert [entry.text for entry in screen.ring.view] == ["ERROR bind", "ERROR alpha"]
            await pilot.press("n")
            assert app.said[-1].startswith("Nothing is searched yet")


async def test_save_writes_what_is_shown_for_its_owner_only() -> None:
    async with stage() as on:
        on.topics[Topic.FLEET] = fleet()
        app = Shell(on, LogsScreen)
        async with app.run_test(size=(120, 30)) as pilot:
            screen = await ready(app, pilot)
            await pilot.press("s")
            assert app.said[-1] == "There is no line to save."
            screen.receive("hybrid")
            await send(on, screen, "hybrid", lines("one\nforged", "two"))
            await pilot.press("s")
            await until(lambda: any("saved to" in said for said in app.said))
            [file] = (on.data / "saved").iterdir()
            assert file.stat().st_mode & 0o777 == 0o600
            assert [line.split(" ", 2)[1:] for line in file.read_text().splitlines()] == [
                ["hybrid", "one␊forged"],
                ["hybrid", "two"],
            ]


async def test_save_that_cannot_write_says_where_and_why() -> None:
    async with stage() as on:
        on.topics[Topic.FLEET] = fleet()
        (on.data / "saved").write_text("in the way")
        app = Shell(on, LogsScreen)
        async with app.run_test(size=(120, 30)) as pilot:
            screen = await ready(app, pilot)
            screen.receive("hybrid")
            await send(on, screen, "hybrid", lines("one"))
            await pilot.press("s")
            await until(lambda: any(str(Path("saved")) in said for said in app.said))


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (160, 45)])
async def test_every_key_works_at_every_size(size: tuple[int, int]) -> None:
    async with stage() as on:
        on.topics[Topic.FLEET] = fleet()
        app = Shell(on, LogsScreen)
        async with app.run_test(size=size) as pilot:
            screen = await ready(app, pilot)
            screen.receive("hybrid ralph")
            await send(on, screen, "hybrid", lines(*(f'level=info msg="m{i}" n={i}' for i in range(60))))
            for key in ("w", "t", "v", "f", "f", "enter", "k", "g", "G", "l", "h", "enter", "space", "j", "space"):
                await pilot.press(key)
            await pilot.pause()
            assert app.is_running
            assert screen.query_one("#sources", LiveTable).display


async def test_no_podman_is_told_with_what_was_tried() -> None:
    async with stage() as on:
        lost = source(state=SourceState.ABSENT, tried="unix:///run/podman/podman.sock", hint="Start podman.socket.")
        on.topics[Topic.FLEET] = Fleet(at=None, source=lost)
        app = Shell(on, LogsScreen)
        async with app.run_test(size=(120, 30)) as pilot:
            await ready(app, pilot)
            await shows(app, "podman.socket.")


async def test_a_line_in_full_has_its_fields() -> None:
    async with stage() as on:
        on.topics[Topic.FLEET] = fleet()
        app = Shell(on, LogsScreen)
        async with app.run_test(size=(160, 45)) as pilot:
            screen = await ready(app, pilot)
            screen.receive("hybrid")
            await send(on, screen, "hybrid", lines('{"level":"error","msg":"bind","port":8000}'))
            await until(lambda: "port" in "\n".join(screen.query_one("#fields", Detail).lines))
            [entry] = screen.ring.view
            assert saved_line(entry, {}).endswith('? {"level":"error","msg":"bind","port":8000}')
            assert entry_paras(None, {})


@pytest.mark.soak
async def test_a_hundred_thousand_lines_come_in_bounded_and_counted() -> None:
    """The goal of 3 s, 120 MiB and keys in 15 ms is measured by ``bench``, with the sender in a process of its own."""
    async with stage() as on:
        on.topics[Topic.FLEET] = fleet()
        app = Shell(on, LogsScreen)
        async with app.run_test(size=(160, 45)) as pilot:
            screen = await ready(app, pilot)
            screen.receive("hybrid")
            made = [
                lines(*(f"INFO line {n + i} of many" for i in range(500)), at=NOW + n) for n in range(0, 100_000, 500)
            ]
            began = time.perf_counter()
            await asyncio.wait_for(send(on, screen, "hybrid", *made), 60)
            print(f"\n100,000 lines in {time.perf_counter() - began:.2f} s")
            assert len(screen.ring) + screen.ring.dropped == 100_000
            assert screen.ring.view[-1].text == "INFO line 99999 of many"
