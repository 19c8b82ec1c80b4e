"""A workflow as it was read from its file: every name in it is known, and no step waits for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aistack_backend.orchestration.flows.expressions import Node
from aistack_backend.orchestration.flows.templates import Template


class Kind(StrEnum):
    """What a step does."""

    ACTION = "action"
    """One action through the gate: a task of its own."""
    ASK = "ask"
    """A question to an engine."""
    READ = "read"
    """A look at what is measured; changes nothing."""
    WORKFLOW = "workflow"
    """Another workflow: a run of its own below this one."""
    PARALLEL = "parallel"
    """The steps in it, at the same time; its result is all of theirs."""


class After(StrEnum):
    """What a step that was denied or failed means for the run."""

    END = "end"
    """Nothing more begins."""
    SKIP = "skip"
    """The others go on; what needs this step is skipped, unless its own ``if`` says otherwise."""


KINDS_OF_INPUT: Mapping[str, type | tuple[type, ...]] = {
    "text": str,
    "number": (int, float),
    "flag": bool,
    "list": list,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDecl:
    """One input."""

    name: str
    kind: str = "text"
    default: Any = None
    """None = it must be given."""
    about: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDecl:
    """One step."""

    id: str
    kind: Kind
    what: Template
    """The action's kind, the prompt, what is read, or the workflow's name; empty for a group."""
    arguments: Mapping[str, Template] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    """What must have ended before: what ``needs`` names, and every step whose result is used."""
    when: Node | None = None
    on_denied: After = After.END
    on_failed: After = After.END
    group: str = ""
    """The group that it stands in."""
    members: tuple[str, ...] = ()
    """Of a group: its steps."""

    @property
    def title(self) -> str:
        """What it does, in a few words."""
        if self.kind is Kind.ASK:
            return f"ask {self.engine}".strip()
        if self.kind is Kind.PARALLEL:
            return f"{len(self.members)} at the same time"
        return f"{self.kind.value} {self.what.fixed or '…'}"

    @property
    def engine(self) -> str:
        """Of a question: the engine that the file names; empty = the run's."""
        named = self.arguments.get("engine")
        return named.fixed or "" if named else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowDecl:
    """One workflow."""

    name: str
    title: str = ""
    about: str = ""
    engines: tuple[str, ...] = ()
    """Who is asked where a step names nobody; the first one that can answer."""
    inputs: Mapping[str, InputDecl] = field(default_factory=dict)
    steps: Mapping[str, StepDecl] = field(default_factory=dict)
    """In the file's order, what a group holds before the group itself."""
    outputs: Mapping[str, Template] = field(default_factory=dict)

    def below(self, step: str) -> frozenset[str]:
        """Return the step and all that needs it, directly or not."""
        found = {step, *self.steps[step].members}
        while more := {one.id for one in self.steps.values() if one.id not in found and found & set(one.needs)}:
            found |= more
        return frozenset(found)
