"""Workflows and their runs: files of steps, and how far each step of a run is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aistack_backend.wire.base import Word
from aistack_backend.wire.tasks import Task


class StepState(Word):
    """Where a step of a run stands."""

    WAITING = "waiting"
    """For what it needs."""
    WORKING = "working"
    ASKING = "needs you"
    """Its task waits for a person's approval."""
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    DENIED = "denied"
    STOPPED = "stopped"
    UNSURE = "unsure"
    """It may have run; a person must look."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A value with its name, as text."""

    name: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowInput:
    """One input of a workflow."""

    name: str
    type: str
    """``text``, ``number``, ``flag`` or ``list``."""
    default: str = ""
    needed: bool = False
    about: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One step as the file says it, and of a run where it stands."""

    id: str
    what: str
    """``action container.restart``, ``ask``, ``read service`` …"""
    group: str = ""
    needs: tuple[str, ...] = ()
    state: StepState = StepState.WAITING
    why: str = ""
    """One sentence on why it is in this state."""
    text: str = ""
    """What came of it."""
    began_at: float | None = None
    ended_at: float | None = None
    task_id: int | None = None
    """The task that it asked for."""
    approval_id: int | None = None
    """Of that task, while it waits for a person."""
    kept_from: int | None = None
    """The run whose result this is; None = its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One workflow file."""

    name: str
    title: str = ""
    about: str = ""
    builtin: bool = True
    file: str = ""
    fault: str = ""
    """Why it cannot be run: the first fault of its file; empty = it can."""
    engines: tuple[str, ...] = ()
    inputs: tuple[FlowInput, ...] = ()
    steps: tuple[FlowStep, ...] = ()
    outputs: tuple[str, ...] = ()
    source: str = ""
    """The file's text; only in the detail of one workflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEngine:
    """Somebody who can be asked in a workflow."""

    name: str
    about: str
    ready: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowList:
    """Every workflow there is, built-in ones first, and who can be asked."""

    workflows: tuple[Workflow, ...] = ()
    engines: tuple[FlowEngine, ...] = ()
    folder: str = ""
    """Where files of your own go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCheck:
    """A file's text, to be checked."""

    text: str
    name: str = "workflow"
    """What the workflow would be called."""
    file: str = ""
    """What the faults call the file; empty = the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFault:
    """One fault of a file."""

    line: int
    """0 = of the whole file."""
    text: str
    """One sentence that begins with file, line and key."""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowVerdict:
    """What the check of a file found; no faults = it can be run."""

    faults: tuple[FlowFault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRequest:
    """Ask for a run."""

    workflow: str
    inputs: dict[str, Any] = field(default_factory=dict)
    """Texts, numbers, true and false, lists of texts; a text is read as what the input is."""
    engines: tuple[str, ...] = ()
    """Who is asked where the file names nobody; empty = as the file says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunRequest:
    """Run a run again from one step on."""

    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRun:
    """One run: its task has its number, its state and, at its end, its result."""

    task: Task
    workflow: str
    engines: tuple[str, ...] = ()
    inputs: tuple[Named, ...] = ()
    outputs: tuple[Named, ...] = ()
    """Once it has ended."""
    steps: tuple[FlowStep, ...] = ()
    """In the file's order."""
    rerun_of: int | None = None
    from_step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRunList:
    """The newest runs, newest first, without what came of their steps."""

    runs: tuple[FlowRun, ...] = ()
