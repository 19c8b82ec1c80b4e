"""The registry: one list of actions, no key with two meanings, remapping that does what it says."""

from __future__ import annotations

import pytest
from tests.console.stage import until
from tests.console.world import console, stage

from aistack_console.commands import interpret, words
from aistack_console.errors import KeysError
from aistack_console.keys import APP_ACTIONS, PLACES, Action, Registry, shown
from aistack_console.screens.all import SCREENS
from aistack_console.screens.base import screens_actions

ACTIONS = (*APP_ACTIONS, *screens_actions(SCREENS))


def test_no_key_means_two_things() -> None:
    assert Registry(ACTIONS).all()


def test_every_action_of_a_screen_can_be_done() -> None:
    for screen in SCREENS.values():
        for action in screen.ACTIONS:
            assert callable(getattr(screen, f"do_{action.name}", None)) or not action.keys, action.id
            assert action.scope == screen.NAME, action.id


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"services.halt": "h"}, "services.halt, which does not exist"),
        ({"services.stpo": "h"}, "Did you mean services.stop"),
        ({"services.stop": "ctrl+s"}, "flow control"),
        ({"services.stop": "r"}, "would do both"),
        ({"services.stop": "q"}, "would do both app.quit and services.stop"),
        ({"app.quit": "s"}, "would do both"),
    ],
)
def test_a_bad_key_map_is_one_sentence(chosen: dict[str, str], sentence: str) -> None:
    with pytest.raises(KeysError) as caught:
        Registry(ACTIONS, chosen)
    assert sentence in caught.value.sentence


def test_the_same_key_on_two_screens_is_fine() -> None:
    registry = Registry(ACTIONS, {"services.stop": "ctrl+t", "audit.verify": "ctrl+t"})
    assert registry.keys_of("services.stop") == "^t"


async def test_two_actions_can_change_keys() -> None:
    """Textual drops one of two swapped bindings silently if they are applied one after the other."""
    swap = {"app.services": "5", "app.tasks": "2"}
    async with stage() as one, console(one, keys=swap) as screen:
        await screen.press("5")
        await until(lambda: screen.app.current_mode == "services")
        await screen.press("2")
        await until(lambda: screen.app.current_mode == "tasks")
        await screen.sees("5 Svc")


def test_keys_are_shown_as_people_write_them() -> None:
    assert [shown(key) for key in ("ctrl+p", "question_mark", "space", "J")] == ["^p", "?", "space", "J"]


def test_commands_are_interpreted() -> None:
    registry = Registry((*ACTIONS, Action(id="logs.odd", keys="", title="x")))
    assert interpret(":svc web", registry, PLACES, "overview").place == "services"
    assert interpret("approve #41", registry, PLACES, "overview").argument == "approve 41"
    assert interpret("sort", registry, PLACES, "services").action == "services.sort"
    assert interpret("quti", registry, PLACES, "services").problem.endswith("Did you mean :quit?")
    assert interpret("  ", registry, PLACES, "services") == interpret("", registry, PLACES, "x")
    assert "quit" in words(registry, PLACES, "services")
