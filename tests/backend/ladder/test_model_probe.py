"""The probe of a model server: one token where a model is loaded, and an honest word where there is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from tests.backend.ladder.made import service
from tests.backend.ladder.servers import Loopback, Talk, closed_port, http, silent, talking

from aistack_backend.clock import SystemClock
from aistack_backend.containers.ladder.climber import Climber
from aistack_backend.containers.ladder.probes import registry
from aistack_backend.containers.ladder.probes.finding import Finding
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.provision_memory import MemoryProvisioner
from aistack_backend.containers.stack.models import Extra, ProbeDecl, Publish
from aistack_backend.wire.stack import RungState

OURS = {"id": "small.gguf", "object": "model", "state": "ready"}
DONE = {"choices": [{"message": {"role": "assistant", "content": "Hel"}}], "usage": {"completion_tokens": 1}}


class Server:
    """A model server: ``models`` are its answers to the list, the last one for good; it counts what it is asked."""

    def __init__(self, *models: Any, done: Any = DONE, status: str = "200 OK", mute: bool = False) -> None:
        self.lists = [json.dumps(one if isinstance(one, dict) else {"data": one}).encode() for one in models]
        self.completions: list[Any] = []
        self._done, self._status, self._mute = done, status, mute

    def __call__(self, connection: Any) -> None:
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
        if not head:  # only a look whether somebody listens
            return
        if head.startswith(b"GET /v1/models "):
            connection.sendall(http("200 OK", self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]))
            return
        self.completions.append(json.loads(body or connection.recv(65536)))
        if self._mute:
            silent(connection)
        connection.sendall(http(self._status, json.dumps(self._done).encode()))


@contextmanager
def asked(talk: Talk, seconds: float = 2.0) -> Iterator[Finding]:
    with talking(talk) as port:
        yield registry.run("model", {"port": 8080}, Loopback(port, seconds=seconds))


def test_one_token_of_the_loaded_model() -> None:
    server = Server([{"id": "other.gguf"}, OURS])
    with asked(server) as found:
        assert (found.ok, found.none, found.evidence) == (True, False, "small.gguf made a token.")
    assert [(one["model"], one["max_tokens"]) for one in server.completions] == [("small.gguf", 1)]


def test_a_server_that_tells_no_state_is_asked_for_its_first_model() -> None:
    with asked(server := Server([{"id": "a"}, {"id": "b"}])) as found:
        assert found.ok
    assert server.completions[0]["model"] == "a"


@pytest.mark.parametrize("nothing", [Server([]), Server([{"object": "model"}])], ids=["empty", "nameless"])
def test_without_a_model_nothing_is_asked_and_nothing_claimed(nothing: Server) -> None:
    with asked(nothing) as found:
        assert (found.ok, found.none, found.evidence) == (True, True, "No model is loaded: nothing to ask.")
    assert nothing.completions == []


def test_a_role_without_the_route_has_no_model() -> None:
    def absent(connection: Any) -> None:
        connection.recv(65536)
        connection.sendall(http("404 Not Found", b"{}"))

    with asked(absent) as found:
        assert (found.ok, found.none) == (True, True)


def test_a_busy_model_is_left_alone() -> None:
    with asked(server := Server([{**OURS, "state": "busy"}])) as found:
        assert (found.ok, found.none, "somebody else" in found.evidence) == (True, True, True)
    assert server.completions == []


def test_a_model_that_is_still_at_work_is_no_fault_and_a_mute_one_is() -> None:
    with asked(Server([OURS], [{**OURS, "state": "busy"}], mute=True), 0.4) as found:
        assert (found.ok, found.none, "still at work" in found.evidence) == (True, True, True)
    with asked(Server([OURS], mute=True), 0.4) as found:
        assert (found.ok, "in time" in found.evidence) == (False, True)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (Server({"data": 7}), "without a list of models"),
        (Server([OURS], done={"detail": "the worker died"}, status="503 No"), "answers 503: "),
        (Server([OURS], done={"choices": [], "usage": {"completion_tokens": 0}}), "made none"),
        (Server([OURS], done={**DONE, "usage": {"completion_tokens": "1"}}), "made none"),
        (Server([OURS], done=[1]), "made none"),
    ],
)
def test_a_server_that_answers_wrongly_fails(server: Server, words: str) -> None:
    with asked(server) as found:
        assert (found.ok, words in found.evidence, bool(found.next_step)) == (False, True, True), found


def test_a_closed_port_fails() -> None:
    found = registry.run("model", {"port": 8080}, Loopback(closed_port()))
    assert (found.ok, "refuses" in found.evidence) == (False, True)


@pytest.mark.parametrize(
    ("models", "state"), [([], RungState.NONE), ([OURS], RungState.PASS)], ids=["no model", "a model"]
)
def test_the_rung_says_nothing_to_check_and_never_passed(models: list[Any], state: RungState) -> None:
    podman = MemoryPodman(tick=0.05)
    climber = Climber(podman, MemoryProvisioner(podman), SystemClock())
    probe = ProbeDecl(rung="useful", kind="model", options={"port": 80})
    with talking(Server(models)) as port:
        podman.world.add("local-ai-web", ports=((port, 80),))
        web = replace(
            service("web", extra=Extra(probes=(probe,))), publish=(Publish(container_port=80, host_port=port),)
        )
        rung = climber.climb(web)[5]
    assert rung.state is state
    assert rung.evidence
