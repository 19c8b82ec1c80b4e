"""The wiring of workflows: their files, who is asked, what is read, and the service."""

from __future__ import annotations

from pathlib import Path

from aistack_backend.api.parts import Parts
from aistack_backend.api.stackwork import StackParts
from aistack_backend.containers.service import Containers
from aistack_backend.engine.tools import Registry
from aistack_backend.orchestration.agent import Agent
from aistack_backend.orchestration.flows import library
from aistack_backend.orchestration.flows.engines import Engine, LocalModel
from aistack_backend.orchestration.flows.facts import Facts
from aistack_backend.orchestration.flows.questions import Questions
from aistack_backend.orchestration.flows.service import Flows
from aistack_backend.orchestration.readings import Reading
from aistack_backend.orchestration.tasks import Tasks
from aistack_backend.store.database import Database
from aistack_backend.wire.boot import Plan
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.stack import Stack
from aistack_backend.wire.storage import BackupList


class Seen:
    """What the read steps see of this backend; see ``facts.Sights``."""

    def __init__(self, parts: Parts, stack: StackParts) -> None:
        self._parts = parts
        self._stack = stack

    def check(self, services: tuple[str, ...]) -> Stack:
        """Climb the ladders now."""
        return self._stack.watch.check(services)

    def plan(self, goal: str) -> Plan:
        """Plan an up now."""
        return self._stack.planner.make("stack.up", goal)[1].wire()

    def host(self) -> HostSample | None:
        """Return the newest sample."""
        found: HostSample | None = self._parts.bus.latest(Topic.HOST)
        return found

    def backups(self) -> BackupList:
        """Return what lies on the shelf."""
        return self._stack.backups.shelf.list(None)


def build(
    parts: Parts,
    database: Database,
    *,
    registry: Registry,
    tasks: Tasks,
    stack: StackParts,
    boats: Containers,
    agent: Agent,
    readings: tuple[Reading, ...],
) -> Flows:
    """Wire it; nothing is read or taken up yet."""
    local = LocalModel(parts.inference.get)
    engines: dict[str, Engine] = {local.name: local}
    questions = Questions(engines, readings)
    redact = parts.audit.get().redactor.text
    facts = Facts(sights=Seen(parts, stack), containers=boats, agent=agent, questions=questions, redact=redact)
    custom = Path(parts.settings.config_file).parent / library.FOLDER
    files = library.Library(library.bundled(), custom, registry.kinds(), tuple(engines))
    return Flows(database, parts.clock, parts.bus, parts.audit.get(), tasks, files, facts)
