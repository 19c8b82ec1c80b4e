"""A burst of keys does what the same keys do at a person's speed."""

from __future__ import annotations

from tests.console.stage import until
from tests.console.world import FLEET, Screen, console, stage
from textual.events import Key

from aistack_backend.wire.events import Topic
from aistack_console.screens.logs import LogsScreen
from aistack_console.screens.services import ServicesScreen
from aistack_console.widgets.live_table import LiveTable


def burst(screen: Screen, *keys: str) -> None:
    """Give the app all keys before it can act on the first."""
    names = {" ": "space", "/": "slash", "\r": "enter"}
    for key in keys:
        screen.app.post_message(Key(names.get(key, key), key))


async def test_containers_are_chosen_by_a_burst_that_opens_their_screen_too() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        async with console(one) as screen:
            burst(screen, *"3 j ")
            await until(lambda: isinstance(screen.app.screen, LogsScreen) and screen.app.screen._readers)
            table = screen.app.screen.query_one("#sources", LiveTable)
            assert table.marked == {table.rows[1].key}


async def test_a_filter_typed_in_one_burst_is_the_filter() -> None:
    async with stage() as one, console(one) as screen:
        burst(screen, *"2/web\r")
        await until(lambda: isinstance(screen.app.screen, ServicesScreen) and screen.app.screen.view.text == "web")


async def test_a_key_acts_once() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        async with console(one) as screen:
            burst(screen, *"2jjk")
            table = await _table(screen)
            await until(lambda: table.cursor_key == table.rows[1].key)
            await screen.pilot.pause()
            assert table.cursor_key == table.rows[1].key


async def test_a_key_counts_from_when_it_was_read_not_from_when_the_loop_comes_to_it() -> None:
    async with stage() as one, console(one) as screen:
        before = screen.app.last_key
        posted = screen.app._post_message(Key("j", "j"))
        assert screen.app.last_key > before
        await posted


async def _table(screen: Screen) -> LiveTable:
    await until(lambda: isinstance(screen.app.screen, ServicesScreen) and screen.app.screen.query("#table"))
    table = screen.app.screen.query_one("#table", LiveTable)
    await until(lambda: table.rows)
    return table
