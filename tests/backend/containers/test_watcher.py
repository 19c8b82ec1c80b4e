"""The watcher over the world in memory: what it tells, and when."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from tests.backend.containers.worlds import Stage

from aistack_backend.containers.session import net_pause
from aistack_backend.wire.containers import Container, ContainerState, Fleet, Health
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import SourceState


def row(fleet: Fleet, ident: str) -> Container | None:
    return next((one for one in fleet.containers if one.id == ident), None)


def in_state(ident: str, *states: ContainerState) -> Callable[[Fleet], bool]:
    def check(fleet: Fleet) -> bool:
        found = row(fleet, ident)
        return found is not None and found.state in states

    return check


def test_before_it_started_nothing_is_known(stage: Stage) -> None:
    fleet = stage.containers.fleet()
    assert fleet.at is None
    assert fleet.source.state is SourceState.UNKNOWN
    assert fleet.containers == ()


def test_the_fleet_is_sorted_and_told_once(stage: Stage) -> None:
    for name in ("b", "a", "c"):
        stage.world.add(name, running=False)
    stage.containers.start()
    fleet = stage.bus.until(Topic.FLEET, lambda fleet: fleet.at is not None)
    assert [one.name for one in fleet.containers] == ["a", "b", "c"]
    assert fleet.source.state is SourceState.OK
    assert stage.bus.all(Topic.FLEET)[0].source.state is SourceState.CONNECTING


def test_an_empty_podman_is_measured_as_empty(stage: Stage) -> None:
    stage.containers.start()
    assert stage.bus.until(Topic.FLEET, lambda fleet: fleet.at is not None).containers == ()


def test_changes_by_others_are_seen(stage: Stage) -> None:
    stage.containers.start()
    stage.bus.until(Topic.FLEET, lambda fleet: fleet.at is not None)
    ident = stage.world.add("web")
    stage.bus.until(Topic.FLEET, in_state(ident, ContainerState.RUNNING))
    began = time.monotonic()
    stage.podman.stop(ident, 1)
    stage.bus.until(Topic.FLEET, in_state(ident, ContainerState.EXITED), within=0.5)
    assert time.monotonic() - began < 0.5
    stage.podman.remove(ident)
    count = len(stage.bus.all(Topic.FLEET))
    stage.bus.until(Topic.FLEET, lambda fleet: fleet.at and row(fleet, ident) is None and fleet.source.last_ok)
    assert count >= 3


def test_health_is_seen(stage: Stage) -> None:
    ident = stage.world.add("web", health=("CMD-SHELL", "true"))
    stage.containers.start()
    stage.bus.until(Topic.FLEET, lambda fleet: (one := row(fleet, ident)) and one.health is Health.STARTING)
    stage.podman.healthcheck(ident, 5)
    stage.bus.until(Topic.FLEET, lambda fleet: (one := row(fleet, ident)) and one.health is Health.HEALTHY)
    assert [one.text for one in stage.bus.all(Topic.ACTIVITY)].count("web is healthy") == 1


def test_activity_tells_events_once(stage: Stage) -> None:
    stage.containers.start()
    stage.bus.until(Topic.FLEET, lambda fleet: fleet.at is not None)
    ident = stage.world.add("web")
    stage.podman.kill(ident)
    said = stage.bus.until(Topic.ACTIVITY, lambda one: one.action == "died")
    assert (said.who, said.text, said.object_id, said.object_name) == (
        "podman",
        "web ended, exit code 137",
        ident,
        "web",
    )
    words = [one.action for one in stage.bus.all(Topic.ACTIVITY)]
    assert words[:4] == ["create", "start", "kill", "died"]


def test_the_first_usage_sample_is_not_believed(stage: Stage) -> None:
    ident = stage.world.add("web")
    stage.world.use(ident, cpu=12.5, memory=1 << 20)
    stage.world.add("off", running=False)
    stage.containers.start()
    stage.bus.until(Topic.USAGE, lambda table: any(one.cpu_percent == 12.5 for one in table.rows))
    tables = [table for table in stage.bus.all(Topic.USAGE) if table.rows]
    assert tables[0].rows[0].cpu_percent is None
    assert tables[0].rows[0].memory == 1 << 20
    assert 900.0 not in [one.cpu_percent for table in tables for one in table.rows]
    assert {one.id for table in tables for one in table.rows} == {ident}


@pytest.mark.parametrize("state", [SourceState.ABSENT, SourceState.REFUSED, SourceState.HANGING, SourceState.FAILED])
def test_podman_goes_and_comes_back(stage: Stage, state: SourceState) -> None:
    ident = stage.world.add("web")
    stage.containers.start()
    stage.bus.until(Topic.FLEET, in_state(ident, ContainerState.RUNNING))
    stage.world.go_down(state)
    fleet = stage.bus.until(Topic.FLEET, lambda fleet: fleet.source.state is state, within=2.0)
    assert row(fleet, ident) is not None, "what was measured stays, with its time"
    assert fleet.source.tried
    assert fleet.source.detail
    assert fleet.source.hint
    assert fleet.source.last_ok is not None
    stage.world.come_up()
    stage.podman.stop(ident, 1)
    stage.bus.until(
        Topic.FLEET,
        lambda fleet: fleet.source.state is SourceState.OK and in_state(ident, ContainerState.EXITED)(fleet),
        within=3.0,
    )


def test_it_begins_without_podman(stage: Stage) -> None:
    stage.world.go_down(SourceState.ABSENT)
    stage.containers.start()
    fleet = stage.bus.until(Topic.FLEET, lambda fleet: fleet.source.state is SourceState.ABSENT, within=2.0)
    assert fleet.at is None
    stage.world.come_up()
    stage.bus.until(Topic.FLEET, lambda fleet: fleet.source.state is SourceState.OK, within=2.0)


def test_a_nudge_looks_again(stage: Stage) -> None:
    ident = stage.world.add("web")
    stage.containers.start()
    stage.bus.until(Topic.FLEET, in_state(ident, ContainerState.RUNNING))
    stage.world.find(ident).state = "paused"  # as if it had made no event
    stage.containers.watcher.nudge(ident)
    stage.bus.until(Topic.FLEET, in_state(ident, ContainerState.PAUSED), within=0.5)


def test_nothing_is_told_when_nothing_changes(stage: Stage) -> None:
    stage.world.add("web")
    stage.containers.start()
    stage.bus.until(Topic.USAGE, lambda table: table.rows)
    before = len(stage.bus.all(Topic.FLEET))
    seen = len(stage.bus.all(Topic.USAGE))
    stage.containers.watcher.nudge()
    stage.bus.until(Topic.USAGE, lambda _: len(stage.bus.all(Topic.USAGE)) > seen + 20)
    assert len(stage.bus.all(Topic.FLEET)) == before


def test_stopping_twice_and_without_start(stage: Stage) -> None:
    stage.containers.stop()
    stage.containers.start()
    stage.containers.stop()
    stage.containers.stop()


def test_many_events_are_one_list(stage: Stage) -> None:
    idents = [stage.world.add(f"c{n:02}") for n in range(40)]
    stage.containers.start()
    stage.bus.until(Topic.FLEET, lambda fleet: len(fleet.containers) == 40)
    for ident in idents:
        stage.podman.stop(ident, 1)
    stage.bus.until(Topic.FLEET, lambda f: all(one.state is ContainerState.EXITED for one in f.containers) and f.at)


@pytest.mark.parametrize(
    ("took", "fast", "pause"),
    [(0.01, True, 5.0), (0.08, True, 8.0), (1.0, True, 10.0), (0.01, False, 1.0), (0.1, False, 2.5), (1.0, False, 5.0)],
)
def test_the_price_of_the_net(took: float, fast: bool, pause: float) -> None:
    assert net_pause(took, fast=fast) == pause
