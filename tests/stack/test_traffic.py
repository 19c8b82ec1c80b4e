"""What passes between real containers: counted by the role that answers, and seen open in the kernel's table."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from tests.backend.stack.yard import Yard
from tests.bed.boxes import podman
from tests.bed.stack_images import image

from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.containers.ladder.climber import Climber
from aistack_backend.containers.ladder.service import StackService
from aistack_backend.containers.ladder.snapshot import Around
from aistack_backend.wire.traffic import Edge

pytestmark = [pytest.mark.podman, pytest.mark.stack, pytest.mark.timeout(200)]
ASKED = "http://ralph-wiggum:8090"
HOLD = "exec 3<>/dev/tcp/ralph-wiggum/8090; read -r -u 3 line"
"""Opens a connection, asks nothing, and waits."""


@pytest.fixture
def watch(yard: Yard) -> Iterator[StackService]:
    """A role of ours whose backend is stopped, and a container that asks it; looked at when the test says so."""
    role = "command: [aistack-backend, serve, --role, ralph-wiggum], expose: [8090], x-aistack: {role: ralph-wiggum}"
    asks = "command: [sleep, '1000'], depends_on: {ralph-wiggum: {condition: service_started}}"
    yard.write(
        f"ralph-wiggum: {{image: '{image('aistack')}', container_name: {yard.project}-role, init: true, {role}}}\n"
        f"asker: {{image: '{image('aistack')}', container_name: {yard.project}-asker, init: true, {asks}}}\n",
        f"networks: {{default: {{name: {yard.project}-net}}}}\n",
    )
    yard.up()
    clock = SystemClock()
    climber = Climber(yard.podman, yard.provisioner, clock)
    made = StackService(yard.source, climber, Bus(), clock, lambda _: Around())
    until_it_serves(yard)
    yield made
    made.stop()


def ask(yard: Yard, path: str, *words: str) -> str:
    """Ask the role from the other container; return the status, 000 = nobody answers."""
    box = f"{yard.project}-asker"
    curl = ("curl", "-s", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", *words, f"{ASKED}{path}")
    return subprocess.run(["podman", "exec", box, *curl], capture_output=True, text=True, check=False).stdout


def until_it_serves(yard: Yard) -> None:
    for _ in range(100):
        if ask(yard, "/") == "200":
            return
    raise AssertionError("the role never served")


def looked(watch: StackService) -> Edge:
    """Climb, read, and return the edge from the asker to the role."""
    watch.check()
    watch.look()
    return next(one for one in watch.publish().edges if (one.user, one.need) == ("asker", "ralph-wiggum"))


def test_requests_and_errors_of_a_stopped_backend_are_on_the_edge(yard: Yard, watch: StackService) -> None:
    first = looked(watch)
    assert (first.requests, first.declared) == (None, True)
    assert first.why == "It was read once; a rate needs two readings."
    assert [ask(yard, "/") for _ in range(7)] == ["200"] * 7
    task = ("-H", "Content-Type: application/json", "-d", '{"task": "x"}')
    assert [ask(yard, "/execute", *task) for _ in range(3)] == ["503"] * 3
    edge = looked(watch)
    assert {one.status: one.count for one in edge.codes} == {200: 7, 503: 3}
    assert edge.requests == pytest.approx(60 * 10 / edge.window)
    assert edge.checks == pytest.approx(60 * 7 / edge.window)
    assert edge.errors == pytest.approx(0.3)
    assert edge.last_good is not None
    assert edge.at is not None
    assert edge.at - edge.last_good < 60


def test_a_restarted_role_begins_anew_and_an_open_connection_is_seen(yard: Yard, watch: StackService) -> None:
    looked(watch)
    ask(yard, "/")
    assert looked(watch).requests
    podman("restart", "-t", "1", f"{yard.project}-role")
    until_it_serves(yard)
    again = looked(watch)
    assert again.requests is None, again
    with subprocess.Popen(["podman", "exec", f"{yard.project}-asker", "bash", "-c", HOLD]) as held:
        edge = looked(watch)
        for _ in range(50):
            if edge.connections:
                break
            edge = looked(watch)
        held.kill()
    assert (edge.connections, edge.requests) == (1, 0), edge
