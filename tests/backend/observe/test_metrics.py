"""Numbers: what is known is told under its name, what is not known is absent, and never 0."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.bed.postgres import emptied

from aistack_backend.audit.redact import Redactor
from aistack_backend.bus import Bus
from aistack_backend.clock import HandClock
from aistack_backend.engine import taskrow
from aistack_backend.learning.models import Interaction, Verdict
from aistack_backend.learning.telemetry import Telemetry
from aistack_backend.observe import metrics
from aistack_backend.observe.measured import Measured
from aistack_backend.observe.metrics import CATALOGUE, Kind, Reading
from aistack_backend.orchestration import board
from aistack_backend.store.database import Database
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import Disk, HostSample
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Provision, Service, ServiceState, Stack
from aistack_backend.wire.status import Status
from aistack_backend.wire.tasks import TaskState
from aistack_backend.wire.traffic import Edge

ROOT = Path(__file__).resolve().parents[3]
FOREIGN = ("up", "ALERTS", "scrape_", "process_", "prometheus_", "time")
"""What the stack's Prometheus and its targets give by themselves."""


WINDOWED = ("aistack_window_questions", "aistack_window_audit_records")
BY_STATE = ("aistack_task", "aistack_learning")
"""Counted for each state that there is."""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made = f"sqlite:///{tmp_path}/t.db" if request.param == "sqlite" else ""
    held = Database(made or emptied(request.getfixturevalue("postgres"), "alert", "telemetry"))
    yield held
    held.close()


def values(readings: tuple[Reading, ...]) -> dict[tuple[str, tuple[str, ...]], float]:
    return {(one.name, tuple(one.labels.values())): one.value for one in readings}


def test_an_empty_store_gives_counts_that_are_0_and_nothing_that_is_unknown(database: Database) -> None:
    found = values(Measured(database, Bus(), HandClock()).now())
    assert {key: value for key, value in found.items() if not key[0].startswith(BY_STATE)} == {
        ("aistack_approvals_oldest_seconds", ()): 0,
        ("aistack_approvals_waiting", ()): 0,
        ("aistack_approval_wait_seconds_total", ()): 0,
        ("aistack_agents_working", ()): 0,
        ("aistack_agent_seconds_total", ()): 0,
        **{(name, (window,)): 0 for name in WINDOWED for window in ("24h", "7d")},
    }


def test_tasks_are_counted_by_state_and_time(database: Database) -> None:
    clock = HandClock()
    with database.tx() as connection:
        for _ in range(3):
            task = board.create(connection, clock, goal="g", requester="r", via="", state=TaskState.SUBMITTED)
        clock.advance(5)
        taskrow.move(connection, clock, task, TaskState.FAILED)
    clock.advance(3601)
    with database.tx() as connection:
        board.create(connection, clock, goal="g", requester="r", via="", state=TaskState.SUBMITTED)
    found = values(Measured(database, Bus(), clock).now())
    assert found["aistack_tasks", ("submitted",)] == 3
    assert found["aistack_tasks_last_hour", ("submitted",)] == 1
    assert found["aistack_tasks", ("failed",)] == 1
    assert found["aistack_tasks_last_hour", ("failed",)] == 0
    assert found["aistack_task_seconds_total", ("failed",)] == 5
    assert ("aistack_task_seconds_total", ("submitted",)) not in found
    assert found["aistack_tasks", ("unsure",)] == 0


def source(name: str, state: SourceState) -> Source:
    return Source(name=name, state=state, since=0)


def test_snapshots_give_what_they_hold_and_no_more(database: Database) -> None:
    clock, bus = HandClock(), Bus()
    now = clock.now()
    states = (SourceState.OK, SourceState.FAILED, SourceState.ABSENT, SourceState.UNKNOWN)
    told = tuple(source(state.value, state) for state in states)
    bus.publish(
        Topic.STATUS,
        Status(version="1", epoch="e", pid=1, started_at=now, data_dir="/d", hostname="h", operator="o", sources=told),
    )
    bus.publish(
        Topic.HOST, HostSample(at=now, hostname="h", cores=2, disks=(Disk(path="/", label="root", used=50, total=100),))
    )
    words = (ServiceState.OK, ServiceState.BAD, ServiceState.STARTING, ServiceState.UNKNOWN)
    kinds = dict(zip(("well", "ill", "new", "odd"), words, strict=True))
    services = tuple(
        Service(
            id=name, container=name, title=name, group="g", provision=Provision.CONTAINER, state=state,
            depends_on=("well",) if name == "ill" else (),
        )
        for name, state in kinds.items()
    )  # fmt: skip
    bus.publish(Topic.STACK, Stack(at=now, source=source("stack", SourceState.OK), services=services))
    found = values(Measured(database, bus, clock).now())
    assert {key: value for key, value in found.items() if key[0] == "aistack_source_ok"} == {
        ("aistack_source_ok", ("ok",)): 1,
        ("aistack_source_ok", ("failed",)): 0,
    }
    assert {key[1]: value for key, value in found.items() if key[0] == "aistack_service_ok"} == {
        ("well",): 1, ("ill",): 0,
    }  # fmt: skip
    assert found["aistack_services", ("unknown",)] == 1
    assert found["aistack_service_needs", ("ill", "well")] == 1
    assert found["aistack_host_disk_ratio", ("root",)] == 0.5
    assert not [key for key in found if key[0] in ("aistack_host_cpu_ratio", "aistack_backup_age_seconds")]
    clock.advance(61)
    assert not [key for key in values(Measured(database, bus, clock).now()) if key[0].startswith("aistack_host")]


