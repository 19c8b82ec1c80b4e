"""The time machine's screen: what it shows is of then and says so on the whole screen; arrow keys step; Esc is now."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from tests.console.shell import Shell
from tests.console.stage import NOW, stage, until

from aistack_backend.wire.containers import Activity
from aistack_backend.wire.past import Past, PastState
from aistack_console.present import past as show
from aistack_console.screens.past import PastScreen

THEN = Past(
    at=NOW - 60,
    recorded=True,
    oldest=NOW - 90,
    newest=NOW,
    services=(
        PastState(name="aidb", service=True, state="bad", why="It does not listen.", since=NOW - 80),
        PastState(name="redis", service=True, state="ok", since=NOW - 90),
    ),
    containers=(PastState(name="web", service=False, state="running", since=NOW - 90),),
    host={"cpu": 34.0, "memory": 2.0**30, "load": 1.5, "disk.root": 5.0},
    events=(Activity(at=NOW - 80, who="podman", text="aidb died"),),
    before=NOW - 80,
)


def test_a_moment_is_typed_as_a_time_or_so_long_ago() -> None:
    noon = time.mktime((2026, 11, 27, 12, 0, 0, 0, 0, -1))
    assert show.moment("-5m", noon) == noon - 300
    assert show.moment(" -2 h", noon) == noon - 7200
    assert show.moment("11:30", noon) == noon - 1800
    assert show.moment("11:59:30", noon) == noon - 30
    assert show.moment("13:00", noon) == noon - 23 * 3600


@pytest.mark.parametrize("wrong", ["", "5m", "-5", "-m", "25:00", "12:60", "12:00:99", "noon", "-9999999m", "12.30"])
def test_what_is_no_moment_is_none(wrong: str) -> None:
    assert show.moment(wrong, NOW) is None


def test_what_was_not_recorded_shows_no_state_and_no_figure() -> None:
    bare = Past(at=NOW, recorded=False, services=THEN.services, host=THEN.host)
    assert show.rows(bare) == ()
    assert show.NOTHING in str(show.side(bare, ""))
    assert "NOT RECORDED" in str(show.head(bare, NOW, NOW))
    assert "cpu -%" in str(show.side(Past(at=NOW, recorded=True, host={"memory": 1.0}), ""))


async def test_it_is_marked_as_past_steps_and_comes_back() -> None:
    async with stage() as on:

        def then(ago: float) -> None:
            on.answers["GET /v1/past"] = replace(THEN, at=NOW - ago)

        then(60)
        app = Shell(on, PastScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: "It does not listen." in app.text)
            assert "PAST: everything here is as it was at" in app.text
            assert "34%" in app.text.replace("cpu ", "")
            assert "aidb died" in app.text
            then(70)
            await pilot.press("left")
            await until(lambda: "1m10 ago" in app.text)
            then(90)
            await pilot.press("left_square_bracket")
            await until(lambda: "1m30 ago" in app.text)
            then(80)
            app.screen.receive("-80s")  # type: ignore[attr-defined]
            await until(lambda: "1m20 ago" in app.text)
            await pilot.press("slash", "x", "enter")
            await until(lambda: any("Write a moment" in one for one in app.said))
            then(0)
            app.screen.receive("-0s")  # type: ignore[attr-defined]
            await until(lambda: " 0s ago" in app.text)
            await pilot.press("right")
            await until(lambda: any("This is now." in one for one in app.said))
            asked = [float(one["at"][0]) for path, one in on.asked if path == "GET /v1/past"]
            assert asked == [NOW - 60, NOW - 70, NOW - 90, NOW - 80, NOW]
