"""What the task service and the proposing agent need from the rooms below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.approvals.port import Person
from aistack_backend.engine.marks import Open
from aistack_backend.inference.models import Rank, Turn
from aistack_backend.wire.actions import Approval, DecideRequest
from aistack_backend.wire.containers import Fleet
from aistack_backend.wire.models import ModelStatus


class Asker(Protocol):
    """Who asks for something, as the audit names it: a person, or one of our roles."""

    @property
    def actor(self) -> str:
        """``operator:ann``, ``role:ralph-wiggum``."""
        ...

    @property
    def via(self) -> str:
        """The way that it came."""
        ...


class Prepare(Protocol):
    """Turns words into a complete, pinned action."""

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Resolve the names, pin the objects, measure the effect.

        Raises:
            NotFound, BadInput, Unavailable: one sentence for the person.
        """
        ...


class Choose(Protocol):
    """A model that answers within a schema."""

    def status(self) -> ModelStatus:
        """Return which model answers, if any."""
        ...

    async def choose(self, messages: Sequence[Turn], schema: str, max_tokens: int, *, rank: Rank = Rank.AGENT) -> str:
        """Return JSON that satisfies ``schema`` (the subset of :mod:`aistack_backend.inference.grammar`).

        Raises:
            Unavailable: no model can answer now.
            BadInput: the prompt is too long, or the schema is outside the subset.
        """
        ...


class Ships(Protocol):
    """The containers that exist now."""

    def fleet(self) -> Fleet:
        """Return the newest measured list."""
        ...


class Desk(Protocol):
    """The gate, as far as asking and deciding go."""

    def request(
        self, connection: Connection, action: Action, evidence: Evidence, *, task_id: int, via: str
    ) -> Approval:
        """Judge and store a request in the caller's transaction."""
        ...

    def preview(self, action: Action, evidence: Evidence) -> Approval:
        """Judge without storing."""
        ...

    def decide(self, approval_id: int, request: DecideRequest, person: Person, /) -> Approval:
        """Decide once."""
        ...


class Halt(Protocol):
    """Stops what a task runs, for good or in between."""

    def cancel(self, task_id: int, why: str) -> None:
        """Stop the running effect of a task; ``why`` is a sentence naming who."""
        ...

    def pausable(self, kind: str) -> bool:
        """Whether what runs of this kind can stop in between."""
        ...

    def pause(self, task_id: int, why: str) -> None:
        """Have the running effect of a task stop in between; ``why`` is a sentence naming who."""
        ...

    def resume(self, connection: Connection, task_id: int, left: Open) -> None:
        """Take a paused effect up again, in the caller's transaction."""
        ...
