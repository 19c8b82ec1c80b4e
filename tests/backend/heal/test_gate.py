"""Hours of faults over the whole gate: no container starts by itself without the gate's own records of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.backend.heal.ward import MANAGED, Ward

from aistack_backend.containers.stack.models import Extra, Manifest, Needs, ServiceDecl
from aistack_backend.store.tables import event, task
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.containers import ContainerState
from aistack_backend.wire.stack import ServiceState

NEEDS = {"db": (), "cache": (), "api": ("db",), "web": ("api", "cache"), "side": ()}
STEP = 5.0
WHOLE = {Phase.REQUEST, Phase.DECISION, Phase.INTENT, Phase.OUTCOME}


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(tmp_path)
    made.manifest = Manifest(
        files=("stack.yml",),
        project="local-ai",
        services={
            key: ServiceDecl(
                id=key,
                container=f"local-ai-{key}",
                image="x",
                extra=Extra(),
                needs=tuple(Needs(service=one) for one in needs),
            )
            for key, needs in NEEDS.items()
        },
    )
    for key in NEEDS:
        made.podman.world.add(f"local-ai-{key}", ("sleep", "100000"), labels=MANAGED)
    made.launch()
    yield made
    made.close()


class Row:
    """Five services that a seed breaks; what runs is what the in-memory Podman runs."""

    def __init__(self, ward: Ward, seed: int) -> None:
        self.ward, self.dice = ward, random.Random(seed)
        self.ids = {box.name.removeprefix("local-ai-"): box.id for box in ward.podman.list()}
        self.looping: dict[str, float] = {}
        self.stopped: set[str] = set()
        self.hold = False
        self.restarts = 0

    def runs(self, key: str) -> bool:
        return self.ward.podman.inspect(self.ids[key]).container.state is ContainerState.RUNNING

    def break_some(self) -> None:
        """Crash, loop, stop as a person does, let it go again, begin and end maintenance."""
        for key in NEEDS:
            chance = self.dice.random()
            if chance < 0.02:
                self._fall(key)
                self.looping[key] = self.ward.clock.mono() + self.dice.choice((0.0, 0.0, 60.0, 1500.0))
            elif chance < 0.025:
                self.stopped ^= {key}
                if key in self.stopped:
                    self._fall(key)
            if self.ward.clock.mono() < self.looping.get(key, 0.0):
                self._fall(key)
        if self.dice.random() < 0.01:
            self.hold = not self.hold

    def show(self) -> None:
        """Publish what runs and what does not."""
        told = {}
        for key in NEEDS:
            down = ServiceState.STOPPED if key in self.stopped else ServiceState.BAD
            state = ServiceState.OK if self.runs(key) else down
            told[key] = {"state": state, "stopped_by_operator": key in self.stopped}
        self.ward.show(self.hold, **told)

    def heal(self) -> None:
        """One look of self-heal; wait until the engine has done what it asked for."""
        decision = self.ward.healer.tick()
        self.restarts += len(decision.restart)
        for key in decision.restart:
            assert not self.hold
            assert key not in self.stopped
            assert all(self.runs(one) for one in NEEDS[key]), f"{key} before what it needs"
        if decision.restart:
            with self.ward.moved:
                assert self.ward.moved.wait_for(lambda: all(map(self.runs, decision.restart)), 60), decision.restart

    def _fall(self, key: str) -> None:
        if self.runs(key):
            self.ward.podman.kill(self.ids[key])
            self.ward.podman.wait(self.ids[key], 10)


def records(ward: Ward) -> dict[int, dict[Phase, int]]:
    """Phase → place in the audit, for each task that self-heal asked for."""
    own = select(task.c.id).where(task.c.requester == "self-heal")
    query = select(event.c.task_id, event.c.phase, event.c.seq).where(event.c.task_id.in_(own)).order_by(event.c.seq)
    found: dict[int, dict[Phase, int]] = {}
    with ward.database.read() as connection:
        for number, phase, seq in connection.execute(query):
            found.setdefault(number, {}).setdefault(Phase(phase), seq)
    return found


def hours(ward: Ward, seed: int, length: float) -> int:
    row = Row(ward, seed)
    begun = sum(one.action == "start" for one in ward.podman.world.events)
    for _ in range(round(length * 3600 / STEP)):
        ward.clock.advance(STEP)
        row.break_some()
        row.show()
        row.heal()
    assert ward.engine.running
    ward.engine.stop(grace=10)
    starts = sum(one.action == "start" for one in ward.podman.world.events) - begun
    found = records(ward)
    assert starts == row.restarts == len(found)
    for number, phases in found.items():
        assert set(phases) >= WHOLE, (number, phases)
        assert phases[Phase.REQUEST] < phases[Phase.DECISION] < phases[Phase.INTENT] < phases[Phase.OUTCOME]
    assert ward.audit.verify().ok
    return starts


@pytest.mark.timeout(120)
def test_nothing_starts_without_its_records(ward: Ward) -> None:
    assert hours(ward, seed=56, length=2) > 10


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_nothing_starts_without_its_records_for_a_day(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    starts = hours(ward, seed=5, length=24)
    with capsys.disabled():
        print(f"\n  24 simulated hours over the real gate: {starts} starts, each with its four records", end="")
