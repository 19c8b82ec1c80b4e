"""The running backend as the routes see it. A part that is still starting, or could not start, says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

from fastapi import Depends, Request

from aistack_backend.api.encode import Encoder
from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.errors import Unavailable
from aistack_backend.settings import Settings

if TYPE_CHECKING:  # these rooms are imported by the wiring, some of them late
    from aistack_backend.api.knowledgework import KnowledgeParts
    from aistack_backend.api.nixoswork import NixParts
    from aistack_backend.api.roles.embedded import Doors
    from aistack_backend.api.stackwork import StackParts
    from aistack_backend.api.trainingwork import TrainingParts
    from aistack_backend.approvals.service import Approvals
    from aistack_backend.audit.log import AuditLog
    from aistack_backend.containers.port import Podman
    from aistack_backend.containers.service import Containers
    from aistack_backend.engine.runtime import Engine
    from aistack_backend.inference.library import Library
    from aistack_backend.inference.providers.service import Providers
    from aistack_backend.inference.service import Inference
    from aistack_backend.inference.talk import Talk
    from aistack_backend.learning.federation.service import Exchange
    from aistack_backend.learning.service import Learning
    from aistack_backend.observe.alerts.service import Alerts
    from aistack_backend.observe.doctor import Doctor
    from aistack_backend.observe.host import HostWatcher
    from aistack_backend.observe.measured import Measured
    from aistack_backend.observe.notify.service import Notifier
    from aistack_backend.observe.recorder import Recorder
    from aistack_backend.observe.traces.service import Traces
    from aistack_backend.orchestration.flows.service import Flows
    from aistack_backend.orchestration.loop.service import Loops
    from aistack_backend.orchestration.routing.coordinator import Coordinator
    from aistack_backend.orchestration.tasks import Tasks

T = TypeVar("T")


class Late(Generic[T]):
    """A part that arrives after the socket answers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.part: T | None = None
        self.fault = ""
        """Why it could not start; empty while it may still come."""

    def get(self) -> T:
        """Return the part.

        Raises:
            Unavailable: it is still starting, or could not start; the sentence says which.
        """
        if self.part is not None:
            return self.part
        if self.fault:
            raise Unavailable(f"The {self.name} could not start: {self.fault}", "Run: aistack-backend doctor")
        raise Unavailable(f"The {self.name} is still starting.", "Try again in a moment.")


@dataclass(kw_only=True)
class Parts:
    """Everything that routes use; made by ``app.build``."""

    settings: Settings
    clock: Clock
    bus: Bus
    encoder: Encoder
    stopping: asyncio.Event
    stop: Callable[[], None]
    """Begins the shutdown of the process."""
    started_at: float
    audit: Late[AuditLog] = field(default_factory=lambda: Late("audit log"))
    approvals: Late[Approvals] = field(default_factory=lambda: Late("approvals"))
    containers: Late[Containers] = field(default_factory=lambda: Late("container watcher"))
    podman: Late[Podman] = field(default_factory=lambda: Late("container watcher"))
    engine: Late[Engine] = field(default_factory=lambda: Late("engine"))
    tasks: Late[Tasks] = field(default_factory=lambda: Late("engine"))
    flows: Late[Flows] = field(default_factory=lambda: Late("engine"))
    loops: Late[Loops] = field(default_factory=lambda: Late("engine"))
    inference: Late[Inference] = field(default_factory=lambda: Late("local model"))
    library: Late[Library] = field(default_factory=lambda: Late("local model"))
    providers: Late[Providers] = field(default_factory=lambda: Late("list of providers"))
    talk: Late[Talk] = field(default_factory=lambda: Late("local model"))
    knowledge: Late[KnowledgeParts] = field(default_factory=lambda: Late("knowledge base"))
    routing: Late[Coordinator] = field(default_factory=lambda: Late("coordinator"))
    learning: Late[Learning] = field(default_factory=lambda: Late("learning"))
    nixos: Late[NixParts] = field(default_factory=lambda: Late("index of NixOS"))
    federation: Late[Exchange] = field(default_factory=lambda: Late("federation"))
    training: Late[TrainingParts] = field(default_factory=lambda: Late("engine"))
    host: Late[HostWatcher] = field(default_factory=lambda: Late("host watcher"))
    recorder: Late[Recorder] = field(default_factory=lambda: Late("recorder"))
    stack: Late[StackParts] = field(default_factory=lambda: Late("stack"))
    measured: Late[Measured] = field(default_factory=lambda: Late("metrics"))
    alerts: Late[Alerts] = field(default_factory=lambda: Late("alarms"))
    traces: Late[Traces] = field(default_factory=lambda: Late("traces"))
    doctor: Late[Doctor] = field(default_factory=lambda: Late("doctor"))
    notifier: Notifier | None = None
    """Tells people what waits; None until it runs."""
    doors: Late[Doors] = field(default_factory=lambda: Late("roles"))


def parts(request: Request) -> Parts:
    """Give a route the parts."""
    held: Parts = request.app.state.parts
    return held


Held = Annotated[Parts, Depends(parts)]
"""The parts, in a route's signature."""
