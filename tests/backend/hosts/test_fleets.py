"""One fleet of several machines, on Podmans in memory: names, actions, and a machine that goes away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from tests.backend.containers.worlds import Ear

from aistack_backend.approvals.action import parse
from aistack_backend.clock import SystemClock
from aistack_backend.containers.hosts.fleets import Far, Fleets
from aistack_backend.containers.hosts.ssh import Said
from aistack_backend.containers.hosts.way import HostDown, MemoryWay, judged
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.prepare import Preparer
from aistack_backend.containers.tools import ContainerTool
from aistack_backend.engine.tools import Fate
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.orchestration import rules
from aistack_backend.wire.containers import Activity, ContainerState, Fleet, UsageTable
from aistack_backend.wire.events import Topic
from aistack_backend.wire.hosts import HostConfig
from aistack_backend.wire.sources import SourceState

AWAY = Said(state=SourceState.REFUSED, detail="root@box:22 does not take our key.", hint="Add it.")


class Machines:
    """This machine with ``web``; ``far`` with ``web`` and ``db``; ``gpu`` with ``db``."""

    def __init__(self) -> None:
        self.bus = Ear()
        self.here, self.far, self.gpu = (MemoryPodman(tick=0.02) for _ in range(3))
        self.ways = {"far": MemoryWay(), "gpu": MemoryWay()}
        self.own = self.here.world.add("web", ("sleep", "1000"))
        self.web = self.far.world.add(
            "web", ("sh", "-c", "echo hello; sleep 1000"), labels={"io.aistack.managed": "true"}
        )
        self.far.world.add("db", ("sleep", "1000"))
        self.gpu.world.add("db", ("sleep", "1000"))
        others = [self.machine("far", self.far), self.machine("gpu", self.gpu)]
        self.fleets = Fleets(self.here, self.bus, SystemClock(), others)
        self.nudged: list[str] = []
        self.tool = ContainerTool(self.here, self.nudged.append, self.fleets.side)
        self.preparer = Preparer(self.here, self.fleets)

    def machine(self, name: str, podman: MemoryPodman) -> Far:
        return Far(HostConfig(name=name, user="root", host="box"), podman, self.ways[name])

    def start(self) -> Fleet:
        self.fleets.start()
        whole: Fleet = self.bus.until(Topic.FLEET, lambda fleet: len(fleet.containers) == 4 and not _faulty(fleet))
        return whole


def _faulty(fleet: Fleet) -> list[str]:
    sources = (fleet.source, *(host.source for host in fleet.hosts))
    return [source.name for source in sources if source.state is not SourceState.OK]


@pytest.fixture
def machines() -> Iterator[Machines]:
    made = Machines()
    yield made
    made.fleets.stop()


def test_the_fleet_names_the_machine_of_each_container(machines: Machines) -> None:
    fleet = machines.start()
    assert [one.full_name for one in fleet.containers] == ["web", "far/db", "far/web", "gpu/db"]
    assert [one.full_name for one in fleet.local] == ["web"]
    assert fleet.containers[2].ref == f"far/{machines.web}"
    assert fleet.hosts[0].address == "ssh://root@box:22/run/podman/podman.sock"
    assert fleet.hosts[0].source.name == "host far"


def test_usage_and_activity_name_it_too(machines: Machines) -> None:
    machines.start()
    table: UsageTable = machines.bus.until(Topic.USAGE, lambda one: len({r.id.count("/") for r in one.rows}) == 2)
    assert machines.own in {row.id for row in table.rows}
    machines.far.stop(machines.web, 1)
    told: Activity = machines.bus.until(Topic.ACTIVITY, lambda one: "far/web" in one.object_name)
    assert told.object_id == f"far/{machines.web}"
    assert told.text.startswith("far: web ")


def test_a_machine_that_goes_away_touches_no_other(machines: Machines) -> None:
    machines.start()
    machines.ways["far"].turn(AWAY, since=5.0)
    fleet: Fleet = machines.bus.until(Topic.FLEET, lambda one: one.source_of("far").detail == AWAY.detail)
    assert _faulty(fleet) == ["host far"]
    assert fleet.source_of("far").detail == AWAY.detail
    assert fleet.source_of("far").since == 5.0
    assert fleet.source_of("far").last_ok is not None
    assert len(fleet.containers) == 4
    with pytest.raises(HostDown, match="does not take our key") as refused:
        machines.fleets.resolve("far/web")
    assert refused.value.hint == "Add it."
    machines.far.world.go_down(SourceState.HANGING)
    assert machines.fleets.resolve("web").id == machines.own
    machines.far.world.come_up()
    machines.ways["far"].turn(Said(state=SourceState.OK, detail=""))
    machines.bus.until(Topic.FLEET, lambda one: one is machines.bus.latest(Topic.FLEET) and not _faulty(one))


def test_a_plain_name_is_this_machines(machines: Machines) -> None:
    machines.start()
    assert machines.fleets.resolve("web").ref == machines.own
    assert machines.fleets.resolve("local/web").ref == machines.own
    assert machines.fleets.resolve("far/web").ref == f"far/{machines.web}"
    assert machines.fleets.resolve(f"far/{machines.web[:12]}").full_name == "far/web"


@pytest.mark.parametrize(
    ("ref", "error", "says"),
    [
        ("db", BadInput, "no container 'db' on this machine; other machines have far/db, gpu/db."),
        ("far/nobody", NotFound, "There is no container 'nobody' on far."),
        ("moon/web", NotFound, "There is no host 'moon' in the configuration."),
        ("nobody", NotFound, "There is no container 'nobody'."),
        ("far/", NotFound, "There is no container '' on far."),
        ("far/gpu/db", NotFound, "There is no container 'gpu/db' on far."),
    ],
)
def test_what_names_none_or_several_is_one_sentence(
    machines: Machines, ref: str, error: type[Exception], says: str
) -> None:
    machines.start()
    with pytest.raises(error) as caught:
        machines.fleets.resolve(ref)
    assert says in str(caught.value)


async def test_detail_and_logs_come_from_that_machine(machines: Machines) -> None:
    machines.start()
    found = await machines.fleets.detail("far/web")
    assert found.container.ref == f"far/{machines.web}"
    lines = []
    async with aclosing(machines.fleets.logs("far/web", follow=False)) as batches:
        async for batch in batches:
            assert batch.id == f"far/{machines.web}"
            lines += [line.text for line in batch.lines]
    assert lines == ["hello"]


async def test_an_action_is_bound_to_its_machine(machines: Machines) -> None:
    machines.start()
    action, evidence = machines.preparer.prepare("container.restart", "far/db")
    assert action.argv[:3] == ("podman", "--url", "ssh://root@box:22/run/podman/podman.sock")
    assert (action.targets[0].host, action.targets[0].name) == ("far", "far/db")
    assert evidence.title == "restart container far/db"
    assert evidence.effect.startswith("On the machine far. ")
    assert parse(action.canonical()) == action
    elsewhere = replace(action, targets=(replace(action.targets[0], host="gpu"),))
    assert elsewhere.hash() != action.hash()
    before = machines.far.inspect("db").started
    outcome = await machines.tool.run("k", action)
    assert outcome.text == "Container far/db is restarted."
    assert machines.far.inspect("db").started != before
    assert machines.nudged == [f"far/{action.targets[0].id}"]
    assert "started anew" in machines.tool.recheck(action)


def test_a_record_of_this_machine_is_what_it_was(machines: Machines) -> None:
    machines.start()
    action, _ = machines.preparer.prepare("container.stop", "web")
    assert b"host" not in action.canonical()
    assert action.argv == ("podman", "stop", machines.own)
    assert parse(action.canonical()) == action


def test_another_machine_under_the_same_name_is_refused(machines: Machines) -> None:
    machines.start()
    action, _ = machines.preparer.prepare("container.stop", "far/db")
    moved = replace(action, argv=("podman", "--url", "ssh://root@other:22/s", *action.argv[3:]))
    assert "far is another machine or socket now" in machines.tool.recheck(moved)
    gone = replace(action, targets=(replace(action.targets[0], host="moon"),))
    assert machines.tool.recheck(gone) == "There is no host 'moon' in the configuration."
    assert machines.tool.probe("k", gone) == (Fate.UNKNOWN, None)
    alone = ContainerTool(machines.far)
    assert "There is no host 'far'" in alone.recheck(action)
    assert machines.far.inspect("db").container.state is ContainerState.RUNNING


def test_a_goal_in_words_means_this_machine_unless_it_says_another(machines: Machines) -> None:
    fleet = machines.start()
    kinds = ("container.restart",)
    assert rules.plan("restart web", kinds, fleet.containers).target == machines.own
    assert rules.plan("restart far/web", kinds, fleet.containers).target == f"far/{machines.web}"
    with pytest.raises(NotFound):
        rules.plan("restart db", kinds, fleet.containers)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (SourceState.OK, "Podman answers on ssh://root@box:22/run/podman/podman.sock."),
        (SourceState.ABSENT, "Podman on far is being reached."),
        (SourceState.HANGING, "Podman on far does not answer in time."),
        (SourceState.FAILED, "The connection to ssh://root@box:22/run/podman/podman.sock broke."),
    ],
)
def test_an_open_way_is_judged_by_what_stands_behind_it(state: SourceState, word: str) -> None:
    way, host = MemoryWay(), HostConfig(name="far", user="root", host="box")
    way.turn(Said(state=SourceState.OK, detail=""))
    assert judged(host, way.link, state, "The connection to /r/far.sock broke.", "/r/far.sock").detail == word
    shut = replace(way.link, blocked=AWAY)
    assert (judged(host, shut, state, "").detail == AWAY.detail) is (state is not SourceState.OK)
