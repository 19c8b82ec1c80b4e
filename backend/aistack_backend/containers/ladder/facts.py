"""What a climb found out beside its rungs, for those who must tell a stop from a crash."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.containers import Container
from aistack_backend.wire.stack import Rung, RungName, RungState

RUNGS = (
    RungName.PRESENT,
    RungName.RUNNING,
    RungName.LISTENING,
    RungName.HEALTHY,
    RungName.READY,
    RungName.USEFUL,
)
"""Lowest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the last run of a container ended."""

    at: float | None
    code: int
    ran: float | None = None
    """Seconds from its start to its end."""
    requested: bool = False
    """Somebody asked Podman to stop it."""
    killed: bool = False
    """Somebody asked Podman to send it a signal."""
    out_of_memory: bool | None = False
    """The kernel killed it at its memory limit; None = nobody here can know."""
    last_line: str = ""
    """The last line that it wrote, shortened."""

    @property
    def crash(self) -> bool:
        """It ended, and nobody asked for that."""
        return not self.requested


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What Podman said of the container at the moment of a climb."""

    at: float
    known: bool = True
    """False: Podman did not answer, and the rest means nothing."""
    container: Container | None = None
    """None: there is none of that name."""
    run: str = ""
    """Names one run of the container (Podman's StartedAt)."""
    addresses: frozenset[str] = frozenset()
    """The container's own on its networks, as Podman told them."""
    ending: Ending | None = None
    """None while it runs and when it never ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The rungs of one climb, and the facts behind them."""

    rungs: tuple[Rung, ...]
    facts: Facts

    def state(self, name: RungName) -> RungState:
        """Return the state of one rung."""
        return next(rung.state for rung in self.rungs if rung.name is name)


def holds(rung: Rung) -> bool:
    """Tell whether the next rung may be measured: it passed, or there is nothing to check."""
    return rung.state in (RungState.PASS, RungState.NONE)
