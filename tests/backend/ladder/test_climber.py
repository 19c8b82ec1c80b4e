"""The climb over the Podman in memory: rung by rung, stops at the first that does not hold, never raises."""

from __future__ import annotations

from typing import Any

import pytest
from tests.backend.ladder.made import service
from tests.backend.ladder.servers import closed_port, http, saying, silent, talking

from aistack_backend.clock import SystemClock
from aistack_backend.containers.ladder.climber import Climber
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.provision_memory import MemoryProvisioner
from aistack_backend.containers.stack.models import Extra, HealthDecl, ProbeDecl, Publish, SecretUse
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.stack import RungName, RungState

PASS, FAIL, WAIT, NONE, UNKNOWN = (
    RungState.PASS,
    RungState.FAIL,
    RungState.WAIT,
    RungState.NONE,
    RungState.UNKNOWN,
)


class Yard:
    """One container in memory and the climber that looks at it."""

    def __init__(self) -> None:
        self.podman = MemoryPodman(tick=0.05)
        self.climber = Climber(self.podman, MemoryProvisioner(self.podman), SystemClock())
        self.port = 0

    def make(self, *command: str, **more: Any) -> str:
        return self.podman.world.add("local-ai-web", command, **more)

    def states(self, **decl: Any) -> list[RungState]:
        return [rung.state for rung in self.climb(**decl)]

    def climb(self, *, upto: RungName = RungName.USEFUL, **decl: Any) -> Any:
        return self.climber.climb(service("web", **decl), upto=upto)


@pytest.fixture
def yard() -> Yard:
    return Yard()


def probe(kind: str, rung: str = "ready", **options: Any) -> Extra:
    return Extra(probes=(ProbeDecl(rung=rung, kind=kind, options=options, timeout=1.0),))


def test_no_container(yard: Yard) -> None:
    rungs = yard.climb()
    assert [rung.state for rung in rungs] == [FAIL, *[WAIT] * 5]
    assert (rungs[0].evidence, rungs[0].next_step) == ("There is no container local-ai-web.", "up web")


def test_podman_away_is_unknown(yard: Yard) -> None:
    yard.make()
    yard.podman.world.go_down(SourceState.REFUSED)
    rungs = yard.climb()
    assert [rung.state for rung in rungs] == [UNKNOWN, *[WAIT] * 5]
    assert rungs[0].evidence
    assert not yard.climber.measure(service("web")).facts.known


def test_nothing_declared_above_running_is_none(yard: Yard) -> None:
    yard.make()
    assert yard.states() == [PASS, PASS, NONE, NONE, NONE, NONE]


def test_a_crash_is_told_with_its_code(yard: Yard) -> None:
    box = yard.make("sh", "-c", "echo no such table; exit 3")
    yard.podman.wait(box, 5)
    rungs = yard.climb()
    assert [rung.state for rung in rungs[:3]] == [PASS, FAIL, WAIT]
    assert "exit code 3" in rungs[1].evidence
    assert "no such table" in rungs[1].evidence
    ending = yard.climber.measure(service("web")).facts.ending
    assert ending is not None
    assert ending.crash


def test_created_and_never_started(yard: Yard) -> None:
    yard.make(running=False)
    rung = yard.climb()[1]
    assert (rung.state, "has never run" in rung.evidence) == (FAIL, True)


def test_paused(yard: Yard) -> None:
    yard.podman.pause(yard.make())
    assert yard.climb()[1].evidence == "It is paused."


def test_a_port_that_nobody_listens_on(yard: Yard) -> None:
    yard.make(ports=((0, 80),))
    rung = yard.climb(expose=(80, 8443))[2]
    assert (rung.state, rung.evidence) == (FAIL, "It runs, and nothing listens on 8443 inside; it listens on 80.")


def test_a_published_port_that_refuses_here(yard: Yard) -> None:
    port = closed_port()
    yard.make(ports=((port, 80),))
    rung = yard.climb(publish=(Publish(container_port=80, host_port=port),))[2]
    assert (rung.state, f"{port} here refuses" in rung.evidence) == (FAIL, True)


@pytest.mark.parametrize(("command", "state"), [("true", PASS), ("exit 7", FAIL)])
def test_the_health_command_is_run_now(yard: Yard, command: str, state: RungState) -> None:
    yard.make(health=("CMD-SHELL", command))
    rung = yard.climb(health=HealthDecl(command=("sh", "-c", command)))[3]
    assert rung.state is state
    assert state is PASS or "7" in rung.evidence


def test_a_health_command_that_the_container_lacks_is_unknown(yard: Yard) -> None:
    yard.make()
    rungs = yard.climb(health=HealthDecl(command=("true",)))
    assert [rung.state for rung in rungs] == [PASS, PASS, NONE, UNKNOWN, WAIT, WAIT]


def test_a_health_command_that_always_passes_does_not_help_a_closed_port(yard: Yard) -> None:
    yard.make(health=("CMD-SHELL", "true"))
    states = yard.states(health=HealthDecl(command=("true",)), expose=(8080,))
    assert states == [PASS, PASS, FAIL, WAIT, WAIT, WAIT]


def test_probes_by_the_published_port(yard: Yard) -> None:
    with talking(saying(http("200 OK", b"{}"))) as port:
        yard.make(ports=((port, 80),))
        decl = {"publish": (Publish(container_port=80, host_port=port),), "extra": probe("http", port=80)}
        assert yard.states(**decl) == [PASS, PASS, PASS, NONE, PASS, NONE]
        assert [rung.state for rung in yard.climb(upto=RungName.LISTENING, **decl)][3:] == [WAIT] * 3


def test_a_mute_server_fails_at_ready_within_its_time(yard: Yard) -> None:
    with talking(silent) as port:
        yard.make(ports=((port, 80),))
        rungs = yard.climb(publish=(Publish(container_port=80, host_port=port),), extra=probe("http", port=80))
    assert rungs[4].state is FAIL
    assert "in time" in rungs[4].evidence
    assert rungs[4].took < 2.0


def test_what_cannot_be_probed_is_unknown_and_says_why(yard: Yard) -> None:
    yard.make()
    rung = yard.climb(extra=probe("http", "useful", port=80))[5]
    assert (rung.state, "Port 80 is not published" in rung.evidence) == (UNKNOWN, True)


def test_a_secret_that_cannot_be_read_is_unknown(yard: Yard) -> None:
    with talking(silent) as port:
        yard.make(ports=((port, 6379),))
        rung = yard.climb(
            extra=probe("redis", port=6379, secret="key"),
            secrets=(SecretUse(source="local-ai-key", target="/run/secrets/key"),),
        )[4]
    assert (rung.state, "local-ai-key cannot be read inside" in rung.evidence) == (UNKNOWN, True)


def test_a_probe_that_breaks_is_unknown_and_ends_nothing(yard: Yard) -> None:
    yard.make()
    rung = yard.climb(extra=probe("exec", code="many", command="true"))[4]
    assert (rung.state, "The check broke: ValueError" in rung.evidence) == (UNKNOWN, True)
