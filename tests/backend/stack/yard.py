"""A stack on the in-memory Podman: planner, applier, history and tool, wired as the backend wires them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

from aistack_backend.approvals.action import Action
from aistack_backend.clock import SystemClock
from aistack_backend.containers.ladder.climber import Climber
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.provision_memory import MemoryProvisioner
from aistack_backend.containers.stack.apply import Applier
from aistack_backend.containers.stack.history import History
from aistack_backend.containers.stack.plan import Planned
from aistack_backend.containers.stack.prepare import StackPreparer
from aistack_backend.containers.stack.source import ManifestSource
from aistack_backend.containers.stack.tool import Planner, StackTool
from aistack_backend.engine.tools import Outcome
from aistack_backend.store.database import Database
from aistack_backend.wire.boot import Boot, BootRow, Stage

IMAGE = "localhost/aistack-probe:1"
GOOD = "healthcheck: {test: ['CMD', 'true']}"
BAD = "healthcheck: {test: ['CMD', 'false']}"


class Yard:
    """One stack of the Compose file that ``write`` wrote; in memory unless it is given a Podman."""

    def __init__(
        self, folder: Path, project: str = "yard", podman: Podman | None = None, provisioner: Provisioner | None = None
    ) -> None:
        self.file = folder / "stack.yml"
        self.project = project
        self.memory = MemoryPodman(tick=0.05)
        self.podman = podman or self.memory
        self.provisioner = provisioner or MemoryProvisioner(self.memory)
        self.database = Database(f"sqlite:///{folder}/aistack.db")
        self.history = History(self.database, SystemClock())
        self.source = ManifestSource([self.file], {})
        self.planner = Planner(self.source, self.podman, self.provisioner)
        self.boots: list[Boot] = []
        self.told = threading.Event()
        self.when: Callable[[Boot], bool] = lambda _: False
        clock = SystemClock()
        climber = Climber(self.podman, self.provisioner, clock)
        self.applier = Applier(self.podman, self.provisioner, climber, self.history, clock, self._hear)
        self.tool = StackTool(self.planner, self.applier)
        self.preparer = StackPreparer(self.planner)

    def _hear(self, boot: Boot) -> None:
        self.boots.append(boot)
        if self.when(boot):
            self.told.set()

    def write(self, services: str, rest: str = "") -> None:
        """Have a Compose file with these services."""
        body = "".join(f"  {line}\n" for line in dedent(services).strip().splitlines())
        self.file.write_text(f"name: {self.project}\nservices:\n{body}{dedent(rest)}")

    def plan(self, kind: str = "stack.up", goal: str = "") -> Planned:
        """Plan now."""
        return self.planner.make(kind, goal)[1]

    def ask(self, kind: str = "stack.up", goal: str = "") -> Action:
        """Return the action that a person would confirm."""
        return self.preparer.prepare(kind, goal, task_id=len(self.boots) + 1)[0]

    def do(self, kind: str = "stack.up", goal: str = "") -> Outcome:
        """Prepare and run."""
        return asyncio.run(self.tool.run(f"{len(self.boots) + 1}:1:a1:1", self.ask(kind, goal)))

    def up(self, goal: str = "") -> Boot:
        """Bring up, and return how the boot ended."""
        self.do("stack.up", goal)
        return self.boots[-1]

    def names(self) -> dict[str, str]:
        """Ids of the containers that exist, by service."""
        found = [one for one in self.podman.list() if one.labels.get("io.aistack.stack") == self.project]
        return {one.labels["io.aistack.service"]: one.id for one in found}

    def close(self) -> None:
        """End what runs."""
        self.podman.close()
        self.database.close()


def row(boot: Boot, service: str) -> BootRow:
    """Return one service's row."""
    return next(one for one in boot.rows if one.service == service)


def at(boot: Boot, service: str, stage: Stage) -> float:
    """When a service reached a stage."""
    return next(mark.at for mark in row(boot, service).marks if mark.stage is stage)
