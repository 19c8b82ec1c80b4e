"""The port of everything that can act on the world."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from aistack_backend.approvals.action import Action


class Nature(StrEnum):
    """What a repeat of the same call would do."""

    PURE = "pure"
    """Nothing changes: run again freely."""
    IDEMPOTENT = "idempotent"
    """The same end state: run again freely."""
    EFFECT = "effect"
    """A repeat would do it twice: probe first."""


class Fate(StrEnum):
    """What a probe found out about an effect that began and was not seen to end."""

    DONE = "done"
    NOT_DONE = "not done"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an action."""

    ok: bool
    text: str
    """One sentence or the output, at most 16 kB."""
    exhausted: bool = False
    """Not ok because a limit was reached: neither done nor failed."""


class Paused(Exception):
    """Raised by ``run`` after ``pause``: what it had started is gone, and ``run`` can take it up again."""


class Tool(Protocol):
    """Runs the actions of some kinds. All methods but ``run`` are quick; none of them asks a person."""

    kinds: frozenset[str]

    def nature(self, action: Action) -> Nature:
        """Say what a repeat would do."""
        ...

    def recheck(self, action: Action) -> str:
        """Return "" when every pinned precondition still holds, else one sentence why not.

        Called inside the transaction that marks the approval used (R1.3): it must be quick.
        """
        ...

    async def run(self, key: str, action: Action) -> Outcome:
        """Do it. ``key`` is handed to the outside where it takes one. Cancelling the coroutine stops the
        effect, with its children and containers, before CancelledError leaves this call."""
        ...

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Find out what became of an earlier ``run`` of this key."""
        ...


@runtime_checkable
class Pausable(Protocol):
    """A tool whose ``run`` can stop in between and be taken up again by another ``run`` of the same key."""

    def pause(self, key: str) -> None:
        """Have the running ``run`` of this key, or the next one, stop its children and containers and raise
        ``Paused``, within three seconds; from any thread."""
        ...


class Registry:
    """Which tool runs which kind of action."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}
        self._anywhere: set[str] = set()

    def register(self, tool: Tool, *, anywhere: bool = False) -> None:
        """Add a tool for all its kinds; ``anywhere`` = it needs neither Podman nor anything else of the backend's
        machine, so that a worker process can run them as well.

        Raises:
            ValueError: another tool has one of its kinds already.
        """
        for kind in tool.kinds:
            if kind in self._tools:
                raise ValueError(f"Two tools want the action kind {kind}.")
            self._tools[kind] = tool
            if anywhere:
                self._anywhere.add(kind)

    def anywhere(self) -> tuple[str, ...]:
        """Return the kinds that any process with their tool can run, sorted."""
        return tuple(sorted(self._anywhere))

    def tool(self, kind: str) -> Tool | None:
        """Return the tool of a kind, or None."""
        return self._tools.get(kind)

    def pausable(self, kind: str) -> Pausable | None:
        """Return the tool of a kind when it can pause."""
        tool = self._tools.get(kind)
        return tool if isinstance(tool, Pausable) else None

    def kinds(self) -> tuple[str, ...]:
        """Return every kind that can be run, sorted."""
        return tuple(sorted(self._tools))
