"""R3.1 to R3.3: hostile text in every string field of every answer, on every screen of the whole console.

No raw control byte is painted, no painted cell carries an action, nothing crashes, borders stay straight.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from rich.segment import Segment
from tests.console.hostile import MARKUP, Filler, dress_observed, dress_stack, payloads
from tests.console.stage import NOW, Stage, source, stage, until
from textual.pilot import Pilot

from aistack_backend.wire.actions import Approval, ApprovalList, ApprovalState
from aistack_backend.wire.audit import AuditCheck, AuditPage
from aistack_backend.wire.chat import Message, PersonaList, Role, Session, SessionList, Transcript
from aistack_backend.wire.config import Config, ConsoleConfig
from aistack_backend.wire.containers import (
    Activity,
    Container,
    ContainerDetail,
    Fleet,
    LogBatch,
    LogLine,
    LogStream,
    RemoteHost,
    Usage,
    UsageTable,
)
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample, Series
from aistack_backend.wire.models import ModelStatus
from aistack_backend.wire.problems import Problem
from aistack_backend.wire.shelf import ModelShelf
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.status import DoctorReport, Status
from aistack_backend.wire.tasks import Task, TaskList
from aistack_console.app import ConsoleApp
from aistack_console.backstops import ALLOWED_ACTIONS, SCROLLBAR_ACTIONS
from aistack_console.keys import PLACES
from aistack_console.options import Options
from aistack_console.screens.base import BaseScreen
from aistack_console.state.store import Store

ROWS = 20


def dress(on: Stage, fill: Filler) -> None:
    """Give every topic and every answer of the stage new hostile text."""
    ids = [f"{number:064x}" for number in range(1, ROWS + 1)]
    hosts = ["far" if one in ids[-5:] else "" for one in ids]  # a name of ours: the configuration takes no other
    boxes = tuple(fill.make(Container, id=one, host=host) for one, host in zip(ids, hosts, strict=True))
    usage = tuple(fill.make(Usage, id=one.ref) for one in boxes)
    far = fill.make(RemoteHost, name="far", source=fill.make(Source, state=SourceState.REFUSED))
    asked = tuple(fill.make(Approval, state=ApprovalState.PENDING, expires_at=NOW + 60) for _ in range(3))
    done = tuple(fill.make(Approval) for _ in range(len(ApprovalState)))
    on.push(Topic.STATUS, fill.make(Status, api=1))
    on.push(Topic.FLEET, Fleet(at=NOW, source=source(), containers=boxes, hosts=(far,)))
    on.push(Topic.USAGE, UsageTable(at=NOW, rows=usage))
    on.push(Topic.APPROVALS, ApprovalList(approvals=(*asked, *done)))
    on.push(Topic.TASKS, TaskList(tasks=tuple(fill.make(Task) for _ in range(ROWS))))
    on.push(Topic.AUDIT, fill.make(AuditPage, ROWS))
    on.push(Topic.HOST, fill.make(HostSample))
    on.push(Topic.MODEL, fill.make(ModelStatus, 4))
    dress_stack(on, Filler(itertools.chain(MARKUP, payloads(fill.used))))
    dress_observed(on, fill)
    on.push(Topic.SHELF, Filler(itertools.chain(MARKUP, payloads(fill.used))).make(ModelShelf, 4))
    for _ in range(5):
        on.push(Topic.ACTIVITY, fill.make(Activity))
    sessions = tuple(fill.make(Session, id=number) for number in (1, 2, 3))
    talk = tuple(fill.make(Message, role=role) for role in itertools.islice(itertools.cycle(Role), 12))
    on.answers |= {
        "GET /v1/audit": fill.make(AuditPage, ROWS),
        "POST /v1/audit/verify": fill.make(AuditCheck),
        "GET /v1/chats": SessionList(sessions=sessions),
        "GET /v1/personas": fill.make(PersonaList),
        "GET /v1/doctor": fill.make(DoctorReport),
        **{f"GET /v1/chats/{one.id}": Transcript(session=one, messages=talk) for one in sessions},
        **{f"GET /v1/containers/{one.id}": fill.make(ContainerDetail, container=one) for one in boxes},
        **{f"GET /v1/approvals/{one.id}": one for one in asked},
        **{f"POST /v1/tasks/{number}/stop": fill.make(Problem, status=409) for number in range(500)},
        "GET /v1/series/host.cpu": Series(name=fill.text()),
    }
    for one in ids[:3]:
        queue = on.logs.get(one)
        lines = tuple(LogLine(at=NOW, stream=LogStream.STDOUT, text=fill.text()) for _ in range(20))
        if queue is not None:
            queue.put_nowait(LogBatch(id=one, lines=lines))


def cells(app: ConsoleApp) -> Iterator[Segment]:
    """Every painted segment of the current screen."""
    return (segment for line in app.screen._compositor.render_strips() for segment in line)


def faults(app: ConsoleApp) -> list[str]:
    """What on the screen could act: control bytes, invisible characters, links, actions, crooked lines."""
    found = [f"char {char!r}" for segment in cells(app) for char in segment.text if not char.isprintable()]
    for segment in cells(app):
        style = segment.style
        if style is None:
            continue
        if style.link:
            found.append(f"link {style.link}")
        for key, action in style.meta.items():
            if key.startswith("@") and not str(action).startswith(ALLOWED_ACTIONS) and action not in SCROLLBAR_ACTIONS:
                found.append(f"action {action}")
    width = app.size.width
    found += [
        f"width {line.cell_length}" for line in app.screen._compositor.render_strips() if line.cell_length != width
    ]
    return found


@asynccontextmanager
async def console(on: Stage, size: tuple[int, int], config: Config = Config()) -> Any:  # noqa: B008 (frozen)
    """The whole console over a stage."""
    options = Options(data_dir=on.data, config_file=on.data / "config.toml", start_backend=False)
    app = ConsoleApp(options, config, Store(now=lambda: NOW))
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(lambda: app.store.down is None and isinstance(app.screen, BaseScreen))
        yield app, pilot


async def arrive(app: ConsoleApp, name: str) -> None:
    """Wait until that screen is shown."""
    await until(lambda: getattr(app.screen, "NAME", "") == name, 30)


async def look_everywhere(app: ConsoleApp, pilot: Pilot[int]) -> str:
    """Visit every screen, open what Enter opens there, demand that nothing on it can act; return what was read."""
    read = ""
    for place in PLACES:
        app.goto(place.name)
        await until(lambda name=place.name: isinstance(app.screen, BaseScreen) and name == app.screen.NAME)  # type: ignore[misc]
        await pilot.pause()
        assert faults(app) == [], place.name
        read += "".join(segment.text for segment in cells(app))
        if place.name == "map":
            await pilot.press("t")
            await pilot.pause()
            assert faults(app) == [], "traffic"
        await pilot.press("escape", "G", "enter", "right_square_bracket")
        await pilot.pause()
        assert faults(app) == [], f"{place.name} opened"
        while not isinstance(app.screen, BaseScreen):
            await pilot.press("escape")
        await pilot.press("question_mark")
        await pilot.pause()
        assert faults(app) == [], f"help of {place.name}"
        await pilot.press("escape")
    return read


async def rounds(size: tuple[int, int], least: int, seed: int) -> int:
    """Dress and look, twice at least, until ``least`` payloads were shown; return how many."""
    fill, looks, read = Filler(payloads(seed)), 0, ""
    async with stage() as on, console(on, size) as (app, pilot):
        app.goto("logs")
        await arrive(app, "logs")
        dress(on, fill)
        await until(lambda: app.store.model is not None and app.store.fleet is not None)
        app.screen.receive(" ".join(f"{number:064x}" for number in (1, 2, 3)))
        await until(lambda: len(on.logs) == 3)
        while looks < 2 or fill.used < least:
            dress(on, fill)
            app.notify(fill.text(), title=fill.text())
            read += await look_everywhere(app, pilot)
            looks += 1
        assert app.is_running
    assert "␛[2J" in read
    assert "[@click=app.quit]" in read
    assert "<U+202E>" in read
    return fill.used


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_hostile_text_in_every_field_of_every_screen(size: tuple[int, int]) -> None:
    assert await rounds(size, 200, seed=size[0]) >= 200


@pytest.mark.soak
@pytest.mark.parametrize("size", [(80, 24), (190, 40)])
@pytest.mark.timeout(900)
async def test_ten_thousand_hostile_texts(size: tuple[int, int]) -> None:
    assert await rounds(size, 10_000, seed=7 * size[0]) >= 10_000


async def test_ascii_without_colour_is_just_that_on_every_screen() -> None:
    config = Config(console=ConsoleConfig(ascii=True, color=False))
    async with stage() as on, console(on, (80, 24), config) as (app, pilot):
        dress(on, Filler(payloads(5)))
        await until(lambda: app.store.model is not None and app.store.fleet is not None)
        for place in PLACES:
            app.goto(place.name)
            await arrive(app, place.name)
            await pilot.press(*("t" if place.name == "map" else ""))
            await pilot.pause()
            assert not [segment.text for segment in cells(app) if not segment.text.isascii()], place.name
            styles = [segment.style for segment in cells(app) if segment.style]
            assert not [style for style in styles if style.color or style.bgcolor], place.name


async def test_huge_and_towering_text_does_not_stop_the_console() -> None:
    async with stage() as on, console(on, (80, 24)) as (app, pilot):
        huge = ["x" * (1 << 20), "e" + "\u0301" * 100_000, "\x1b[2J" * 50_000, "漢" * 100_000]
        fill = Filler(itertools.cycle(huge))
        box = fill.make(Container, id="1" * 64, host="far")
        on.push(Topic.FLEET, Fleet(at=NOW, source=source(), containers=(box,)))
        on.push(Topic.APPROVALS, ApprovalList(approvals=(fill.make(Approval, state=ApprovalState.PENDING),)))
        await until(lambda: app.store.fleet is not None and app.store.approvals is not None, 30)
        for name in ("overview", "services", "approvals", "resources"):
            app.goto(name)
            await arrive(app, name)
            await pilot.pause()
            assert faults(app) == [], name