def test_edges_give_what_was_measured_of_them(database: Database) -> None:
    clock, bus = HandClock(), Bus()
    now = clock.now()
    seen = Edge(user="ill", need="well", requests=12.0, checks=4.0, errors=0.5, last_good=now - 5)
    edges = (seen, Edge(user="", need="well", connections=0, why="well counts no callers."))
    bus.publish(Topic.STACK, Stack(at=now, source=source("stack", SourceState.OK), edges=edges))
    found = values(Measured(database, bus, clock).now())
    assert {key: value for key, value in found.items() if key[0].startswith("aistack_edge")} == {
        ("aistack_edge_requests_per_minute", ("ill", "well")): 12,
        ("aistack_edge_checks_per_minute", ("ill", "well")): 4,
        ("aistack_edge_error_ratio", ("ill", "well")): 0.5,
        ("aistack_edge_last_good_seconds", ("ill", "well")): now - 5,
        ("aistack_edge_connections", ("nobody", "well")): 0,
    }


def test_the_text_is_what_prometheus_reads() -> None:
    told = metrics.text(
        [
            Reading("aistack_tasks", 2, {"state": 'a "b"\n\\'}),
            Reading("aistack_audit_records_total", 7),
            Reading("aistack_host_load1", 0.25),
        ]
    ).decode()
    families = {one.name: one for one in text_string_to_metric_families(told)}
    assert families.keys() == {"aistack_tasks", "aistack_audit_records", "aistack_host_load1"}
    assert families["aistack_tasks"].samples[0].labels == {"state": 'a "b"\n\\'}
    assert families["aistack_audit_records"].type == "counter"
    assert metrics.text([]) == b""


def test_every_name_says_how_it_goes() -> None:
    for name, metric in CATALOGUE.items():
        assert name.startswith("aistack_")
        assert (metric.kind is Kind.COUNTER) is name.endswith("_total"), name
        assert metric.about.endswith("."), name


def named(expression: str) -> set[str]:
    """The metrics that an expression of PromQL names: words that are no function, label, keyword or number."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', " ", expression)
    bare = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    words = re.findall(r"[a-zA-Z_][a-zA-Z0-9_]*(?!\w*\s*\()", bare)
    return {one for one in words if one not in ("and", "or", "unless", "bool", "by", "on", "without") and "_" in one}


def test_every_metric_that_a_dashboard_or_rule_names_is_exported() -> None:
    roles = {"aistack_role_requests_total", "aistack_role_healthy"}
    expressions = []
    for file in (ROOT / "compose/config/grafana/dashboards").glob("*.json"):
        for panel in json.loads(file.read_text())["panels"]:
            expressions += [target["expr"] for target in panel.get("targets", ())]
    for group in yaml.safe_load((ROOT / "compose/config/prometheus/rules.yml").read_text())["groups"]:
        expressions += [rule["expr"] for rule in group["rules"]]
    found = set().union(*(named(one) for one in expressions))
    ours = {one for one in found if one.startswith("aistack_")}
    assert ours, expressions
    assert ours <= CATALOGUE.keys() | roles
    assert {one for one in found - ours if not one.startswith(FOREIGN)} == set()


def test_every_role_is_scraped() -> None:
    from aistack_backend.api.roles.catalogue import ROLES

    jobs = yaml.safe_load((ROOT / "compose/config/prometheus/prometheus.yml").read_text())["scrape_configs"]
    targets = {target for job in jobs for config in job["static_configs"] for target in config["targets"]}
    assert {f"{role.id}:{role.port}" for role in ROLES} <= targets


def test_interactions_and_what_was_learned_are_counted(database: Database) -> None:
    clock = HandClock()
    telemetry = Telemetry(database, clock, Redactor(b"k" * 32))
    for latency, ok in ((0.5, True), (1.5, True), (None, False)):
        telemetry.record(Interaction(source="coordinator", route="local", latency=latency, ok=ok))
    telemetry.record(Interaction(source="coordinator", route="cache"))
    telemetry.judge(1, Verdict.GOOD, "operator:me")
    found = values(Measured(database, Bus(), clock).now())
    assert found["aistack_interactions_total", ("local",)] == 3
    assert found["aistack_interactions_failed_total", ("local",)] == 1
    assert found["aistack_interactions_failed_total", ("cache",)] == 0
    assert found["aistack_interactions_measured_total", ("local",)] == 2
    assert found["aistack_interaction_seconds_total", ("local",)] == 2
    assert found["aistack_interactions_judged_total", ("good",)] == 1
    assert found["aistack_learning_patterns", ("active",)] == 0
