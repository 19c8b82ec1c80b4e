"""From a wish to an action, by whichever part knows its kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.containers.around import Around
from aistack_backend.errors import BadInput


class Part(Protocol):
    """Prepares the actions of some kinds."""

    kinds: frozenset[str]

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Resolve the names, pin the objects, measure the effect; changes nothing.

        Raises:
            NotFound, BadInput, Unavailable: one sentence for the person.
        """
        ...


class Preparers:
    """Hands each wish to the part that prepares its kind."""

    def __init__(self, *parts: Part, around: Around | None = None) -> None:
        """``around`` adds what is known around each action; None = nothing is added."""
        self._parts = {kind: part for part in parts for kind in part.kinds}
        self._around = around

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """See ``Part.prepare``.

        Raises:
            BadInput: no part knows the kind; the known ones are named.
        """
        part = self._parts.get(kind)
        if part is None:
            raise BadInput(f"There is no action {kind!r}.", f"Use one of {', '.join(sorted(self._parts))}.")
        action, evidence = part.prepare(kind, target, script, requester, task_id)
        if self._around is None:
            return action, evidence
        return action, replace(evidence, facts=(*evidence.facts, *self._around.facts(action)))
