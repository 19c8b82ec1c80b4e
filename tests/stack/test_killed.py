"""The backend killed in the middle of bringing a stack up, again and again: it takes the boot up and converges."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.bed.backend import House, house, wait_until
from tests.bed.boxes import podman
from tests.contracts.podman_beds import SOCKET
from tests.contracts.provision_beds import clear
from tests.stack.small import chain

from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.provision_api import ApiProvisioner

pytestmark = [pytest.mark.podman]
SERVICES = {"db", "cache", "api", "jobs", "web", "side"}
ENDED = {"done", "failed", "stopped", "exhausted", "denied", "unsure"}
PATIENCE = 60
LATEST = 1.0
"""Seconds after the number of containers was reached at which the backend is killed at the latest."""


class Stack:
    """A backend of our own on a stack of our own."""

    def __init__(self, home: House, project: str) -> None:
        self.home = home
        self.project = project
        self.podman = ApiPodman(f"unix://{SOCKET}", {})
        transport = httpx.HTTPTransport(
            uds=str(home.socket), verify=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._client = httpx.Client(transport=transport, base_url="http://localhost", timeout=30)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the backend."""
        answer = self._client.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def ready(self) -> bool:
        """Whether it takes requests for the stack."""
        answer = self._client.post("/v1/stack/plan", json={"verb": "up", "goal": ""})
        assert answer.status_code in (200, 503), answer.text
        return answer.status_code == 200

    def ask_up(self) -> int:
        """Ask and confirm as a person does; return the task."""
        wish = {"kind": "stack.up", "target": ""}
        made: list[int] = []

        def asked() -> bool:  # Podman may take its time beside other tests: then it is asked again
            seen = self._client.post("/v1/actions/preview", json=wish)
            if seen.status_code == 503:
                return False
            assert seen.status_code == 200, seen.text
            confirmed = {**wish, "confirmed_hash": seen.json()["action_hash"]}
            answer = self._client.post("/v1/tasks/action", json=confirmed)
            if answer.status_code < 300:
                made.append(int(answer.json()["id"]))
            return bool(made)

        wait_until(asked, PATIENCE, "the plan cannot be made")
        return made[0]

    def ended(self, number: int) -> dict[str, Any]:
        """One task, once it has ended."""
        seen: dict[str, Any] = {}

        def over() -> bool:
            seen.update(self.call("GET", f"/v1/tasks/{number}"))
            return seen["state"] in ENDED

        wait_until(over, PATIENCE, lambda: f"{seen}")
        return seen

    def has(self, least: int) -> None:
        """Wait until so many containers exist."""
        wait_until(lambda: len(self.mine()) >= least, 30, f"never {least} containers")

    def mine(self) -> dict[str, str]:
        """State of every container whose name begins with the project's."""
        return {one.name: one.state.value for one in self.podman.list() if one.name.startswith(self.project)}

    def kept(self) -> tuple[str, ...]:
        """What must be the same after every kill: the id in the volume, and the generated secret."""
        box = f"{self.project}-db"
        return podman("exec", box, "cat", "/data/id"), podman("exec", box, "cat", "/run/secrets/key")

    def volumes(self) -> set[str]:
        """Volumes that the stack's containers mount."""
        boxes = [f"{self.project}-{name}" for name in SERVICES]
        return set(podman("inspect", "--format", "{{range .Mounts}}{{.Name}} {{end}}", *boxes).split())

    def evidence(self) -> str:
        """The last boot's rows and what the backend printed, for a round that failed."""
        with suppress(httpx.HTTPError, AssertionError):
            rows = self.call("GET", "/v1/boots")["boots"][0]["rows"]
            told = [f"{row['service']}: {row['step']} {row['stage']} {row['detail']}" for row in rows]
            return "\n".join([*told, self.home.said()])
        return self.home.said()

    def close(self) -> None:
        """End the backend, and take everything away."""
        self.home.stop_backend()
        self._client.close()
        clear(self.podman, ApiProvisioner(self.podman), self.project)
        self.podman.close()


@pytest.fixture
def stack(unique: str, tmp_path: Path) -> Iterator[Stack]:
    project = unique.strip("-")
    text, rest = chain(project, seconds=0.3)
    file = tmp_path / "stack.yml"
    file.write_text(f"name: {project}\nservices:\n" + "".join(f"  {line}\n" for line in text.splitlines()) + rest)
    with house(AISTACK_STACK=str(file)) as home:
        made = Stack(home, project)
        yield made
        made.close()


def killed(stack: Stack, dice: random.Random) -> tuple[int, str]:
    """Bring up and kill at a random moment; return the task, and when it was."""
    backend = stack.home.start()
    wait_until(stack.ready, PATIENCE, "the stack's part never started")
    task = stack.ask_up()
    least, later = dice.randint(0, len(SERVICES)), dice.uniform(0, LATEST)
    stack.has(least)
    with suppress(subprocess.TimeoutExpired):  # it does not end by itself: this is the moment
        backend.wait(later)
    backend.kill()
    backend.wait()
    return task, f"{least} containers + {later:.2f} s"


def converges(stack: Stack, task: int) -> str:
    """Start again, and once more with the next up where the first was not taken up; return how the first ended."""
    stack.home.start()
    wait_until(stack.ready, PATIENCE, "the stack's part never started again")
    first = ended = stack.ended(task)
    assert first["state"] != "stopped" or stack.mine() == {}, "it was stopped only when it had not begun"
    if first["state"] != "done":  # what was approved in an earlier life needs a new yes; the next up converges
        task = stack.ask_up()
        ended = stack.ended(task)
    assert ended["state"] == "done", (first["reason"], ended["reason"])
    assert stack.mine() == {f"{stack.project}-{name}": "running" for name in SERVICES}
    assert stack.volumes() == {f"{stack.project}-data"}
    boot = stack.call("GET", "/v1/boots")["boots"][0]
    assert (boot["id"], boot["state"]) == (task, "done")
    return f"{first['state']} {first['reason']}".strip()


def rounds(stack: Stack, count: int, seed: int) -> None:
    """Kill and converge so many times, each time from no container; the volume and the secret stay the first ones."""
    dice, kept, failed = random.Random(seed), (), []
    for number in range(count):
        task, moment = killed(stack, dice)
        try:
            print(f"round {number}, {moment}: {converges(stack, task)}", flush=True)
            kept = kept or stack.kept()
            assert stack.kept() == kept, "the volume or the secret is not the one of before"
        except AssertionError as error:
            failed.append(number)
            print(f"round {number}, {moment}: FAILED: {error}\n{stack.evidence()}", flush=True)
        stack.home.stop_backend()
        podman("rm", "-f", "-t", "0", *stack.mine())
    print(json.dumps({"seed": seed, "tried": count, "failed": len(failed)}))
    assert not failed


@pytest.mark.timeout(300)
def test_killed_while_it_brings_up(stack: Stack) -> None:
    rounds(stack, 3, seed=7)


@pytest.mark.soak
@pytest.mark.timeout(2400)
def test_killed_twenty_times(stack: Stack) -> None:
    rounds(stack, 20, seed=20)
