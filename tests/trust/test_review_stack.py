"""Attempts on what is new around the stack: other machines, exact removals, tunnels. Each was a hole once, or held."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.backend.containers.worlds import Stage

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.policy import Effect, Policy, Rule
from aistack_backend.clock import SystemClock
from aistack_backend.containers.hosts.tunnel import Tunnel
from aistack_backend.containers.provision_memory import MemoryProvisioner
from aistack_backend.containers.prune.models import Claims
from aistack_backend.containers.prune.part import RemovalPart
from aistack_backend.containers.prune.stocks import Images, Volumes
from aistack_backend.engine.tools import Fate
from aistack_backend.observe.doctor import Doctor
from aistack_backend.observe.hosts import reachable
from aistack_backend.wire.actions import Risk, Target
from aistack_backend.wire.hosts import HostConfig

ID = "ab" * 32
SSH = """#!/usr/bin/env python3
import signal, socket, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
end = socket.socket(socket.AF_UNIX)
end.bind(sys.argv[sys.argv.index("-L") + 1].split(":")[0])
end.listen()
signal.pause()
"""


def restart(host: str, name: str) -> Action:
    target = Target(type="container", id=ID, name=name, host=host)
    return Action(kind="container.restart", targets=(target,), requester="self-heal")


@pytest.mark.parametrize(
    ("target", "local", "remote"),
    [(ID, True, False), ("web", True, False), (f"far/{ID}", False, True), ("far/web", False, True)],
)
def test_an_allow_rule_is_for_one_machine(target: str, local: bool, remote: bool) -> None:
    """Stores are copied: the same id may be on two machines."""
    rule = Rule(effect=Effect.ALLOW, kind="container.restart", target=target, requester="self-heal")
    policy = Policy("low", (rule,))
    assert (policy.judge(restart("", "web"), Risk.MEDIUM).effect is Effect.ALLOW) == local
    assert (policy.judge(restart("far", "far/web"), Risk.MEDIUM).effect is Effect.ALLOW) == remote


def test_a_deny_rule_by_id_holds_on_every_machine() -> None:
    policy = Policy("none", (Rule(effect=Effect.DENY, kind="*", target=ID),))
    for host, name in (("", "web"), ("far", "far/web")):
        assert policy.judge(restart(host, name), Risk.LOW).effect is Effect.DENY


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


def removal(stage: Stage, claims: Callable[[], Claims] = Claims) -> tuple[RemovalPart, MemoryProvisioner]:
    made = MemoryProvisioner(stage.podman)
    stocks = (Images(stage.podman, made, claims), Volumes(stage.podman, claims))
    return RemovalPart(stocks, stage.podman.volume_sizes), made


async def test_a_removal_that_was_killed_between_two_names_is_told_and_finished(stage: Stage) -> None:
    part, made = removal(stage)
    image = stage.world.add_image("localhost/a:1")
    made.tag(image.id, "localhost/b:1")
    action, _ = part.prepare("image.remove", "localhost/a:1")
    made.untag(image.id, "localhost/b:1")  # where kill -9 ended the run
    assert part.probe("k", action)[0] is Fate.NOT_DONE
    outcome = await part.run("k", action)
    assert (outcome.ok, outcome.text) == (True, "Image localhost/a:1 is removed.")
    assert image.id not in {one.id for one in stage.podman.images()}


async def test_an_image_with_other_names_is_never_told_as_gone(stage: Stage) -> None:
    part, made = removal(stage)
    image = stage.world.add_image("localhost/a:1")
    action, _ = part.prepare("image.remove", "localhost/a:1")
    made.tag(image.id, "localhost/kept:1")
    assert part.recheck(action)
    assert part.probe("k", action) == (Fate.NOT_DONE, None)
    assert not (await part.run("k", action)).ok
    assert image.id in {one.id for one in stage.podman.images()}


def test_every_name_that_goes_is_said(stage: Stage) -> None:
    part, made = removal(stage)
    image = stage.world.add_image("localhost/a:1")
    made.tag(image.id, "localhost/prod:1")
    assert "localhost/prod:1" in part.prepare("image.remove", "localhost/a:1")[1].effect


FAR = HostConfig(name="far", user="root", host="box")


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ssh whose tunnel opens and then leads to somebody who never answers."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ssh"
    program.write_text(SSH)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.mark.usefixtures("ssh")
def test_the_doctor_says_which_podman_hangs_within_its_limit() -> None:
    (found,) = asyncio.run(Doctor([reachable(FAR)]).report()).findings
    assert (found.ok, found.detail) == (False, "Podman on far does not answer in time.")


@pytest.mark.usefixtures("ssh")
def test_a_tunnel_whose_socket_was_removed_is_made_again(tmp_path: Path) -> None:
    """Else the machine is told as being reached for ever, and nobody tries."""
    tunnel = Tunnel(FAR, tmp_path / "run", SystemClock())
    opened, closed = threading.Semaphore(0), threading.Event()
    tunnel.start(lambda: opened.release() if tunnel.link.open else closed.set())
    try:
        assert opened.acquire(timeout=15)
        tunnel.socket.unlink()
        assert closed.wait(15)
        assert opened.acquire(timeout=15)
        assert tunnel.socket.exists()
    finally:
        tunnel.stop()
    assert not tunnel.socket.exists()


@pytest.mark.parametrize("kind", ["image", "volume"])
async def test_what_came_to_be_missed_since_it_was_approved_is_left(stage: Stage, kind: str) -> None:
    known: list[Claims] = [Claims()]
    part, _ = removal(stage, lambda: known[-1])
    image = stage.world.add_image("localhost/a:1")
    stage.world.add_volume("data")
    name = {"image": "localhost/a:1", "volume": "data"}[kind]
    unaware, _ = part.prepare(f"{kind}.remove", name)
    known.append(Claims(images={image.id: "a rollback of web needs it"}, volumes={"data": "the stack declares it"}))
    assert "would be missed since this was approved" in part.recheck(unaware)
    assert not (await part.run("k", unaware)).ok
    aware, evidence = part.prepare(f"{kind}.remove", name)
    assert known[-1].images[image.id] in evidence.effect or known[-1].volumes["data"] in evidence.effect
    assert (part.recheck(aware), part.probe("k", aware)[0]) == ("", Fate.NOT_DONE)
    assert (await part.run("k", aware)).ok
