"""Boots on the in-memory Podman: order, gates, failures, cancel, what is taken up again, and what is kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.backend.stack.yard import BAD, GOOD, IMAGE, Yard, at, row

from aistack_backend.containers.aside import Breaker
from aistack_backend.containers.failures import PodmanSays
from aistack_backend.containers.models import Image
from aistack_backend.containers.provision_memory import MemoryProvisioner
from aistack_backend.containers.stack import gates
from aistack_backend.containers.stack.spec import spec
from aistack_backend.engine.tools import Nature
from aistack_backend.errors import BackendError
from aistack_backend.wire.boot import Boot, BootState, Stage, StepKind

CHAIN = f"""
db: {{image: '{IMAGE}', {GOOD}, volumes: ['data:/data']}}
api: {{image: '{IMAGE}', {GOOD}, depends_on: {{db: {{condition: service_healthy}}}}}}
web: {{image: '{IMAGE}', {GOOD}, depends_on: {{api: {{condition: service_healthy}}}}}}
side: {{image: '{IMAGE}', {GOOD}}}
"""
REST = "volumes: {data: {name: yard-data}}\n"


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    monkeypatch.setattr(gates, "LEAST", 1.0)
    made = Yard(tmp_path)
    made.write(CHAIN, REST)
    yield made
    made.close()


def test_each_comes_after_what_it_needs_is_ready(yard: Yard) -> None:
    boot = yard.up()
    assert boot.state is BootState.DONE
    assert {one.stage for one in boot.rows} == {Stage.READY}
    assert at(boot, "db", Stage.READY) <= at(boot, "api", Stage.CREATED)
    assert at(boot, "api", Stage.READY) <= at(boot, "web", Stage.CREATED)
    assert at(boot, "side", Stage.CREATED) < at(boot, "web", Stage.CREATED)
    assert boot.slowest == ("db", "api", "web")
    assert boot.ended_at is not None
    assert [one.id for one in yard.boots] == [boot.id] * len(yard.boots)
    waiting = next(one for one in yard.boots if row(one, "db").stage is not Stage.READY)
    assert row(waiting, "web").waits_for == ("api",)


def test_a_second_up_does_nothing(yard: Yard) -> None:
    yard.up()
    before = yard.names()
    again = yard.up()
    assert {one.stage for one in again.rows} == {Stage.UNCHANGED}
    assert {one.step for one in again.rows} == {StepKind.KEEP}
    assert yard.names() == before


def test_the_median_of_past_boots_is_expected(yard: Yard) -> None:
    yard.up()
    yard.do("stack.down")
    first = len(yard.boots)
    yard.up()
    assert row(yard.boots[first], "db").expected is not None
    assert yard.boots[first + 1].eta is not None
    assert len(yard.history.boots()) == 3
    assert yard.history.boots()[0].ended_at is not None


def test_a_service_that_fails_stops_only_those_that_need_it(yard: Yard) -> None:
    command = "command: ['sh', '-c', 'echo no such table; sleep 1000']"
    yard.write(CHAIN.replace(f"api: {{image: '{IMAGE}', {GOOD}", f"api: {{image: '{IMAGE}', {BAD}, {command}"), REST)
    outcome = yard.do()
    boot = yard.boots[-1]
    assert boot.state is BootState.FAILED
    assert not outcome.ok
    assert {one.service: one.stage for one in boot.rows} == {
        "db": Stage.READY,
        "api": Stage.FAILED,
        "web": Stage.FAILED,
        "side": Stage.READY,
    }
    assert row(boot, "api").log_tail == ("no such table",)
    assert row(boot, "web").detail == "It needs api, which did not get ready."
    assert "web" not in yard.names()
    assert boot.detail == "2 of 4 failed: api, web."
    assert yard.history.good() is None


def test_a_service_that_ends_after_it_was_ready_is_found_out(yard: Yard) -> None:
    yard.write(f"a: {{image: '{IMAGE}', {GOOD}, command: ['sh', '-c', 'exit 3']}}")

    def ended(boot: Boot) -> bool:
        return row(boot, "a").stage is Stage.READY and yard.podman.wait(yard.names()["a"], 10) != 3

    yard.when = ended  # the boot goes on when its news were heard
    boot = yard.up()
    assert (boot.state, row(boot, "a").stage) == (BootState.FAILED, Stage.FAILED)
    assert "3" in row(boot, "a").detail


def test_a_health_command_that_never_passes_is_no_ready(yard: Yard) -> None:
    yard.write(f"db: {{image: '{IMAGE}', {BAD}}}")
    boot = yard.up()
    assert boot.state is BootState.FAILED
    assert "not ready within 1 s" in row(boot, "db").detail
    assert "health command" in row(boot, "db").detail
    assert "db" in yard.names(), "it stays, to be looked at"


def test_a_service_that_declares_nothing_and_dies_at_once_is_no_ready(yard: Yard) -> None:
    yard.write(f"a: {{image: '{IMAGE}', command: ['sh', '-c', 'sleep 0.3; exit 1']}}")
    assert yard.up().state is BootState.FAILED


def test_a_service_that_runs_once(yard: Yard) -> None:
    yard.write(
        f"init: {{image: '{IMAGE}', command: ['sh', '-c', 'sleep 0.2; echo made']}}\n"
        f"app: {{image: '{IMAGE}', {GOOD}, depends_on: {{init: {{condition: service_completed_successfully}}}}}}"
    )
    assert yard.up().state is BootState.DONE
    again = yard.up()
    assert {one.step for one in again.rows} == {StepKind.KEEP}
    yard.write(yard.file.read_text().partition("services:\n")[2].replace("echo made", "exit 4"))
    boot = yard.up()
    assert row(boot, "init").detail == "It ended with exit code 4."
    assert row(boot, "app").stage is Stage.UNCHANGED, "it runs and was not touched"


def test_only_what_changed_is_made_again(yard: Yard) -> None:
    yard.up()
    before = yard.names()
    yard.write(CHAIN.replace("api: {image", "api: {environment: {A: b}, image"), REST)
    boot = yard.up()
    assert {one.service for one in boot.rows if one.step is StepKind.RECREATE} == {"api"}
    assert {key for key, ident in yard.names().items() if before[key] != ident} == {"api"}
    assert boot.state is BootState.DONE


def test_down_takes_what_needs_others_first_and_keeps_volumes(yard: Yard) -> None:
    yard.up()
    assert yard.do("stack.down").ok
    boot = yard.boots[-1]
    assert at(boot, "web", Stage.STOPPED) <= at(boot, "api", Stage.STOPPED) <= at(boot, "db", Stage.STOPPED)
    assert yard.names() == {}
    assert "yard-data" in {one.name for one in yard.podman.volumes()}
    with pytest.raises(BackendError, match="nothing to do"):
        yard.ask("stack.down")


def cancelled(yard: Yard, action: object, when: Callable[[Boot], bool]) -> Boot:
    """Run, cancel as soon as the boot looks so, and return how it ended."""
    yard.when = when

    async def run() -> None:
        running = asyncio.ensure_future(yard.tool.run("key", action))  # type: ignore[arg-type]
        await asyncio.to_thread(yard.told.wait, 10)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(run())
    return yard.boots[-1]


def test_a_boot_that_is_stopped_says_what_it_left(yard: Yard) -> None:
    yard.write(CHAIN.replace(f"api: {{image: '{IMAGE}', {GOOD}", f"api: {{image: '{IMAGE}', {BAD}"), REST)
    boot = cancelled(yard, yard.ask(), lambda one: row(one, "api").stage is Stage.RUNNING)
    assert boot.state is BootState.CANCELLED
    assert row(boot, "db").stage is Stage.READY
    assert (row(boot, "api").stage, row(boot, "api").detail) == (Stage.CANCELLED, "left running")
    assert (row(boot, "web").stage, row(boot, "web").detail) == (Stage.CANCELLED, "not begun")
    assert set(yard.names()) == {"db", "api", "side"}
    assert yard.history.boots()[0].state is BootState.CANCELLED
    yard.write(CHAIN, REST)
    assert yard.up().state is BootState.DONE


class SlowRegistry(MemoryProvisioner):
    """A registry that sends nothing until it is hung up on."""

    def pull(self, ref: str, progress: Callable[[str], None], breaker: Breaker | None = None) -> Image:
        gone = threading.Event()
        assert breaker is not None
        breaker.guard(gone.set)
        progress("Trying to pull")
        assert gone.wait(20), "nobody hung up"
        return super().pull(ref, progress)


def test_a_pull_is_hung_up_on_when_its_boot_is_stopped(yard: Yard) -> None:
    yard.write("a: {image: 'example.org/big:1'}")
    slow = SlowRegistry(yard.memory)
    yard.applier._provisioner = slow
    boot = cancelled(yard, yard.ask(), lambda one: row(one, "a").detail == "Trying to pull")
    assert row(boot, "a").stage is Stage.CANCELLED
    assert yard.names() == {}


def test_what_an_earlier_life_began_is_taken_up(yard: Yard) -> None:
    """The same approved action runs again after the backend was killed in the middle of it."""
    action = yard.ask()
    half = yard.ask("stack.up", "api")
    asyncio.run(yard.tool.run("key", half))
    before = yard.names()
    assert yard.tool.nature(action) is Nature.IDEMPOTENT
    assert asyncio.run(yard.tool.run("key", action)).ok
    assert {key: yard.names()[key] for key in before} == before


def test_a_recreate_that_was_interrupted_does_no_service_twice(yard: Yard) -> None:
    yard.up()
    first = yard.names()
    action = yard.ask("stack.recreate")
    assert yard.tool.nature(action) is Nature.IDEMPOTENT
    yard.podman.remove(first["web"], force=True)  # where the kill hit it: removed, not made yet
    asyncio.run(yard.tool.run("key", yard.ask("stack.recreate", "db")))
    middle = yard.names()
    assert middle["db"] != first["db"]
    assert asyncio.run(yard.tool.run("key", action)).ok
    last = yard.names()
    assert last["db"] == middle["db"]
    assert {key for key in first if last[key] == first[key]} == set()


def test_what_changed_since_the_approval_is_not_done(yard: Yard) -> None:
    action = yard.ask()
    assert yard.tool.recheck(action) == ""
    yard.write(CHAIN.replace("api: {image", "api: {environment: {A: b}, image"), REST)
    assert "api is not what was approved" in yard.tool.recheck(action)
    with pytest.raises(BackendError, match="api changed since"):
        asyncio.run(yard.tool.run("key", action))
    assert yard.names() == {}


def test_the_last_good_set(yard: Yard) -> None:
    yard.up()
    good = yard.history.good()
    assert good is not None
    assert set(good.services) == {"db", "api", "web", "side"}
    assert good.services["db"].image_id == yard.podman.image(IMAGE).id
    assert good.files[str(yard.file)] == yard.file.read_text()
    yard.write(f"db: {{image: '{IMAGE}', {BAD}}}")
    yard.up()
    assert yard.history.good() == good, "a failed boot is not good"


def test_one_boot_at_a_time(yard: Yard) -> None:
    """The second plans when the first has ended: it finds what that one made."""
    actions = [yard.ask("stack.up", "db"), yard.ask("stack.up", "side")]

    async def both() -> None:
        outcomes = await asyncio.gather(*(yard.tool.run("key", one) for one in (actions[0], actions[0], actions[1])))
        assert all(one.ok for one in outcomes), outcomes

    asyncio.run(both())
    assert set(yard.names()) == {"db", "side"}


def test_what_breaks_in_one_service_ends_the_boot_truthfully(yard: Yard) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("a surprise")

    yard.applier._provisioner.create_service = broken  # type: ignore[method-assign]
    boot = yard.up()
    assert boot.state is BootState.FAILED
    assert row(boot, "db").detail == "It broke: RuntimeError: a surprise"


def test_what_podman_made_for_a_killed_backend_is_used(yard: Yard) -> None:
    """A create call that outlived the backend which made it: the container appears after the new one has planned."""
    manifest, planned = yard.planner.make("stack.up", "side")
    made = yard.provisioner.create_service(spec(manifest, manifest.services["side"], planned.steps[0].image_id))
    boot = asyncio.run(yard.applier.run(manifest, planned, 9))
    assert boot.state is BootState.DONE
    assert yard.names() == {"side": made}
    yard.do("stack.down")
    other = replace(manifest.services["side"], environment=(("A", "b"),))
    yard.provisioner.create_service(spec(manifest, other, planned.steps[0].image_id))
    boot = asyncio.run(yard.applier.run(manifest, planned, 10))
    assert "in use" in row(boot, "side").detail


def test_what_podman_is_still_making_is_waited_for(yard: Yard) -> None:
    """The name is taken, and the container is in no list yet; when it is started already, that is no fault."""
    manifest, planned = yard.planner.make("stack.up", "side")
    wish = spec(manifest, manifest.services["side"], planned.steps[0].image_id)
    create, start = yard.provisioner.create_service, yard.podman.start

    def late(_: object) -> str:
        threading.Timer(0.5, lambda: start(create(wish))).start()
        raise PodmanSays("Podman refused to create the container: the name is already in use.")

    def started(ident: str) -> None:
        start(ident)
        raise PodmanSays("Podman refused to start it: container must be in Created or Stopped state to be started.")

    yard.provisioner.create_service, yard.podman.start = late, started  # type: ignore[method-assign]
    boot = asyncio.run(yard.applier.run(manifest, planned, 9))
    assert boot.state is BootState.DONE, boot
    assert set(yard.names()) == {"side"}
