"""The dashboard: every point of the note, from the catalogue's readings; what is not known has a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from tests.backend.observe.test_metrics import named
from tests.bed.postgres import emptied

from aistack_backend.audit.redact import Redactor
from aistack_backend.bus import Bus
from aistack_backend.clock import HandClock
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.engine import taskrow
from aistack_backend.learning.models import Interaction, Verdict
from aistack_backend.learning.telemetry import Telemetry
from aistack_backend.observe import taught
from aistack_backend.observe.dashboard import dashboard, unmeasured
from aistack_backend.observe.ground import Ground
from aistack_backend.observe.measured import Measured
from aistack_backend.observe.metrics import CATALOGUE, Reading
from aistack_backend.observe.points import SECTIONS
from aistack_backend.observe.windows import DAY, busy
from aistack_backend.orchestration import board
from aistack_backend.store.database import Database
from aistack_backend.store.learning_tables import run
from aistack_backend.store.loop_tables import loop, loop_pass
from aistack_backend.store.training_tables import training
from aistack_backend.wire.checklist import TickState
from aistack_backend.wire.dashboard import Dashboard, Figure
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import Disk, HostSample
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Stack
from aistack_backend.wire.tasks import TaskState

ROOT = Path(__file__).resolve().parents[3]
NOTE = {
    "ralph": ("Active tasks", "Approval queue", "Audit log", "Resource usage"),
    "orchestration": ("Tasks routed", "Success rate", "Average latency", "Agent utilisation"),
    "learning": ("Patterns learned", "Training data size", "Model improvements", "Learning rate"),
    "map": ("Graph", "Dependencies", "Health status", "Traffic flow"),
}
"""The owner's note, section by section."""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made = f"sqlite:///{tmp_path}/t.db" if request.param == "sqlite" else ""
    held = Database(made or emptied(request.getfixturevalue("postgres"), "alert", "telemetry"))
    yield held
    held.close()


def made(database: Database, clock: HandClock, bus: Bus | None = None, *more: Reading) -> Dashboard:
    bus = bus or Bus()
    return dashboard((*Measured(database, bus, clock).now(), *more), bus, clock.now())


def figure(found: Dashboard, point: str, name: str = "") -> Figure:
    return next(one for part in found.sections for one in part.figures if (one.point, one.name) == (point, name))


