"""Alarms: a rule fires after its time and for what it measured, people's words hold, and a dead rule says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.bed.metrics_server import alarm, far
from tests.bed.postgres import emptied

from aistack_backend.audit.log import AuditLog
from aistack_backend.bus import Bus
from aistack_backend.clock import HandClock
from aistack_backend.errors import BadInput, Conflict, NotFound, Unavailable
from aistack_backend.observe.alerts import rules as reading
from aistack_backend.observe.alerts.judge import Judge
from aistack_backend.observe.alerts.prometheus import NOBODY, Polled, Prometheus
from aistack_backend.observe.alerts.rules import Rule
from aistack_backend.observe.alerts.service import Alerts
from aistack_backend.observe.metrics import Reading
from aistack_backend.store.database import Database
from aistack_backend.store.tables import event
from aistack_backend.wire.alerts import AlertState, RuleState, Severity
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import SourceState

DISK = Rule(
    name="DiskFull", series="aistack_host_disk_ratio", sign=">", limit=0.9, seconds=60, severity=Severity.CRITICAL,
    about="It is full.",
)  # fmt: skip
ROOT, DATA = {"disk": "root"}, {"disk": "data"}


class Bench:
    """Alarms over readings that a test sets."""

    def __init__(self, database: Database, folder: Path, *rules: Rule) -> None:
        self.clock, self.bus, self.database = HandClock(), Bus(), database
        self.audit = AuditLog(database, folder, self.clock)
        self.readings: tuple[Reading, ...] = ()
        self.polled, self.hold = NOBODY, False
        self.rules = rules
        self.alerts = self.anew()

    def anew(self) -> Alerts:
        """As after a restart."""
        return Alerts(
            self.database, self.audit, self.bus, self.clock, Judge(self.rules), lambda: self.readings,
            lambda: self.polled, lambda: self.hold,
        )  # fmt: skip

    def look(self, *readings: Reading, after: float = 0) -> list[str]:
        """Look with these readings; return what is to be told."""
        self.clock.advance(after)
        self.readings = readings
        return [f"{one.rule} {' '.join(one.labels.values())}" for one in self.alerts.look()]

    def states(self) -> list[tuple[str, AlertState]]:
        """What is in the inbox."""
        return [(" ".join(one.labels.values()), one.state) for one in self.alerts.shown().alerts]


def disk(value: float, labels: dict[str, str] = ROOT) -> Reading:
    return Reading("aistack_host_disk_ratio", value, labels)


@pytest.fixture(params=["sqlite", "postgresql"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    made = f"sqlite:///{tmp_path}/t.db" if request.param == "sqlite" else ""
    database = Database(made or emptied(request.getfixturevalue("postgres"), "alert"))
    held = Bench(database, tmp_path / "audit", DISK)
    yield held
    held.audit.close()
    database.close()


def test_it_fires_once_after_its_time_for_each_thing_and_ends(bench: Bench) -> None:
    assert bench.look(disk(0.95), disk(0.5, DATA)) == []
    assert bench.alerts.shown().rules[0].state is RuleState.PENDING
    assert bench.look(disk(0.95), after=59) == []
    assert bench.look(disk(0.96), after=1) == ["DiskFull root"]
    assert bench.look(disk(0.97), disk(0.99, DATA), after=30) == []
    assert bench.look(disk(0.97), disk(0.99, DATA), after=60) == ["DiskFull data"]
    assert bench.states() == [("data", AlertState.FIRING), ("root", AlertState.FIRING)]
    one = bench.alerts.shown().alerts[1]
    assert (one.value, one.fired_at - one.since) == (0.97, 60)
    assert bench.look(disk(0.5), disk(0.99, DATA)) == []
    assert bench.states() == [("data", AlertState.FIRING), ("root", AlertState.RESOLVED)]
    with bench.database.read() as connection:
        kinds = [row.kind for row in connection.execute(select(event).where(event.c.kind.like("alert.%")))]
    assert kinds == ["alert.fired", "alert.fired", "alert.resolved"]
    assert bench.bus.latest(Topic.ALERTS) == bench.alerts.shown()


def test_a_condition_that_breaks_off_begins_anew(bench: Bench) -> None:
    bench.look(disk(0.95))
    bench.look(disk(0.5), after=59)
    assert bench.look(disk(0.95), after=1) == []
    assert bench.look(disk(0.95), after=60) == ["DiskFull root"]


def test_a_rule_whose_series_has_no_value_says_so_and_ends_nothing(bench: Bench) -> None:
    bench.look(Reading("aistack_host_load1", 1.0))
    (rule,) = bench.alerts.shown().rules
    assert (rule.state, rule.value, rule.measured_at) == (RuleState.NEVER, None, None)
    bench.look(disk(0.95))
    bench.look(disk(0.95), after=60)
    assert bench.look(after=15) == []
    found = bench.alerts.shown()
    assert (found.rules[0].state, found.rules[0].value) == (RuleState.GONE, None)
    assert (found.alerts[0].state, found.alerts[0].unmeasured_since) == (AlertState.FIRING, bench.clock.now())
    bench.look(disk(0.96), after=15)
    assert bench.alerts.shown().alerts[0].unmeasured_since is None


def test_a_thing_that_is_gone_ends_its_alarm(bench: Bench) -> None:
    for after in (0, 60):
        bench.look(disk(0.95), disk(0.1, DATA), after=after)
    bench.look(disk(0.1, DATA))
    assert bench.states() == [("root", AlertState.RESOLVED)]


def test_what_people_said_holds_until_it_is_over(bench: Bench) -> None:
    for after in (0, 60):
        bench.look(disk(0.95), after=after)
    (one,) = bench.alerts.shown().alerts
    seen = bench.alerts.acknowledge(one.id, "operator:me")
    assert (seen.state, seen.by, seen.by_at) == (AlertState.ACKNOWLEDGED, "operator:me", bench.clock.now())
    assert bench.look(disk(0.96), after=600) == []
    later = bench.alerts.snooze(one.id, 10, "operator:me")
    assert (later.state, later.until) == (AlertState.SNOOZED, bench.clock.now() + 600)
    assert bench.look(disk(0.96), after=599) == []
    assert bench.look(disk(0.96), after=1) == ["DiskFull root"]
    bench.look(disk(0.1))
    with pytest.raises(Conflict, match="is over already"):
        bench.alerts.acknowledge(one.id, "operator:me")


def test_maintenance_silences_and_tells_afterwards(bench: Bench) -> None:
    bench.hold = True
    for after in (0, 60):
        assert bench.look(disk(0.95), after=after) == []
    assert bench.states() == [("root", AlertState.SILENCED)]
    assert bench.alerts.shown().maintenance
    bench.hold = False
    assert bench.look(disk(0.95)) == ["DiskFull root"]
    bench.hold = True
    assert bench.look(disk(0.95)) == []
    assert bench.states() == [("root", AlertState.SILENCED)]


def test_a_restart_tells_nothing_twice_and_a_rule_that_is_gone_ends_its_alarm(bench: Bench) -> None:
    for after in (0, 60):
        bench.look(disk(0.95), after=after)
    bench.alerts = bench.anew()
    assert bench.look(disk(0.95), after=15) == []
    assert bench.states() == [("root", AlertState.FIRING)]
    bench.rules = ()
    bench.alerts = bench.anew()
    bench.look(disk(0.95))
    assert bench.states() == [("root", AlertState.RESOLVED)]


@pytest.mark.parametrize("minutes", [0, -1, 10_081])
def test_a_snooze_has_bounds_and_no_such_alarm_is_told(bench: Bench, minutes: int) -> None:
    with pytest.raises(BadInput, match="minutes"):
        bench.alerts.snooze(1, minutes, "me")
    with pytest.raises(NotFound, match="no alarm 1"):
        bench.alerts.acknowledge(1, "me")


def test_what_prometheus_says_comes_in_and_its_silence_ends_nothing(bench: Bench) -> None:
    with far() as there:
        there.alerts = [alarm("ServiceDown", service="aidb"), alarm("Later", "pending")]
        there.rules = [
            {"type": "alerting", "name": "ServiceDown", "query": "up == 0", "duration": 60, "state": "firing",
             "health": "ok", "lastEvaluation": "2026-11-27T20:00:00Z", "labels": {"severity": "critical"}},
            {"type": "alerting", "name": "Broken", "query": "x y", "health": "err", "lastError": "parse error"},
            {"type": "recording", "name": "r"},
        ]  # fmt: skip
        there.targets = [
            {"labels": {"service": "aidb"}, "health": "down", "lastError": "refused",
             "lastScrape": "2026-11-27T20:00:00Z"},
            {"labels": {}, "scrapeUrl": "http://x/metrics", "health": "unknown", "lastScrape": "0001-01-01T00:00:00Z"},
        ]  # fmt: skip
        asked = Prometheus(lambda: there.where, bench.clock)
        bench.polled = asked.poll()
        assert bench.look() == ["ServiceDown aidb"]
        found = bench.alerts.shown()
        (one,) = found.alerts
        assert (one.source, one.severity, one.value, one.since) == (
            "prometheus", Severity.CRITICAL, 1.0, 1795809600.123456,
        )  # fmt: skip
        assert [(rule.name, rule.state) for rule in found.rules[1:]] == [
            ("ServiceDown", RuleState.FIRING), ("Broken", RuleState.BROKEN),
        ]  # fmt: skip
        assert [(target.name, target.ok, target.at is None) for target in found.targets] == [
            ("aidb", False, False), ("http://x/metrics", None, True),
        ]  # fmt: skip
        there.status = 503
        bench.polled = asked.poll()
        assert bench.polled.source is not None
        assert bench.polled.source.state is SourceState.FAILED
        bench.look()
        assert bench.alerts.shown().alerts[0].unmeasured_since is not None
        there.status, there.alerts = 200, []
        bench.polled = asked.poll()
        bench.look()
        assert bench.states() == [("aidb", AlertState.RESOLVED)]


@pytest.mark.parametrize(
    "raw",
    [b"x", b"[]", b'{"data": null}', b'{"data": {"alerts": [1]}}', b'{"data": {"alerts": [{"state": "firing"}]}}'],
)
def test_what_is_not_its_api_is_told(raw: bytes) -> None:
    with far() as there:
        there.raw = raw
        polled = Prometheus(lambda: there.where, HandClock()).poll()
    assert polled.source is not None
    assert (polled.answered, polled.source.state) == (False, SourceState.FAILED)
    assert "not its API" in polled.source.detail


def test_one_that_does_not_run_is_absent_and_one_that_is_away_failed() -> None:
    def nowhere() -> tuple[str, int]:
        raise Unavailable("It does not run.")

    absent = Prometheus(nowhere, HandClock()).poll()
    assert absent == Polled(source=absent.source)
    assert absent.source is not None
    assert (absent.source.state, absent.source.detail) == (SourceState.ABSENT, "It does not run.")
    with far() as there:
        where = there.where
    away = Prometheus(lambda: where, HandClock()).poll()
    assert away.source is not None
    assert (away.source.state, away.source.detail) == (SourceState.FAILED, "Prometheus refuses the connection.")


def test_our_own_rules_are_right_and_a_further_file_adds_replaces_and_ends(tmp_path: Path) -> None:
    ours = reading.load(reading.bundled())
    assert len(ours) >= 10
    assert len({one.name for one in ours}) == len(ours)
    more = tmp_path / "more.toml"
    more.write_text(
        '[DiskNearlyFull]\nseries = "aistack_host_disk_ratio"\nwhen = "> 0.5"\nabout = "Half."\n'
        "[SpansLost]\noff = true\n"
        '[New]\nseries = "aistack_tasks"\nwhere = {state = "paused"}\nwhen = ">= 1"\nabout = "One is paused."\n'
    )
    both = {one.name: one for one in reading.load(reading.bundled(), more)}
    assert (both["DiskNearlyFull"].limit, "SpansLost" in both, len(both)) == (0.5, False, len(ours))
    assert both["New"].condition == "aistack_tasks{state=paused} >= 1"


GOOD = {"series": '"aistack_tasks"', "when": '"> 1"', "about": '"A sentence."'}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("series", '"up"', "must be a name that is measured"),
        ("when", '"high"', "must be a comparison"),
        ("when", "1", "must be a comparison"),
        ("when", '"> 1; drop"', "must be a comparison"),
        ("for", '"1m"', "must be 0 to"),
        ("for", "-1", "must be 0 to"),
        ("for", "true", "must be 0 to"),
        ("where", '{host = "x"}', "must name labels"),
        ("where", "{state = 1}", "must name labels"),
        ("severity", '"loud"', "must be info, warning or critical"),
        ("about", '""', "must be one sentence"),
        ("about", '"a\\nb"', "must be one sentence"),
        ("expr", '"up"', "is no key of a rule"),
    ],
)
def test_a_rule_that_cannot_be_is_told_with_its_key(tmp_path: Path, key: str, value: str, said: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("[Rule]\n" + "\n".join(f"{name} = {it}" for name, it in {**GOOD, key: value}.items()))
    with pytest.raises(BadInput, match=said) as caught:
        reading.load(file)
    assert f"{file}: Rule.{key} " in caught.value.detail


@pytest.mark.parametrize("text", ["[[", "Rule = 1", '["no name"]', "\x00"])
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    with pytest.raises(BadInput, match=r"rules\.toml"):
        reading.load(file)
    with pytest.raises(BadInput, match="cannot be read"):
        reading.load(tmp_path / "none.toml")
