"""The way to another machine's socket: what it promises, and one in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aistack_backend.containers.failures import PodmanDown
from aistack_backend.containers.hosts.ssh import Said
from aistack_backend.wire.hosts import HostConfig
from aistack_backend.wire.sources import SourceState


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How a way is doing: OK = it is open; ``since`` in epoch seconds."""

    said: Said
    since: float
    blocked: Said | None = None
    """It is open and leads nowhere: why."""

    @property
    def open(self) -> bool:
        """Whether the socket here leads to the other machine."""
        return self.said.state is SourceState.OK


class Way(Protocol):
    """Keeps a socket here that leads to the other machine's."""

    @property
    def link(self) -> Link:
        """How it is doing now; never blocks."""
        ...

    def start(self, changed: Callable[[], None]) -> None:
        """Begin to keep it open; returns at once. ``changed`` is called, from a thread, when ``link`` is another."""
        ...

    def stop(self) -> None:
        """Close it for good; waits at most three seconds."""
        ...


class MemoryWay:
    """A way to a Podman in memory: open from its start until ``turn`` says otherwise."""

    def __init__(self) -> None:
        self.link = Link(said=Said(state=SourceState.CONNECTING, detail=""), since=0.0)
        self._changed: Callable[[], None] = lambda: None

    def start(self, changed: Callable[[], None]) -> None:
        """Open it."""
        self._changed = changed
        self.turn(Said(state=SourceState.OK, detail=""))

    def turn(self, said: Said, since: float = 0.0) -> None:
        """Be in another state from now on."""
        self.link = Link(said=said, since=since)
        self._changed()

    def stop(self) -> None:
        """Close it."""
        self._changed = lambda: None
        self.turn(Said(state=SourceState.ABSENT, detail="It is closed."))


class HostDown(PodmanDown):
    """Another machine's Podman cannot be used now; the sentence names the machine."""

    title = "Another machine's Podman does not answer"

    def __init__(self, said: Said, host: HostConfig) -> None:
        super().__init__(said.detail, said.state, host.address)
        self.hint = said.hint


def judged(host: HostConfig, link: Link, state: SourceState, detail: str, socket: str = "") -> Said:
    """Return how a machine is doing, of its way and of what Podman behind it was last seen to do (``state``,
    ``detail``); ``socket`` is the path here that no person knows by."""
    if not link.open:
        return link.said
    if state is SourceState.OK:
        return Said(state=state, detail=f"Podman answers on {host.address}.")
    if link.blocked is not None:
        return link.blocked
    if state in (SourceState.CONNECTING, SourceState.UNKNOWN, SourceState.ABSENT):
        return Said(state=SourceState.CONNECTING, detail=f"Podman on {host.name} is being reached.")
    if state is SourceState.HANGING:
        said = f"Podman on {host.name} does not answer in time."
        return Said(state=state, detail=said, hint="Look at the load of that machine and at the network to it.")
    told = detail.replace(socket, host.address) if socket else detail
    return Said(state=state, detail=told, hint=f"Look at Podman's service on {host.name}; it is tried again by itself.")
