"""Every widget that comes into view learns its size, whoever looked at the layout before."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual._compositor import Compositor
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from aistack_console.told import Told


class Box(Widget):
    """Keeps the sizes that it was told."""

    DEFAULT_CSS = "Box { width: 10; height: 3; } Box.-away { display: none; }"

    def __init__(self, *, classes: str = "") -> None:
        super().__init__(classes=classes)
        self.told: list[tuple[int, int]] = []

    def on_resize(self, event: events.Resize) -> None:
        self.told.append((event.size.width, event.size.height))


class Page(Screen[Any]):
    """A box that is there and one that is not."""

    def __init__(self, compositor: Compositor) -> None:
        super().__init__()
        self._compositor = compositor

    def compose(self) -> ComposeResult:
        yield Box()
        yield Box(classes="-away")


class Stage(App[None]):
    """An app with that screen."""

    def __init__(self, compositor: Compositor) -> None:
        super().__init__()
        self.page = Page(compositor)

    def on_mount(self) -> None:
        self.push_screen(self.page)


async def shown_after_a_look(compositor: Compositor) -> list[tuple[int, int]]:
    """Show the box that was away, with somebody who asks for a size before the layout; return what it was told."""
    app = Stage(compositor)
    async with app.run_test() as pilot:
        await pilot.pause()
        here, away = app.page.query(Box)
        away.remove_class("-away")
        app.page._compositor.update_widgets({away})  # a refresh of a widget that is in no layout yet
        assert here.size.width == 10
        await pilot.pause()
        assert away.region.size == (10, 3)
        return away.told


async def test_a_widget_that_comes_into_view_is_told_its_size() -> None:
    assert (10, 3) in await shown_after_a_look(Told())


async def test_textual_needs_this_still() -> None:
    assert await shown_after_a_look(Compositor()) == [], "textual tells it by itself now: remove told.py"


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (81, 24)])
async def test_a_new_size_reaches_all_once(size: tuple[int, int]) -> None:
    app = Stage(Told())
    async with app.run_test() as pilot:
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert len(app.page.query(Box).first().told) <= 2
