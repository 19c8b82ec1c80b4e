"""Pictures of every screen in every state of the world, at both sizes. ``make shots`` writes them anew."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from tests.console import (
    chat_scene,
    dashboard_scene,
    federation_scene,
    flow_scene,
    learning_scene,
    loop_scene,
    observe_scene,
    provider_scene,
    route_scene,
    scenes,
    training_scene,
)
from tests.console.stage import NOW, Stage, until
from tests.console.world import stage
from textual.pilot import Pilot
from textual.widgets import TextArea

from aistack_backend.wire.config import Config
from aistack_backend.wire.events import Topic
from aistack_console.app import ConsoleApp
from aistack_console.keys import PLACES
from aistack_console.options import Options
from aistack_console.state.store import Store
from aistack_console.themes import builtin_folder
from aistack_console.widgets.turn import Turn

TOLD: dict[Path, frozenset[Topic]] = {}
"""Which topics the stage of a data folder has to tell."""
NOBODY = Path("/tmp/aistack-nobody")  # a fixed path: the sentence on the screen names it
WORLDS: dict[str, Callable[[Stage], None] | None] = {
    "normal": scenes.normal,
    "empty": scenes.empty,
    "no-podman": scenes.no_podman,
    "backend-down": None,
    "stack": scenes.whole_stack,
    "fault": scenes.one_fault,
    "busy": scenes.busy,
    "booting": scenes.booting,
    "machines": scenes.machines,
    "chatting": chat_scene.chatting,
    "asking": chat_scene.asking,
    "looping": loop_scene.looping,
    "flowing": flow_scene.running,
    "elsewhere": provider_scene.elsewhere,
    "learned": learning_scene.learned,
    "routed": route_scene.routed,
    "federated": federation_scene.federated,
    "training": training_scene.training,
    "observing": observe_scene.observing,
    "boarded": dashboard_scene.boarded,
}
OBSERVED = ("traces", "alerts", "past")
"""Pictured in their own world alone; the time machine's words are held by its own test."""
NEEDS_ITS_WORLD = ("federation", "training")
NEEDS_A_STACK = ("map", "boot", "checklist", "doctor", "storage", "dashboard")
PICTURED = {
    "stack": ("overview", "services", "map", "checklist", "doctor", "storage"),
    "fault": ("overview", "services", "map", "boot"),
    "busy": ("map",),
    "booting": ("overview", "boot"),
    "machines": ("overview", "services"),
    "chatting": ("chat",),
    "asking": ("chat",),
    "looping": ("tasks",),
    "flowing": ("tasks",),
    "elsewhere": ("models",),
    "learned": ("learning",),
    "routed": ("routes",),
    "federated": ("federation",),
    "training": ("training",),
    "observing": ("traces", "alerts"),
    "boarded": ("overview", "dashboard"),
    "normal": tuple(place.name for place in PLACES if place.name not in NEEDS_A_STACK + NEEDS_ITS_WORLD),
    "no-podman": tuple(
        place.name
        for place in PLACES
        if place.name not in {"boot", "checklist", "dashboard", "doctor", "knowledge", *NEEDS_ITS_WORLD}
    ),
}
"""The screens that are pictured in a world, where not all are."""
READS = {
    "learned": "_detail",
    "elsewhere": "_providers",
    "routed": "_sent",
    "federated": "_found",
    "training": "_found",
}
"""What the screen of a world has to have read before it is pictured."""
READ_BY = {"overview": "_doing.at", "dashboard": "_board"}
"""What a screen has to have read in every world that answers."""
PICTURES = [
    (world, place.name)
    for world in WORLDS
    for place in PLACES
    if place.name in PICTURED.get(world, (place.name,)) and (place.name not in OBSERVED or world == "observing")
]


class StillApp(ConsoleApp):
    """The console with nothing on it that depends on how fast this machine is today."""

    CSS_PATH = str(builtin_folder().parent / "console/aistack_console/screens/base.tcss")

    def ping(self) -> None:  # type: ignore[override]
        """Measure no round trip."""


def app_over(data: Path) -> StillApp:
    options = Options(data_dir=data, config_file=data / "config.toml", start_backend=False)
    app = StillApp(options, Config(), store=Store(now=lambda: NOW))
    app.meter.count = lambda size: None  # type: ignore[method-assign]
    return app


