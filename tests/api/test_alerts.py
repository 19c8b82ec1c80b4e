"""Metrics and alarms over the whole application: an alarm comes, is told, seen, snoozed and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from aistack_backend.observe.metrics import CATALOGUE
from aistack_backend.wire.alerts import AlertList
from aistack_backend.wire.events import Topic

from .conftest import make_app, running, settings_in, small_world

RULES = '[Waits]\nseries = "aistack_approvals_waiting"\nwhen = "> 0"\nseverity = "critical"\nabout = "One waits."\n'


def with_rules(tmp_path: Path, text: str = RULES) -> FastAPI:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    return make_app(settings_in(tmp_path, AISTACK_ALERTS_RULES=str(file), AISTACK_ALERTS_EVERY="1"), small_world())


async def until(app: FastAPI, good: Callable[[AlertList], bool]) -> AlertList:
    """Wait for what the bus says of alarms."""
    async with asyncio.timeout(60):
        async for _ in app.state.parts.bus.read():
            found: AlertList | None = app.state.parts.bus.latest(Topic.ALERTS)
            if found is not None and good(found):
                return found
    raise AssertionError


async def test_an_alarm_is_seen_snoozed_and_recorded(tmp_path: Path) -> None:
    app = with_rules(tmp_path)
    async with running(app) as client:
        await client.post("/v1/tasks/goal", json={"text": "restart web", "planner": "rules"})
        found = await until(app, lambda it: any(one.rule == "Waits" for one in it.alerts))
        number = next(one.id for one in found.alerts if one.rule == "Waits")
        assert (await client.post(f"/v1/alerts/{number}/acknowledge", json={})).json()["state"] == "acknowledged"
        snoozed = (await client.post(f"/v1/alerts/{number}/snooze", json={"minutes": 5})).json()
        assert (snoozed["state"], snoozed["by"]) == ("snoozed", "operator:tester")
        for minutes in (0, "5", 5.5, None, 10_081):
            answer = await client.post(f"/v1/alerts/{number}/snooze", json={"minutes": minutes})
            assert answer.status_code == 422, answer.text
        assert (await client.post("/v1/alerts/999/acknowledge", json={})).status_code == 404
        kinds = [one["kind"] for one in (await client.get("/v1/audit?text=alert.")).json()["records"]]
        assert {"alert.fired", "alert.acknowledge", "alert.snooze"} <= set(kinds)
        shown = (await client.get("/v1/alerts")).json()
        assert shown["prometheus"]["state"] == "absent"
        assert {one["name"]: one["state"] for one in shown["rules"]}["BackupOld"] == "never measured"


async def test_rules_that_cannot_be_used_are_told_and_ours_go_on(tmp_path: Path) -> None:
    app = with_rules(tmp_path, "[Waits]\nseries = 1\n")
    async with running(app):
        found = await until(app, lambda it: it.at is not None)
        assert "rules.toml: Waits.series must be" in found.fault
        assert len(found.rules) >= 10


async def test_the_dashboard_tells_what_metrics_tell(client: httpx.AsyncClient, app: FastAPI) -> None:
    await until(app, lambda it: it.at is not None)
    found = (await client.get("/v1/dashboard")).json()
    figures = {(one["point"], one["name"]): one for part in found["sections"] for one in part["figures"]}
    text = (await client.get("/metrics")).text
    told = {one.name: one.samples for one in text_string_to_metric_families(text)}
    assert figures["Approval queue", "waiting"]["now"] == told["aistack_approvals_waiting"][0].value
    records = {one.labels["window"]: one.value for one in told["aistack_window_audit_records"]}
    assert (figures["Audit log", "records"]["day"], figures["Audit log", "records"]["week"]) == (
        records["24h"],
        records["7d"],
    )
    assert figures["Audit log", "can be written"]["now"] == 1
    assert figures["Agent utilisation", ""]["day"] is None
    assert len({one["point"] for one in figures.values()}) == 16


async def test_the_numbers_are_those_of_the_catalogue(client: httpx.AsyncClient, app: FastAPI) -> None:
    await until(app, lambda it: it.at is not None)
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = {one.name: one for one in text_string_to_metric_families(answer.text)}
    known = {name.removesuffix("_total") for name in CATALOGUE}
    assert families.keys() <= known
    told: dict[str, Any] = {one.name: one.samples[0].value for one in families.values()}
    assert told["aistack_engine_running"] == 1
    assert told["aistack_audit_writable"] == 1
    assert told["aistack_audit_records"] >= 1
    assert "aistack_backup_age_seconds" not in told
