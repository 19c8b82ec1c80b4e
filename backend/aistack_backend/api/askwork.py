"""The wiring of asking the stack: what a chat may read of this backend, and the way of its proposals."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

from aistack_backend.api.parts import Parts
from aistack_backend.api.stackwork import StackParts
from aistack_backend.containers.service import Containers
from aistack_backend.inference.answering import Speaks
from aistack_backend.inference.personas import Personas
from aistack_backend.inference.talk import Talk
from aistack_backend.learning.chatted import Chatted
from aistack_backend.learning.telemetry import Telemetry
from aistack_backend.orchestration.agent import Agent
from aistack_backend.orchestration.ask.reader import Reader
from aistack_backend.orchestration.ask.service import AskTheStack
from aistack_backend.orchestration.routing.classes import classify
from aistack_backend.orchestration.routing.documents import Documents
from aistack_backend.orchestration.tasks import Tasks
from aistack_backend.store.database import Database
from aistack_backend.wire.actions import ApprovalList
from aistack_backend.wire.containers import Activity, UsageTable
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.models import ModelStatus
from aistack_backend.wire.stack import Stack
from aistack_backend.wire.status import DoctorReport
from aistack_backend.wire.tasks import Task, TaskList


class Seen:
    """What is measured here, as the chat reads it; see ``orchestration.ask.port.Sights``."""

    def __init__(self, parts: Parts, stack: StackParts, tasks: Tasks) -> None:
        self._parts, self._stack, self._tasks = parts, stack, tasks

    def stack(self) -> Stack | None:
        """Return the newest ladders."""
        found: Stack | None = self._parts.bus.latest(Topic.STACK)
        return found

    def check(self, services: tuple[str, ...]) -> Stack:
        """Climb ladders now."""
        return self._stack.watch.check(services)

    def host(self) -> HostSample | None:
        """Return the newest sample."""
        found: HostSample | None = self._parts.bus.latest(Topic.HOST)
        return found

    def usage(self) -> UsageTable | None:
        """Return the newest sample of all containers."""
        found: UsageTable | None = self._parts.bus.latest(Topic.USAGE)
        return found

    def model(self) -> ModelStatus | None:
        """Return what the model said last."""
        found: ModelStatus | None = self._parts.bus.latest(Topic.MODEL)
        return found

    def approvals(self) -> ApprovalList:
        """Return the queue."""
        return self._parts.approvals.get().list()

    def tasks(self) -> TaskList:
        """Return the newest tasks."""
        return self._tasks.list()

    def task(self, task_id: int) -> Task:
        """Return one task."""
        return self._tasks.get(task_id)

    def events(self, about: str, most: int) -> Sequence[Activity]:
        """Return what the recorder wrote down last."""
        return self._parts.recorder.get().events(about, most)

    async def doctor(self) -> DoctorReport:
        """Make the checks."""
        return await self._parts.doctor.get().report()


async def chats(parts: Parts, downs: AsyncExitStack, database: Database, model: Speaks) -> None:
    """Have chats over ``model``; without one that answers they look up by rules."""
    talk = Talk(model, database, parts.clock, Personas(parts.settings.config.personas))
    talk.notes = chatted(parts, database)
    downs.push_async_callback(talk.stop)
    await talk.start()
    parts.talk.part = talk


def build(parts: Parts, *, tasks: Tasks, stack: StackParts, boats: Containers, agent: Agent) -> AskTheStack:
    """Wire it; nothing is read yet."""
    papers = Documents(lambda: parts.knowledge.get().search, lambda: parts.knowledge.get().base)
    reader = Reader(Seen(parts, stack, tasks), boats, parts.audit.get().redactor.text, papers)
    return AskTheStack(reader=reader, agent=agent, tasks=tasks, model=parts.inference.part, now=parts.clock.now)


def chatted(parts: Parts, database: Database) -> Chatted:
    """Return who keeps answers of chats as interactions."""
    telemetry = Telemetry(database, parts.clock, parts.audit.get().redactor)
    return Chatted(telemetry, lambda question: classify(question)[0])
