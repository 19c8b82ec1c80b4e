"""Self-heal over the whole gate: in-memory Podman, real tasks, real engine, a clock that is set by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aistack_backend.approvals.policy import Policy
from aistack_backend.approvals.service import Approvals
from aistack_backend.audit.log import AuditLog
from aistack_backend.bus import Bus
from aistack_backend.clock import HandClock, SystemClock
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.prepare import Preparer
from aistack_backend.containers.service import Containers
from aistack_backend.containers.stack.models import Extra, HealDecl, Manifest, Needs, ServiceDecl
from aistack_backend.containers.tools import ContainerTool
from aistack_backend.engine.runtime import Engine
from aistack_backend.engine.tools import Registry
from aistack_backend.observe.heal.service import Healer
from aistack_backend.orchestration.agent import Agent
from aistack_backend.orchestration.tasks import Tasks
from aistack_backend.store.database import Database
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Provision, Service, ServiceState, Stack
from aistack_backend.wire.tasks import Task, TaskState

MANAGED = {"io.aistack.managed": "true"}


def manifest(heal: HealDecl | None = None) -> Manifest:
    """Two services, the second on the first."""
    extra = Extra(heal=heal or HealDecl())
    db = ServiceDecl(id="db", container="local-ai-db", image="x", extra=extra)
    api = ServiceDecl(id="api", container="local-ai-api", image="x", extra=extra, needs=(Needs(service="db"),))
    return Manifest(files=("stack.yml",), project="local-ai", services={"db": db, "api": api})


class Ward:
    """Everything that heals, with the parts in reach."""

    def __init__(self, folder: Path, threshold: str = "medium") -> None:
        self.folder, self.clock = folder, HandClock()
        self.podman = MemoryPodman(tick=0.02)
        self.bus = Bus()
        self.database = Database(f"sqlite:///{folder}/aistack.db")
        self.audit = AuditLog(self.database, folder / "audit", SystemClock(), bus=self.bus)
        self.policy = Policy(threshold)
        self.approvals = Approvals(self.database, self.audit, self.policy, SystemClock(), self.bus)
        self.containers = Containers(self.podman, self.bus, SystemClock())
        self.containers.start()
        registry = Registry()
        registry.register(ContainerTool(self.podman, self.containers.watcher.nudge))
        self.engine = Engine(
            self.database, registry, self.approvals, self.audit, SystemClock(), folder, self.bus, poll=0.02
        )
        self.approvals.enqueue = self.engine
        self.tasks = Tasks(
            self.database,
            self.approvals,
            self.audit,
            self.engine,
            Preparer(self.podman, self.containers),
            Agent(registry, self.containers, None),
            SystemClock(),
            self.bus,
        )
        self.approvals.watchers.append(self.tasks.follow)
        self.moved = threading.Condition()
        self.engine.on_done += [self.tasks.changed, self._wake]
        self.engine.claim()
        self.engine.prepare()
        self.manifest: Manifest | None = manifest()
        self.healer = self.make_healer()

    def make_healer(self) -> Healer:
        """Another life of self-heal on the same database."""
        return Healer(
            self.tasks, lambda: self.manifest, self.policy, self.audit, self.database, self.clock, self.bus, lambda: 0.0
        )

    def launch(self) -> None:
        """Let the engine run what is approved."""
        self.engine.start()
        assert self.engine.wait_running(30), self.engine.failure

    def show(self, hold: bool = False, **states: ServiceState | dict[str, Any]) -> None:
        """Publish the stack as measured now: a state, or fields, for each service."""
        services = []
        for ident, told in states.items():
            more = told if isinstance(told, dict) else {"state": told}
            box = next((row for row in self.podman.list() if row.name == f"local-ai-{ident}"), None)
            given = {
                "id": ident,
                "container": f"local-ai-{ident}",
                "title": ident,
                "group": "data",
                "provision": Provision.CONTAINER,
                "container_id": box.id if box else "",
                "why": "the port does not answer.",
            }
            services.append(Service(**{**given, **more}))
        source = Source(name="stack", state=SourceState.OK, since=1.0)
        self.bus.publish(
            Topic.STACK, Stack(at=self.clock.now(), source=source, services=tuple(services), hold=hold, poll=1e6)
        )

    def newest(self) -> Task:
        """The task that was asked last."""
        return self.tasks.list().tasks[0]

    def wait(self, state: TaskState, seen: Callable[[], object] = lambda: True) -> Task:
        """Wait until the newest task is in a state."""
        with self.moved:
            assert self.moved.wait_for(lambda: self.newest().state is state and seen(), 60), self.newest()
        return self.newest()

    def close(self) -> None:
        """Stop everything."""
        self.engine.stop(grace=0.5)
        self.containers.stop()
        self.podman.close()
        self.audit.close()
        self.database.close()

    def _wake(self, _: int) -> None:
        with self.moved:
            self.moved.notify_all()
