"""What asking the stack needs: sources that only read, and the one way to ask for an action."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from aistack_backend.orchestration.models import Proposal
from aistack_backend.orchestration.port import Asker
from aistack_backend.wire.actions import ApprovalList, GoalRequest
from aistack_backend.wire.containers import Activity, ContainerDetail, Fleet, LogBatch, UsageTable
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.models import ModelStatus
from aistack_backend.wire.stack import Stack
from aistack_backend.wire.status import DoctorReport
from aistack_backend.wire.tasks import Task, TaskList


class Sights(Protocol):
    """What is measured here. None = it was not measured yet. What blocks says so; call that from a thread."""

    def stack(self) -> Stack | None:
        """Return the newest ladders."""
        ...

    def check(self, services: tuple[str, ...]) -> Stack:
        """Climb the ladders of these services now; blocks.

        Raises:
            BackendError: the stack's file cannot be used, or there is no stack yet.
        """
        ...

    def host(self) -> HostSample | None:
        """Return the newest sample of the machine."""
        ...

    def usage(self) -> UsageTable | None:
        """Return what the containers use."""
        ...

    def model(self) -> ModelStatus | None:
        """Return where the local model stands."""
        ...

    def approvals(self) -> ApprovalList:
        """Return what waits and what was decided last; blocks."""
        ...

    def tasks(self) -> TaskList:
        """Return the newest tasks; blocks."""
        ...

    def task(self, task_id: int) -> Task:
        """Return one task; blocks. NotFound when there is none."""
        ...

    def events(self, about: str, most: int) -> Sequence[Activity]:
        """Return what happened last, with one container when ``about`` names it, newest first; blocks."""
        ...

    async def doctor(self) -> DoctorReport:
        """Make the doctor's checks now."""
        ...


class Ships(Protocol):
    """The containers, as far as reading goes."""

    def fleet(self) -> Fleet:
        """Return the newest measured list."""
        ...

    async def detail(self, ref: str) -> ContainerDetail:
        """Return one container in full. NotFound, BadInput, Unavailable as it is."""
        ...

    def logs(
        self, ref: str, *, tail: int = 100, since: float | None = None, follow: bool = False
    ) -> AsyncGenerator[LogBatch, None]:
        """Yield the last lines of a log. NotFound, BadInput, Unavailable as it is."""
        ...


class Propose(Protocol):
    """Reads a request by the rules; runs nothing."""

    async def propose(self, goal: str, planner: str = "auto") -> Proposal:
        """Return the action. BadInput, NotFound, Unavailable: it cannot be read; one sentence with a hint."""
        ...


class Submit(Protocol):
    """The way of every request in words: a task, and its action before the gate."""

    async def submit_goal(self, request: GoalRequest, asker: Asker) -> Task:
        """Ask; the proposal lands in the approvals, or the task says why not."""
        ...
