"""A partial update holds, in what changed, exactly what Textual's own holds, and draws no row that is not needed."""

from __future__ import annotations

import random

from tests.console.scenes import normal
from tests.console.stage import until
from tests.console.world import Screen, console, stage
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip

from aistack_console.keys import PLACES
from aistack_console.sparing import _pieces
from aistack_console.visible import VisibleOnly


def seen(update: ChopsUpdate | None) -> list[tuple[int, int, Strip]]:
    """Return line, column and content of each piece of an update."""
    return list(_pieces(update)) if update is not None else []


def both(compositor: Compositor, regions: set[Region]) -> tuple[list[tuple[int, int, Strip]], ...]:
    """Return what ours and what Textual's own makes of the same changes."""
    compositor._dirty_regions = set(regions)
    ours = seen(compositor.render_partial_update())
    compositor._dirty_regions = set(regions)
    return ours, seen(Compositor.render_partial_update(compositor))


def changes(screen: Screen, chance: random.Random) -> set[Region]:
    """Return some regions of a screen: widgets, a line and any rectangle."""
    width, height = screen.app.size
    whole = screen.app.size.region
    widgets = [region.intersection(whole) for region, _ in screen.app.screen._compositor.visible_widgets.values()]
    line = Region(0, chance.randrange(height), width, 1)
    left, top = chance.randrange(width), chance.randrange(height)
    some = Region(left, top, chance.randint(1, width), chance.randint(1, height)).intersection(whole)
    return set(chance.sample([*widgets, line, some], chance.randint(1, 3)))


async def compositor_of(screen: Screen, name: str) -> VisibleOnly:
    """Show a screen and return its compositor."""
    screen.app.goto(name)
    await until(lambda: getattr(screen.app.screen, "NAME", "") == name)
    await screen.pilot.pause()
    compositor = screen.app.screen._compositor
    assert isinstance(compositor, VisibleOnly)
    return compositor


async def test_every_screen_is_drawn_as_textual_draws_it() -> None:
    chance = random.Random(1)
    async with stage() as one:
        normal(one)
        async with console(one) as screen:
            for place in PLACES:
                compositor = await compositor_of(screen, place.name)
                for _ in range(40):
                    ours, textual = both(compositor, changes(screen, chance))
                    assert ours == textual
                assert both(compositor, set()) == ([], [])


async def test_what_is_hidden_or_elsewhere_is_not_drawn() -> None:
    async with stage() as one:
        normal(one)
        async with console(one) as screen:
            compositor = await compositor_of(screen, "services")
            header = screen.app.screen.query_one("#header")
            compositor._changed = [header.region]
            drawn = [(region, clip.height, len(strips)) for region, clip, strips in compositor._get_renders()]
            assert drawn == [(header.region, 1, 1)]
