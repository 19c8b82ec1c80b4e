"""Up and down on a real Podman: order, gates, failures, cancel, what is made again and what stays."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from tests.backend.stack.yard import Yard, at, row
from tests.bed.boxes import podman
from tests.stack.small import chain, service

from aistack_backend.containers.stack import gates
from aistack_backend.wire.boot import BootState, Stage, StepKind

pytestmark = [pytest.mark.podman, pytest.mark.timeout(120)]


def volume_id(yard: Yard) -> str:
    """What the service with data wrote into its volume when that was new."""
    return podman("exec", f"{yard.project}-db", "cat", "/data/id")


def began(yard: Yard, name: str) -> str:
    """When Podman started a container."""
    return str(json.loads(podman("container", "inspect", f"{yard.project}-{name}"))[0]["State"]["StartedAt"])


def test_up_again_change_and_down(yard: Yard) -> None:
    text, rest = chain(yard.project)
    yard.write(text, rest)
    boot = yard.up()
    assert boot.state is BootState.DONE, boot
    for first, then in (("db", "api"), ("api", "web"), ("cache", "jobs")):
        assert at(boot, first, Stage.LISTENING) <= at(boot, first, Stage.READY) <= at(boot, then, Stage.CREATED)
        assert began(yard, first) < began(yard, then)
    secret = podman("exec", f"{yard.project}-db", "cat", "/run/secrets/key")
    assert len(secret) == 32
    assert secret not in podman("container", "inspect", f"{yard.project}-db")
    assert secret not in repr(yard.boots)
    before, data = yard.names(), volume_id(yard)

    assert {one.stage for one in yard.up().rows} == {Stage.UNCHANGED}
    assert yard.names() == before

    yard.write(text.replace("db: {image", "db: {environment: {A: b}, image"), rest)
    boot = yard.up()
    assert {one.service for one in boot.rows if one.step is StepKind.RECREATE} == {"db"}
    assert {key for key, ident in yard.names().items() if ident != before[key]} == {"db"}
    assert volume_id(yard) == data
    assert podman("exec", f"{yard.project}-db", "cat", "/run/secrets/key") == secret

    assert yard.do("stack.down").ok
    assert yard.names() == {}
    assert f"{yard.project}-data" in {one.name for one in yard.podman.volumes()}
    assert f"{yard.project}-key" in {one.name for one in yard.provisioner.secrets()}
    yard.up("db")
    assert volume_id(yard) == data


def test_what_runs_and_does_not_listen_is_not_ready(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "LEAST", 3.0)
    dead = service("dead", yard.project, act="echo cannot bind; exec sleep 1000")
    yard.write(dead + service("user", yard.project, after="dead") + service("other", yard.project))
    boot = yard.up()
    assert boot.state is BootState.FAILED
    assert "nothing listens on 8000" in row(boot, "dead").detail
    assert row(boot, "dead").log_tail == ("cannot bind",)
    assert (row(boot, "user").stage, row(boot, "other").stage) == (Stage.FAILED, Stage.READY)
    assert set(yard.names()) == {"dead", "other"}


def test_a_service_that_ends_tells_its_last_lines(yard: Yard) -> None:
    yard.write(service("a", yard.project, act="echo the table is missing; exit 7"))
    boot = yard.up()
    assert "exit code 7" in row(boot, "a").detail
    assert row(boot, "a").log_tail == ("the table is missing",)
    assert boot.ended_at is not None
    assert boot.ended_at - boot.began_at < 20, "it is not waited for once it is dead"


def test_a_health_command_that_always_passes_opens_no_port(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "LEAST", 3.0)
    health = "healthcheck: {test: ['CMD', 'true']}, "
    yard.write(service("liar", yard.project, more=health, act="exec sleep 1000"))
    boot = yard.up()
    assert boot.state is BootState.FAILED
    assert "nothing listens" in row(boot, "liar").detail


def test_stopped_in_the_middle(yard: Yard) -> None:
    text, rest = chain(yard.project)
    yard.write(text.replace("sleep 0.5; exec httpd -f -p 8000", "exec sleep 1000", 1), rest)  # db never listens
    action = yard.ask()
    yard.when = lambda boot: row(boot, "db").stage is Stage.RUNNING and row(boot, "side").stage is Stage.READY

    async def stopped() -> float:
        running = asyncio.ensure_future(yard.tool.run("key", action))
        assert await asyncio.to_thread(yard.told.wait, 60)
        running.cancel()
        asked = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await running
        return time.monotonic() - asked

    assert asyncio.run(stopped()) < 5
    boot = yard.boots[-1]
    assert boot.state is BootState.CANCELLED
    assert row(boot, "db").detail == "left running"
    assert row(boot, "web").detail == "not begun"
    assert set(yard.names()) >= {"db", "cache", "side"}
    assert not {"api", "web"} & set(yard.names())
    yard.write(text, rest)
    assert yard.up().state is BootState.DONE


def test_parallel_is_faster_than_one_after_the_other(yard: Yard) -> None:
    text, rest = chain(yard.project, seconds=2)
    yard.write(text, rest)
    began_at = time.monotonic()
    assert yard.up().state is BootState.DONE
    together = time.monotonic() - began_at
    yard.do("stack.down")
    began_at = time.monotonic()
    for name in ("db", "cache", "api", "jobs", "web", "side"):
        assert yard.up(name).state is BootState.DONE
    apart = time.monotonic() - began_at
    print(f"\nup of six: {together:.1f} s together, {apart:.1f} s one after the other: {together / apart:.2f}")
    assert together < 0.8 * apart
