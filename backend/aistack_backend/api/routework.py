"""The coordinator on the backend's parts: its model, its endpoints, its documents and its store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from aistack_backend.api.parts import Parts
from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import Clock
from aistack_backend.inference.models import Embeddings
from aistack_backend.inference.providers.service import Providers
from aistack_backend.knowledge.port import Embeds
from aistack_backend.learning.port import Learned, Nothing
from aistack_backend.learning.telemetry import Telemetry
from aistack_backend.orchestration.routing.budget import Budgets
from aistack_backend.orchestration.routing.calibrated import Calibrations
from aistack_backend.orchestration.routing.coordinator import Coordinator, Rooms
from aistack_backend.orchestration.routing.documents import Documents
from aistack_backend.orchestration.routing.far import Far
from aistack_backend.orchestration.routing.limits import Rates
from aistack_backend.orchestration.routing.local import Loaded, Near
from aistack_backend.orchestration.routing.metrics import Metrics
from aistack_backend.orchestration.routing.outbound import OutboundLog
from aistack_backend.orchestration.routing.port import Finds, Model
from aistack_backend.orchestration.routing.private import Private
from aistack_backend.orchestration.routing.switch import Switch
from aistack_backend.orchestration.routing.way import Ways
from aistack_backend.orchestration.routing.wayout import WayOut
from aistack_backend.store.database import Database
from aistack_backend.wire.config import RoutingConfig
from aistack_backend.wire.providerconfig import ProviderConfig, is_here


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a coordinator is built on, here or in its container."""

    database: Database
    clock: Clock
    redactor: Redactor
    config: RoutingConfig
    providers: Providers
    configured: Sequence[ProviderConfig]
    """All endpoints of ``providers``; those on this very machine count as local."""
    models: Sequence[Model]
    finds: Finds
    embeds: Embeds | None
    learned: Learned


def build(parts: Parts, database: Database) -> Coordinator:
    """Return the backend's coordinator; raises BadInput when ``[routing]`` holds what cannot be,
    Unavailable when the store cannot be written."""
    config = parts.settings.config
    learned: Learned = parts.learning.part or Nothing()
    made = raised(
        Ground(
            database=database,
            clock=parts.clock,
            redactor=parts.audit.get().redactor,
            config=config.routing,
            providers=parts.providers.get(),
            configured=config.providers,
            models=(Loaded(parts.inference.get, config.routing.local_seconds),),
            finds=Documents(lambda: parts.knowledge.get().search, lambda: parts.knowledge.get().base),
            embeds=_Vectors(parts),
            learned=learned,
        )
    )
    made.rooms.switch.declare()
    return made


def raised(ground: Ground) -> Coordinator:
    """Return a coordinator on that ground."""
    config, clock = ground.config, ground.clock
    away = [one for one in ground.configured if not stands_here(one)]
    near = [Near(ground.providers, one.name) for one in ground.configured if stands_here(one)]
    switch = Switch(ground.database, clock, fixed=config.local_only)
    budgets = Budgets(ground.providers, away, ground.database, clock, config)
    log, private = OutboundLog(ground.database, clock, ground.redactor), Private(ground.redactor)
    far = Far(ground.providers, away, switch, budgets, log, private) if away else None
    models = (*ground.models, *near)
    return Coordinator(
        Rooms(
            ways=Ways(
                models=models,
                far=far,
                embeds=ground.embeds,
                config=config,
                clock=clock,
                calibrations=Calibrations(ground.database, clock),
            ),
            switch=switch,
            budgets=budgets,
            learned=ground.learned,
            finds=ground.finds,
            telemetry=Telemetry(ground.database, clock, ground.redactor),
            log=log,
            private=private,
            rates=Rates(clock, config.per_minute, config.per_hour),
        ),
        Metrics(),
        ground.database,
    )


def way_out(parts: Parts) -> WayOut:
    """Return the way out of what agents do: it goes by the coordinator's lock, and is closed while there is none."""
    return WayOut(lambda: held.rooms.switch if (held := parts.routing.part) else None)


def stands_here(one: ProviderConfig) -> bool:
    """Whether asking it sends nothing out of this machine: it is marked as the owner's and is a loopback address."""
    return one.local and is_here(urlsplit(one.url).hostname or "")


class _Vectors:
    """The local model's vectors, or why there are none."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """See ``Embeds``."""
        return await self._parts.inference.get().embed(texts)
