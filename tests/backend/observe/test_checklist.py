"""The note's criteria as ticks: what is not built is LATER, what could not be looked at UNKNOWN, and nothing hangs."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import replace

import pytest
from tests.backend.ladder.made import NOW, measured, service, stack
from tests.backend.ladder.servers import closed_port, http, saying, talking

from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.containers.ladder.facts import Measured
from aistack_backend.containers.ladder.snapshot import Around, snapshot
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.errors import BackendError
from aistack_backend.observe import criteria
from aistack_backend.observe.checklist import Checker
from aistack_backend.observe.criteria import CRITERIA, Criterion, Ground
from aistack_backend.wire.checklist import Checklist, TickState
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import RungName, Stack

PASS, FAIL, LATER, NOT_RUN, UNKNOWN = (
    TickState.PASS,
    TickState.FAIL,
    TickState.LATER,
    TickState.NOT_RUN,
    TickState.UNKNOWN,
)


def said(count: int, **odd: Measured) -> Stack:
    """A stack of so many services that are well, but for the odd ones."""
    ids = ["ralph-wiggum", *(f"s{n}" for n in range(1, count))]
    manifest = stack(*(service(key) for key in ids))
    found = {key: odd.get(key.replace("-", "_"), measured(name=key)) for key in ids}
    rows = snapshot(manifest, found, Around(), NOW, age_limit=45.0)
    return Stack(at=NOW, source=Source(name="stack", state=SourceState.OK, since=NOW), services=rows)


def ground(found: Stack, **more: tuple[str, int]) -> Ground:
    return Ground(found, MemoryPodman(), **more)


def test_every_line_has_its_own_id_and_one_way_to_be_told() -> None:
    assert len({one.id for one in CRITERIA}) == len(CRITERIA)
    for one in CRITERIA:
        assert sum(map(bool, (one.ask, one.later, one.elsewhere))) == 1, one.id
        assert not one.later or re.search(r"issue \d", one.later), one.id


def test_all_twenty_run_only_when_twenty_do() -> None:
    assert criteria.all_running(ground(said(20))) == (PASS, "20 of 20 containers run.")
    assert criteria.all_running(ground(said(5))) == (FAIL, "5 of 20 containers run.")
    state, detail = criteria.all_running(ground(said(20, s3=measured(RungName.RUNNING))))
    assert (state, detail) == (FAIL, "19 of 20 containers run; not: s3.")


def test_one_that_is_not_well_fails_the_health_line() -> None:
    assert criteria.all_healthy(ground(said(3)))[0] is PASS
    state, detail = criteria.all_healthy(ground(said(3, s2=measured(RungName.USEFUL))))
    assert (state, "s2 bad" in detail) == (FAIL, True)


def test_a_route_that_does_not_arrive_is_named() -> None:
    state, detail = criteria.routing(ground(said(1), proxy=("127.0.0.1", closed_port())))
    assert (state, "/aidb/ refuses the connection" in detail) == (FAIL, True)


@pytest.mark.parametrize(
    ("page", "state", "words"),
    [
        (b"<td>local-ai-ralph-wiggum</td><td>local-ai-s1</td> service", PASS, "It names all 2."),
        (b"<td>local-ai-ralph-wiggum</td><td>local-ai-s11</td>", FAIL, "It does not name s1."),
        (b"", FAIL, "does not name"),
    ],
)
def test_the_dashboard_must_name_every_service(page: bytes, state: TickState, words: str) -> None:
    with talking(saying(http("200 OK", page, "text/html"))) as port:
        found = criteria.dashboard(ground(said(2), dashboard=("127.0.0.1", port)))
    assert (found[0], words in found[1]) == (state, True), found
    assert criteria.dashboard(ground(said(2), dashboard=("127.0.0.1", closed_port())))[0] is FAIL


def test_a_service_that_a_standin_provides_did_not_start_a_container() -> None:
    manifest = stack(service("ralph-wiggum"))
    rows = snapshot(
        manifest,
        {"ralph-wiggum": measured(RungName.PRESENT)},
        Around(standin=lambda _: "the backend's queue"),
        NOW,
        age_limit=45.0,
    )
    found = criteria.started("ralph-wiggum")(ground(replace(said(1), services=rows)))
    assert found == (FAIL, "the backend's queue stands in.")


def test_commands_and_logs_of_containers() -> None:
    podman = MemoryPodman()
    box = podman.world.add("local-ai-ralph-wiggum")
    place = Ground(said(1), podman)
    read = criteria.log_of("local-ai-ralph-wiggum", 50)
    assert read(place) == (FAIL, "0 lines.")
    podman.world.say(box, b"ready")
    assert read(place) == (PASS, "1 lines. Its last: ready")
    assert criteria.inside("local-ai-ralph-wiggum", "echo", "status ok", contains="status")(place)[0] is PASS
    assert criteria.inside("local-ai-ralph-wiggum", "curl", "x", contains="status")(place)[0] is FAIL
    absent = Criterion("x", "p", "t", criteria.log_of("local-ai-none", 5))
    assert criteria.measure(absent, place)[0] is FAIL
    assert criteria.listed(place) == (PASS, "1 of 1 containers of the stack run.")


def checker(check: object, *ones: Criterion, bus: Bus | None = None) -> Checker:
    return Checker(check, MemoryPodman(), bus or Bus(), SystemClock(), ones or CRITERIA)  # type: ignore[arg-type]


def test_before_a_run_nothing_is_ticked() -> None:
    states = {one.state for one in checker(lambda: said(1)).now().ticks}
    assert states == {NOT_RUN}  # nothing of the note is left to a later issue


async def test_a_run_ends_with_nothing_running_and_leaves_later_alone() -> None:
    bus = Bus()

    def broken(_: Ground) -> criteria.Found:
        raise KeyError("x")

    ones = (
        Criterion("good", "p", "t", lambda _: (PASS, "so it is")),
        Criterion("broken", "p", "t", broken),
        Criterion("later", "p", "t", later="issue 4"),
    )
    made = checker(lambda: said(1), *ones, bus=bus)
    found = await made.run()
    assert [one.state for one in found.ticks] == [PASS, UNKNOWN, LATER]
    assert [one.at is None for one in found.ticks] == [False, False, True]
    assert found.at is not None
    said_last: Checklist = bus.latest(Topic.CHECKLIST)
    assert said_last == made.now() == found


@pytest.mark.parametrize("fault", [BackendError("stack.yml:3: imge is unknown."), RuntimeError("x")])
async def test_a_stack_that_cannot_be_measured_makes_every_tick_unknown(fault: Exception) -> None:
    def check() -> Stack:
        raise fault

    found = await checker(check).run()
    states = {one.state for one in found.ticks}
    assert states == {UNKNOWN, NOT_RUN}


async def test_who_comes_while_it_runs_waits_for_the_same_run() -> None:
    go, runs = threading.Event(), []

    def slow(_: Ground) -> criteria.Found:
        runs.append(1)
        go.wait(10)
        return PASS, ""

    made = checker(lambda: said(1), Criterion("slow", "p", "t", slow))
    both = [asyncio.create_task(made.run()) for _ in range(2)]
    done, _ = await asyncio.wait(both, timeout=0.2)
    assert not done
    assert made.now().ticks[0].state is TickState.RUNNING
    go.set()
    assert await both[0] == await both[1]
    assert len(runs) == 1
