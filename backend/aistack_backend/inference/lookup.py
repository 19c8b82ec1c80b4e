"""What the chat needs of somebody who can read the stack. It is declared here and implemented by a room above."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from aistack_backend.approvals.port import Person
from aistack_backend.wire.chat import Cite


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question about the stack."""

    text: str
    """The person's own message, and nothing else: only its words choose what is read, and only they can propose."""
    before: str = ""
    """What the person said before it: ``and its logs?`` speaks of that."""
    person: Person | None = None
    """Who asks; without one nothing is proposed."""
    first: int = 1
    """Number of the first cite."""
    room: int = 6_000
    """Characters that all cites may have together."""
    model: bool = True
    """A model answers now: it may choose what to read where the rules do not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One step of a look-up."""

    looking: str = ""
    """What is being read now."""
    cite: Cite | None = None
    """What was read."""
    says: str = ""
    """The same in plain words with its ``[number]``: the answer, where no model writes one."""
    task_id: int | None = None
    """The task that was asked for."""
    final: bool = False
    """What it says is the whole answer; a model has nothing to add."""


class Lookup(Protocol):
    """Reads the stack for a question; it changes nothing but that it may ask for an action, before the gate."""

    def look(self, asked: Asked) -> AsyncGenerator[Found, None]:
        """Read what the question is about; nothing when it is about nothing here. What cannot be read is a cite that
        says why."""
        ...

    async def attached(self, what: str, number: int, room: int) -> Cite:
        """Read one of ``service NAME``, ``logs NAME``, ``task ID``, at most ``room`` characters.

        Raises:
            BadInput: it is none of these. NotFound: there is none of that name. Unavailable: it cannot be read now.
        """
        ...

    def knows(self, text: str, wishes: bool) -> bool:
        """Say whether the rules know what to read for ``text``, or, with ``wishes``, what it asks to be done."""
        ...

    def can(self) -> str:
        """Return one sentence on what is looked up without a model."""
        ...
