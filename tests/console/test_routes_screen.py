"""The Routes screen: what a question's way was and what left for it; the lock asks first and says what it did."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.route_scene import REPLAY, ROUTES, STANDING, routed
from tests.console.shell import Shell
from tests.console.stage import stage, until

from aistack_backend.wire.routing import Lock
from aistack_console.screens.chat import ChatScreen
from aistack_console.screens.routes import RoutesScreen
from aistack_console.widgets.hint_line import HintLine
from aistack_console.widgets.question import Question


def answer(app: Shell, yes: bool) -> None:
    question = app.screen
    assert isinstance(question, Question)
    question.action_answer(yes)


def enabled(screen: RoutesScreen, word: str) -> bool:
    """Whether the footer shows that key as one that does something now."""
    return next(on for _, hint, on in screen.query_one(HintLine)._hints if hint == word)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_way_of_a_question_and_what_left_are_shown(size: tuple[int, int]) -> None:
    async with stage() as on:
        routed(on)
        app = Shell(on, RoutesScreen)
        async with app.run_test(size=size) as pilot:
            await until(lambda: "far answered." in app.text)
            for words in ("day's budget warned", "4 asked", "67% of answers here", "remote", "cache", "none", "1d01h"):
                await until(lambda words=words: words in app.text)  # type: ignore[misc]
            await pilot.press("enter", "end")
            await until(lambda: "far answers 500." in app.text)
            if size[0] == 160:
                assert "api.example.com/chat/completions" in app.text
                assert "not known: unknown" in app.text


async def test_the_footer_follows_what_was_read_in_the_same_paint() -> None:
    async with stage() as on:
        routed(on)
        app = Shell(on, RoutesScreen)
        async with app.run_test(size=(120, 40)):
            await until(lambda: "far answered." in app.text)
            screen = app.screen
            assert isinstance(screen, RoutesScreen)
            found, screen._routes = screen._routes, None
            screen.repaint()
            assert not enabled(screen, "replay")
            screen._routes = found
            screen.repaint()
            assert enabled(screen, "replay")


async def test_closing_the_way_out_asks_first_and_a_no_changes_nothing() -> None:
    async with stage() as on:
        routed(on)
        on.answers["POST /v1/routing/lock"] = Lock(locked=True, why="operator:me closed it.")
        app = Shell(on, RoutesScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "far answered." in app.text)
            await pilot.press("L")
            await until(lambda: isinstance(app.screen, Question))
            await until(lambda: "Nothing of any question leaves this machine" in app.text)
            answer(app, False)
            await until(lambda: isinstance(app.screen, RoutesScreen))
            assert not [one for one, _ in on.asked if one.startswith("POST")]
            await pilot.press("L")
            await until(lambda: isinstance(app.screen, Question))
            answer(app, True)
            await until(lambda: ("POST /v1/routing/lock", {"locked": True}) in on.asked)
            await until(lambda: "The way out is closed." in app.said)


async def test_a_lock_of_the_configuration_says_why_not() -> None:
    async with stage() as on:
        routed(on)
        on.answers["GET /v1/routing"] = replace(STANDING, lock=Lock(locked=True, why="So it is written.", fixed=True))
        app = Shell(on, RoutesScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "LOCKED: no question leaves" in app.text)
            await pilot.press("L")
            await until(
                lambda: any("The configuration keeps it closed (routing.local_only)." in one for one in app.said)
            )


async def test_a_replay_asks_and_shows_both_answers() -> None:
    async with stage() as on:
        routed(on)
        on.answers |= {"POST /v1/routes/44/replay": REPLAY, "POST /v1/feedback": ROUTES.routes[0]}
        app = Shell(on, RoutesScreen)
        async with app.run_test(size=(160, 45)) as pilot:
            await until(lambda: "far answered." in app.text)
            await pilot.press("p")
            await until(lambda: isinstance(app.screen, Question))
            answer(app, True)
            await until(lambda: "From here." in app.text and "From afar." in app.text)
            await pilot.press("o", "b")
            await until(lambda: len([one for one, _ in on.asked if one == "POST /v1/feedback"]) == 2)
            said = [body for one, body in on.asked if one == "POST /v1/feedback"]
            assert [(one["interaction_id"], one["verdict"]) for one in said] == [(44, "good"), (44, "bad")]


async def test_a_backend_without_routes_says_so() -> None:
    async with stage() as on:
        del on.answers["GET /v1/routing"]
        app = Shell(on, RoutesScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: "no GET /v1/routing" in app.text)
            await pilot.press("p")
            await until(lambda: any("No question is chosen." in one for one in app.said))


async def test_the_chat_leads_there() -> None:
    async with stage() as on:
        app = Shell(on, ChatScreen)
        async with app.run_test(size=(160, 45)) as pilot:
            await pilot.press("escape", "W")
            await until(lambda: app.went == [("routes", "")])