@pytest.fixture
def data(request: pytest.FixtureRequest) -> Iterator[Path]:
    """The data folder of a stage that runs in a thread of its own; a folder of nobody for "backend-down"."""
    world = WORLDS[request.param]
    if world is None:
        yield NOBODY
        return
    loop, started, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found: list[Path] = []

    async def play() -> None:
        async with stage() as one:
            world(one)
            if world is scenes.normal:
                scenes.log_lines(one)
            found.append(one.data)
            TOLD[one.data] = frozenset(one.topics) - {Topic.ACTIVITY}
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(play()))
    thread.start()
    assert started.wait(10)
    yield found[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)
    loop.close()


def ready(app: ConsoleApp, world: str) -> bool:
    """Whether everything that this world has to say has arrived."""
    if world == "backend-down":
        return "Connecting" not in app.store.why_down
    told = all(app.store.age(topic) is not None for topic in TOLD[app.options.data_dir])
    return told and app.store.down is None


def read_of(world: str, place: str) -> tuple[str, ...]:
    """The attributes of the shown screen that have to hold something."""
    if world == "backend-down":
        return ()
    return tuple(name for name in (READS.get(world), READ_BY.get(place)) if name)


async def still(app: ConsoleApp, pilot: Pilot[Any]) -> None:
    """Wait until the picture has been the same for a third of a second."""
    now = asyncio.get_running_loop().time
    seen, since = "", now()
    while now() - since < 0.35:
        await pilot.pause()
        if (picture := app.export_screenshot(simplify=True)) != seen:
            seen, since = picture, now()


@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])
@pytest.mark.parametrize(
    ("data", "world", "place"),
    [(world, world, place) for world, place in PICTURES],
    indirect=["data"],
    ids=[f"{world}-{place}" for world, place in PICTURES],
)
def test_screen(snap_compare: Any, data: Path, world: str, place: str, size: tuple[int, int]) -> None:
    app = app_over(data)

    async def show(pilot: Pilot[Any]) -> None:
        await until(lambda: ready(app, world), 10)
        app.goto(place)
        await until(lambda: app.current_mode == place and app.screen.is_mounted, 10)
        if place == "overview":  # shown from the start: the cursor stands on what came first, whichever that was
            await still(app, pilot)
            await pilot.press("home")
        if place == "logs" and world == "normal":
            await pilot.press("space")
            await pilot.pause()
            await pilot.press("space")
        if world in ("looping", "flowing"):
            await until(lambda: app.screen.chosen, 10)
        if world == "looping":
            app.screen.receive("task 51")
            await until(lambda: app.screen._followed.loop, 10)
            await pilot.press("h")
        if world == "flowing":
            app.screen.receive("task 61")
            await until(lambda: app.screen._run.run, 10)
        if world == "busy":
            await still(app, pilot)
            await pilot.press("t")
        await until(lambda: all(attrgetter(name)(app.screen) for name in read_of(world, place)), 20)
        for box in app.screen.query(TextArea):
            box.cursor_blink = False
        await still(app, pilot)

    assert snap_compare(app, terminal_size=size, run_before=show)


PARTS = {
    "search": ("escape", "slash", *"redis", "enter"),
    "cites": ("escape", "c"),
    "personas": ("escape", "P"),
    "commands": ("slash",),
    "attach": ("at",),
}
"""What stands over the chat, by the keys that bring it."""


@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("data", ["asking"], indirect=True)
def test_part_of_the_chat(snap_compare: Any, data: Path, part: str, size: tuple[int, int]) -> None:
    app = app_over(data)

    async def show(pilot: Pilot[Any]) -> None:
        await until(lambda: ready(app, "asking"), 10)
        app.goto("chat")
        await until(lambda: app.current_mode == "chat" and bool(app.screen.query(Turn)), 10)
        await still(app, pilot)
        await pilot.press(*PARTS[part])
        for box in app.screen.query(TextArea):
            box.cursor_blink = False
        await still(app, pilot)

    assert snap_compare(app, terminal_size=size, run_before=show)
