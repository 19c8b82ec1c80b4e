"""Tasks: what was asked, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word


class TaskState(Word):
    """Where a task stands; EXHAUSTED is never shown as DONE."""

    SUBMITTED = "submitted"
    PLANNING = "planning"
    AWAITING = "awaiting approval"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    EXHAUSTED = "exhausted"
    FAILED = "failed"
    STOPPED = "stopped"
    DENIED = "denied"
    UNSURE = "unsure"
    """It may have run: its effect began and its outcome could not be found; a person must look."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task with its latest approval and outcome."""

    id: int
    goal: str
    requester: str
    via: str = ""
    state: TaskState
    reason: str = ""
    """Why it is in this state, in one sentence."""
    created_at: float
    updated_at: float
    approval_id: int | None = None
    action_title: str = ""
    result: str = ""
    """What the action gave back, cut at 16 kB."""
    planner: str = ""
    """Who proposed the action: ``model NAME``, ``rules``, or empty for a direct request."""
    parent_id: int | None = None
    """The task that started it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskList:
    """The newest tasks, newest first."""

    tasks: tuple[Task, ...] = ()
