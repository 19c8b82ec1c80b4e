"""The dashboard and the overview's lines of loop and routes: a number has its window, what is not measured a reason."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pytest
from tests.console.dashboard_scene import BOARD, boarded
from tests.console.hostile import Filler, payloads
from tests.console.loop_scene import loop
from tests.console.route_scene import STANDING, STATS
from tests.console.shell import Shell
from tests.console.stage import NO_QUESTIONS, NOW, ROUTING, stage, until

from aistack_backend.wire.dashboard import Dashboard, Unit
from aistack_backend.wire.loops import Loop, LoopList, ModelUse, PassState
from aistack_backend.wire.routing import RouteStats
from aistack_backend.wire.tasks import TaskState
from aistack_console.keys import PLACES, Action
from aistack_console.options import Options
from aistack_console.present import dashboard as show
from aistack_console.present import doing
from aistack_console.present.doing import Doing
from aistack_console.present.para import Para
from aistack_console.present.units import size
from aistack_console.screens.dashboard import DashboardScreen
from aistack_console.screens.overview import OverviewScreen
from aistack_console.verbs import dashboard as verb
from aistack_console.verbs.context import Context, VerbError
from aistack_console.verbs.numbers import shown
from aistack_console.widgets.live_table import LiveTable


def said(one: Para) -> str:
    return "".join(cell if isinstance(cell, str) else cell[0] for cell in one.cells)


def told(**known: object) -> list[str]:
    return [said(one) for one in doing.lines(Doing(**known), NOW)]  # type: ignore[arg-type]


def test_a_number_is_a_short_word_of_its_unit() -> None:
    words = {
        Unit.COUNT: "1,234", Unit.SHARE: "123450%", Unit.SECONDS: "20m", Unit.BYTES: "1.2K", Unit.SPEED: "1.2K/s",
        Unit.A_DAY: "1,234.5", Unit.LOSS: "1234.500", Unit.YES: "yes", Unit.UNKNOWN: "1234.5",
    }  # fmt: skip
    found = {unit: show.value(1234.5, unit) for unit in Unit}
    assert found | {Unit.BYTES: "1.2K", Unit.SPEED: "1.2K/s"} == words
    assert (found[Unit.BYTES], found[Unit.SPEED]) == (size(1234.5), f"{size(1234.5)}/s")
    assert show.value(0.25, Unit.SECONDS) == "0.25s"
    assert show.value(0.0, Unit.YES) == "no"
    assert {show.value(None, unit) for unit in Unit} == {"-"}


def test_what_does_not_apply_is_empty_and_what_is_not_measured_has_its_reason() -> None:
    agents = BOARD.sections[1].figures[3]
    assert show.row(agents, NOW) == [
        "Agent utilisation", "", "", "-", "-", "-", "tables", "No agent of a loop has worked within 7 days.",
    ]  # fmt: skip
    assert show.row(BOARD.sections[0].figures[3], NOW)[1:6] == ["records", "4,812", "310", "2,044", "2s"]
    table = shown(BOARD, NOW)
    assert "Continuous learning" in table
    assert "No agent of a loop has worked within 7 days." in table


def test_every_row_leads_to_a_screen_and_a_bad_key_to_none() -> None:
    known = {place.name for place in PLACES}
    for row in show.rows(BOARD, NOW):
        assert show.place_of(BOARD, row.key) in known, row.key
    for key in ("", "x", "ralph:99", "ralph:-1", "ralph:²", "ralph:x", "section:x", "x:0"):
        assert show.chosen(BOARD, key) is None, key
    assert show.place_of(BOARD, "x:0") == show.place_of(None, "") == ""
    assert show.rows(None, NOW) == ()


async def test_enter_opens_what_has_it_whole() -> None:
    async with stage() as on:
        boarded(on)
        app = Shell(on, DashboardScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: "9 of 10" not in app.text and "4,812" in app.text)
            table = app.screen.query_one("#table", LiveTable)
            for key, place in (
                ("section:ralph", "tasks"), ("ralph:1", "approvals"), ("orchestration:0", "routes"),
                ("learning:0", "learning"), ("section:map", "map"),
            ):  # fmt: skip
                assert table.move_to(key)
                await pilot.press("enter")
                await until(lambda place=place: app.went and app.went[-1] == (place, ""))  # type: ignore[misc]
            table.move_to("orchestration:3")
            await until(lambda: "No agent of a loop has worked" in app.text)


async def test_a_backend_without_the_route_is_told_and_nothing_is_shown() -> None:
    async with stage() as on:
        app = Shell(on, DashboardScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: "no GET /v1/dashboard" in app.text)
            assert "not read yet" in app.text
            await pilot.press("enter", "y")
            assert app.went == []
            why = app.screen.why_not(Action(id="dashboard.open", keys="", title=""))  # type: ignore[attr-defined]
            assert why == "Nothing is chosen."
            on.answers["GET /v1/dashboard"] = BOARD
            await pilot.press("r")
            await until(lambda: "4,812" in app.text)


@pytest.mark.parametrize("screen", [DashboardScreen, OverviewScreen])
async def test_hostile_names_are_made_harmless(screen: type[DashboardScreen | OverviewScreen]) -> None:
    async with stage() as on:
        boarded(on)
        fill = Filler(payloads())
        on.answers["GET /v1/dashboard"] = fill.make(Dashboard, 4)
        loops = fill.make(LoopList, 3)
        on.answers["GET /v1/loops"] = LoopList(
            loops=tuple(replace(one, task=replace(one.task, state=TaskState.RUNNING)) for one in loops.loops)
        )
        on.answers["GET /v1/routing/stats"] = fill.make(RouteStats, by_route={fill.text(): 1}, by_class={})
        app = Shell(on, screen)
        async with app.run_test(size=(160, 45)) as pilot:
            await until(lambda: "read 0s ago" in app.text or "ralph#" in app.text)
            table = app.screen.query(LiveTable).first()
            for row in table.rows:
                table.move_to(row.key)
                await pilot.pause()
            assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for line in app.lines for sign in line)


def test_nothing_read_is_no_zero() -> None:
    assert told() == ["LOOP     not measured yet", "ROUTE    not measured yet"]
    assert told(problem="It is starting.") == [
        "LOOP     not read: It is starting.",
        "ROUTE    not read: It is starting.",
    ]
    assert told(loops=LoopList(), routing=ROUTING, stats=NO_QUESTIONS, at=NOW) == [
        "LOOP     none works", "ROUTE    nothing was asked in 24 h  LOCKED",
    ]  # fmt: skip
    none = replace(NO_QUESTIONS, total=2)
    assert told(routing=STANDING, stats=none, at=NOW)[1] == "ROUTE    2 asked in 24 h, none answered  open"


def test_the_lines_of_the_sketch() -> None:
    found = told(loops=LoopList(loops=(loop(3),)), routing=STANDING, stats=STATS, at=NOW)
    assert found == [
        "LOOP     ralph#51 rules it 3/10 WORKING  progress yes  no model asked",
        "ROUTE    local 67% cloud 33%  p95 2.3s  0.0048 USD in 24 h  open",
    ]
    assert all(len(line) < 80 for line in found)
    old = told(loops=LoopList(), routing=STANDING, stats=STATS, at=NOW - 90)
    assert [line.endswith("read 1m30 ago") for line in old] == [True, True]


def test_the_loop_that_works_is_told_before_those_that_wait() -> None:
    waits = replace(loop(0), task=replace(loop().task, id=60, state=TaskState.QUEUED))
    line = told(loops=LoopList(loops=(waits, loop(1))), at=NOW)[0]
    assert line == "LOOP     ralph#51 rules it 1/10 BLOCKED  progress no  no model asked  +1 more"
    assert told(loops=LoopList(loops=(waits,)), at=NOW)[0].startswith(
        "LOOP     ralph#60 rules it 0/10 queued  progress -"
    )


def spending(endpoint: str, price: str, cost: int) -> Loop:
    one = loop(2)
    passes = tuple(replace(each, use=ModelUse(answers=1, read=9, cost=cost)) for each in one.passes)
    return replace(one, request=replace(one.request, endpoint=endpoint, price=price), passes=passes)


def test_a_cost_that_nobody_knows_is_none() -> None:
    assert doing.cost(spending("https://x/v1", "", 0)) == "cost -"
    assert doing.cost(spending("https://x/v1", "1/2", 70_000)) == "$0.14"
    assert doing.cost(spending("", "", 0)) == "$0.00"
    assert doing.spent(replace(STATS, costs=(), by_route={"remote": 1})) == "cost -"
    assert doing.spent(replace(STATS, costs=(), by_route={"local": 1})) == "cost 0"


def test_a_pass_that_proved_the_goal_is_progress() -> None:
    one = loop(2)
    proven = replace(one.passes[1], changed="", state=PassState.PROVEN)
    assert doing.progress(replace(one, passes=(proven,))) == ("yes", "ok")
    assert doing.progress(replace(one, passes=())) == ("-", "dim")


@pytest.mark.parametrize("more", [{"link": True}, {"allow_decisions": True}])
def test_numbers_take_nothing_of_serving(more: dict[str, bool], tmp_path: Path) -> None:
    given = {"what": "numbers", "json": False, "link": False, "allow_decisions": False, "port": 8888} | more
    with pytest.raises(VerbError, match="are for serving"):
        verb.run(
            Context(
                options=Options(data_dir=tmp_path, config_file=tmp_path / "c"), arguments=argparse.Namespace(**given)
            )
        )
