"""Alerts and Traces: what was measured, what a person says to an alarm, and nothing of what is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.console.observe_scene import ALERTS, TRACE, observing
from tests.console.shell import Shell
from tests.console.stage import NOW, stage, until

from aistack_backend.wire.alerts import AlertList, AlertState
from aistack_backend.wire.traces import TraceList
from aistack_console.keys import Action
from aistack_console.present import alert_rows, header
from aistack_console.present import alerts as words
from aistack_console.screens.alerts import AlertsScreen
from aistack_console.screens.traces import TracesScreen
from aistack_console.verbs.alerts import inbox, rules
from aistack_console.widgets.live_table import LiveTable


def test_the_words_count_what_wants_a_person_and_what_is_alive() -> None:
    assert words.loud(ALERTS) == 1
    assert words.loud(AlertList()) is None
    assert words.heading(ALERTS, NOW) == ("3 critical. 1 of 3 rules are live. 1 of 3 targets are up. Looked at 4s ago.")
    assert words.heading(None, NOW) == "No rule was looked at yet."
    assert [one.name for one in words.dead(ALERTS)] == ["BackupOld", "Odd"]
    assert words.warnings(replace(ALERTS, maintenance=True, fault="rules.toml: x")) == (
        "rules.toml: x",
        "Maintenance: the stack is held, alarms are kept and nobody is told.",
        "Prometheus: Prometheus does not answer in time.",
    )
    assert words.warnings(None) == ()


def test_a_row_never_hides_that_it_is_not_measured() -> None:
    rows = [words.row(one, NOW) for one in ALERTS.alerts]
    assert [row[2] for row in rows] == ["firing", "acknowledged?", "snoozed 50m", "resolved"]
    assert rows[1][5] == "qdrant"
    assert "Not measured since" in dict(words.facts(ALERTS.alerts[1], NOW))["unknown"]
    assert words.number(None) == "-"
    assert words.number(691_200.0) == "691,200"


def test_the_verbs_print_the_same() -> None:
    assert "ServiceBad" in inbox(ALERTS, NOW)
    shown = rules(ALERTS, NOW)
    assert "never measured" in shown
    assert "grafana       not fetched yet  -" in shown
    assert inbox(AlertList(), NOW) == "No rule was looked at yet."


def test_the_header_shouts_only_when_something_fires() -> None:
    link: Any = {"status": None, "fleet": None, "pending": 0, "view_only": False, "now": NOW}
    with_one = header.header(alarms=1, link=header.Link(down=None), **link)
    assert (" ALARM ", "bad") in with_one
    for quiet in (0, None):
        assert (" ALARM ", "bad") not in header.header(alarms=quiet, link=header.Link(down=None), **link)


def test_a_key_that_is_none_chooses_nothing() -> None:
    for key in ("", "group:rules", "alert:99", "rule:99", "target:99", "rule:x", "x"):
        assert alert_rows.chosen(ALERTS, key) is None
    assert alert_rows.chosen(None, "alert:1") is None


async def test_an_alarm_is_seen_and_snoozed_from_the_screen() -> None:
    async with stage() as on:
        observing(on)
        seen = replace(ALERTS.alerts[0], state=AlertState.ACKNOWLEDGED)
        on.answers["POST /v1/alerts/4/acknowledge"] = seen
        on.answers["POST /v1/alerts/4/snooze"] = replace(seen, state=AlertState.SNOOZED, until=NOW + 600)
        app = Shell(on, AlertsScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: "3 critical" in app.text)
            app.screen.query_one("#table", LiveTable).move_to("alert:4")
            await pilot.pause()
            await pilot.press("a")
            await until(lambda: "Alarm 4 (ServiceBad): acknowledged." in app.said)
            await pilot.press("s", "backspace", "backspace", "x", "enter")
            await until(lambda: "Write minutes as a number, e.g. 60." in app.said)
            await pilot.press("s", "backspace", "backspace", "1", "0", "enter")
            await until(lambda: "Alarm 4 (ServiceBad): snoozed 10m." in app.said)
            app.screen.query_one("#table", LiveTable).move_to("rule:1")
            await until(lambda: "it cannot fire" in app.text)
            why = app.screen.why_not(Action(id="alerts.ack", keys="a", title=""))  # type: ignore[attr-defined]
            assert why == "No alarm is chosen."


async def test_a_task_goes_to_its_trace() -> None:
    async with stage() as on:
        observing(on)
        app = Shell(on, TracesScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: "goes on" in app.text)
            assert "FAILED Unavailable" in app.text
            assert "It answered 503." in app.text
            app.screen.receive("42")  # type: ignore[attr-defined]
            await until(lambda: app.screen.query_one("#table", LiveTable).cursor_key == TRACE.id)
            await pilot.press("t")
            await until(lambda: ("tasks", "show 42") in app.went)


async def test_what_is_not_kept_is_told_and_not_asked_again_and_again() -> None:
    async with stage() as on:
        observing(on)
        app = Shell(on, TracesScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: "goes on" in app.text)
            app.screen.query_one("#table", LiveTable).move_to("b" * 32)
            await until(lambda: len(app.said) > 0)
            await pilot.pause()
            said = len(app.said)
            app.screen.repaint()  # type: ignore[attr-defined]
            await pilot.pause()
            assert len(app.said) == said


@pytest.mark.parametrize(("kept", "said"), [(True, "begins one"), (False, "traces.keep")])
async def test_an_empty_list_says_why(kept: bool, said: str) -> None:
    async with stage() as on:
        on.answers["GET /v1/traces"] = TraceList(kept=kept)
        app = Shell(on, TracesScreen)
        async with app.run_test(size=(80, 24)):
            await until(lambda: said in app.text)