def test_every_point_of_the_note_is_there_and_on_grafana() -> None:
    lines = {key: tuple(dict.fromkeys(one.point for one in lines)) for key, _, lines in SECTIONS}
    assert lines == NOTE
    panels = json.loads((ROOT / "compose/config/grafana/dashboards/backend.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    drawn = set().union(*(named(target["expr"]) for panel in panels for target in panel.get("targets", ())))
    for _, _, found in SECTIONS:
        for one in found:
            wanted = {one.metric, one.over or one.metric}
            assert wanted <= CATALOGUE.keys(), one
            assert wanted <= drawn, (one.point, one.name, wanted - drawn)
            assert one.about.endswith("."), one


def test_an_empty_store_has_reasons_and_counted_zeros(database: Database) -> None:
    found = made(database, HandClock())
    assert figure(found, "Active tasks").now == 0
    assert figure(found, "Tasks routed").week == 0
    oldest = figure(found, "Approval queue", "oldest waits")
    assert (oldest.now, oldest.why) == (None, "None waits.")
    agents = figure(found, "Agent utilisation")
    assert (agents.day, agents.at, agents.why) == (None, None, "No agent of a loop has worked within 7 days.")
    assert figure(found, "Model improvements", "adapters kept").now is None
    assert figure(found, "Graph", "services").why == "The stack was not checked yet."
    for part in found.sections:
        for one in part.figures:
            values = {"now": one.now, "24h": one.day, "7d": one.week}
            missing = any(values[window] is None for window in one.windows)
            assert bool(one.why) is missing, one
            assert all(value is None for window, value in values.items() if window not in one.windows), one
    points = dict(unmeasured(found))
    assert points.keys() >= {"Agent utilisation", "Average latency", "Success rate", "Traffic flow"}
    assert "Learning rate" not in points


def test_tables_that_cannot_be_read_are_no_zeros() -> None:
    found = dashboard((), Bus(), 5.0)
    assert all(value is None for part in found.sections for one in part.figures for value in (one.now, one.day))
    assert figure(found, "Active tasks").why == "The tables cannot be read now."
    assert len(unmeasured(found)) == 16


def test_windows_count_only_what_is_in_them(database: Database) -> None:
    clock = HandClock()
    telemetry = Telemetry(database, clock, Redactor(b"k" * 32))
    told: dict[str, Any] = {"source": "coordinator", "event": "routed", "route": "local"}
    telemetry.record(Interaction(**told, latency=3.0, ok=True))
    telemetry.judge(1, Verdict.GOOD, "operator:me")
    with database.tx() as connection:
        task = board.create(connection, clock, goal="g", requester="r", via="", state=TaskState.SUBMITTED)
        taskrow.move(connection, clock, task, TaskState.FAILED)
        connection.execute(insert(run).values(began_at=clock.now(), by="timer", activated=7, ok=1))
    clock.advance(2 * DAY)
    telemetry.record(Interaction(**told, latency=1.0, ok=True))
    telemetry.record(Interaction(**told, ok=False))
    telemetry.record(Interaction(source="task", event="ended", ok=True))
    with database.tx() as connection:
        task = board.create(connection, clock, goal="g", requester="r", via="", state=TaskState.SUBMITTED)
        taskrow.move(connection, clock, task, TaskState.DONE)
    found = made(database, clock)
    assert (figure(found, "Tasks routed").day, figure(found, "Tasks routed").week) == (2, 3)
    tasks, questions = figure(found, "Success rate", "tasks"), figure(found, "Success rate", "questions")
    assert (tasks.day, tasks.week) == (1.0, 0.5)
    assert (questions.day, questions.week) == (0.5, pytest.approx(2 / 3))
    latency = figure(found, "Average latency", "of an answer")
    assert (latency.day, latency.week) == (1.0, 2.0)
    rate = figure(found, "Learning rate", "new patterns")
    assert (rate.day, rate.week, rate.why) == (
        None, 1.0, "in 24 hours: No run of learning ended well in this window.",
    )  # fmt: skip
    judged = figure(found, "Learning rate", "judged")
    assert (judged.day, judged.week) == (0, pytest.approx(1 / 7))


def test_an_agent_has_one_place_and_is_never_busier_than_the_time() -> None:
    rules = [("rules", 0.0, 40.0), ("rules", 20.0, 60.0), ("rules", 30.0, 35.0)]
    passes = [*rules, ("local", 90.0, 300.0), ("aider", 0.0, 5.0)]
    assert busy(passes, 10.0, 110.0) == {"aider": 0.0, "local": 0.2, "rules": 0.5}
    assert busy([], 0.0, 1.0) == {}


def test_agents_are_read_from_their_passes(database: Database) -> None:
    clock = HandClock()
    with database.tx() as connection:
        task = board.create(connection, clock, goal="g", requester="r", via="", state=TaskState.RUNNING)
        ids = {"task_id": task, "request": '{"agent":"local"}', "folder": "/f", "base": "", "base_tree": ""}
        connection.execute(insert(loop).values(began_at=clock.now(), **ids))
        at = {"task_id": task, "began_at": clock.now()}
        connection.execute(insert(loop_pass).values(number=1, state="refuted", ended_at=clock.now() + 100, **at))
        connection.execute(insert(loop_pass).values(number=2, state="interrupted", **at))
    clock.advance(DAY)
    with database.tx() as connection:
        begun = {"task_id": task, "began_at": clock.now() - 60}
        connection.execute(insert(loop_pass).values(number=3, state="working", **begun))
    local = figure(made(database, clock), "Agent utilisation", "local")
    assert (local.day, local.week) == (pytest.approx(160 / DAY), pytest.approx(160 / (7 * DAY)))


def test_adapters_are_told_with_their_loss_before_and_after(database: Database) -> None:
    clock = HandClock()
    values = {"at": clock.now(), "request": "{}", "dataset_sha256": "", "model_sha256": ""}
    with database.tx() as connection:
        connection.execute(insert(training).values(task_id=1, state="refused", **values))
    assert figure(made(database, clock), "Model improvements", "adapters kept").now == 0
    with database.tx() as connection:
        kept = {"name": "mine-1", "figures": '{"base":2.5,"adapted":2.0}'}
        connection.execute(insert(training).values(task_id=2, state="kept", **kept, **values))
    found = made(database, clock)
    assert figure(found, "Model improvements", "adapters kept").now == 1
    assert figure(found, "Model improvements", "loss before mine-1").now == 2.5
    assert figure(found, "Model improvements", "loss after mine-1").now == 2.0


def test_snapshots_have_their_own_age(database: Database) -> None:
    clock, bus = HandClock(), Bus()
    at = clock.now()
    disks = (Disk(path="/", label="root", used=1, total=4),)
    bus.publish(Topic.HOST, HostSample(at=at, hostname="h", cores=1, cpu_percent=50.0, disks=disks, net_in_rate=9.0))
    bus.publish(Topic.STACK, Stack(at=at - 7, source=Source(name="stack", state=SourceState.OK, since=0)))
    clock.advance(3)
    found = made(database, clock, bus)
    cpu = figure(found, "Resource usage", "processor")
    assert (cpu.now, cpu.at, cpu.source) == (0.5, at, "host")
    assert figure(found, "Resource usage", "disk root").now == 0.25
    assert figure(found, "Traffic flow", "machine, in").now == 9
    causes = figure(found, "Health status", "root causes")
    assert (causes.now, causes.at) == (0, at - 7)


def test_the_tick_names_who_has_no_number(database: Database) -> None:
    empty = Stack(at=0, source=Source(name="stack", state=SourceState.OK, since=0))
    ground = Ground(empty, MemoryPodman())
    assert taught.numbers(ground)[0] is TickState.UNKNOWN
    found = made(database, HandClock())
    state, detail = taught.numbers(Ground(empty, MemoryPodman(), numbers=lambda: found))
    assert state is TickState.FAIL
    assert "of 16 points have a number." in detail
    assert "Agent utilisation: No agent of a loop has worked within 7 days." in detail
    full = replace(
        found,
        sections=tuple(
            replace(part, figures=tuple(replace(one, now=1.0) for one in part.figures)) for part in found.sections
        ),
    )
    state, detail = taught.numbers(Ground(empty, MemoryPodman(), numbers=lambda: full))
    assert (state, detail) == (TickState.PASS, "Each of the 16 points of the note has a number.")
