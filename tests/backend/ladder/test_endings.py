"""How a container ended: what Podman's events do not tell of a stop, its inspect of version 5 does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from aistack_backend.clock import SystemClock
from aistack_backend.containers.ladder.endings import Ending, Endings
from aistack_backend.containers.ladder.kernel import KernelLog
from aistack_backend.containers.memory import MemoryPodman


@pytest.fixture
def podman() -> Iterator[MemoryPodman]:
    made = MemoryPodman(tick=0.02)
    yield made
    made.close()


def ended(podman: MemoryPodman, ident: str, state: object) -> Ending:
    """Its end, when Podman's inspect has this for its state."""
    podman.wait(ident, 10)
    found = replace(podman.inspect(ident), document={"State": state})
    ending = Endings(podman, SystemClock(), KernelLog()).of(found)
    assert ending is not None
    return ending


@pytest.mark.parametrize(
    ("state", "requested"),
    [({"StoppedByUser": True}, True), ({"StoppedByUser": False}, False), ({}, False), (None, False)],
)
def test_a_stop_without_an_event_is_believed_of_inspect(podman: MemoryPodman, state: object, requested: bool) -> None:
    ident = podman.world.add("web", ("sh", "-c", "exit 3"))
    assert ended(podman, ident, state).requested is requested


def test_a_kill_is_no_stop_though_podman_5_says_so_of_both(podman: MemoryPodman) -> None:
    ident = podman.world.add("web", ("sleep", "1000"))
    podman.kill(ident)
    ending = ended(podman, ident, {"StoppedByUser": True})
    assert (ending.requested, ending.killed) == (False, True)
