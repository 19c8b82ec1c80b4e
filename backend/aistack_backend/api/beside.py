"""What is known of a stack beside its ladder: holds, self-heal, updates, stand-ins, drift, backups, certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aistack_backend.api.backupwork import BackupParts
from aistack_backend.api.certificatework import CertificateParts
from aistack_backend.api.parts import Parts
from aistack_backend.containers import embedded
from aistack_backend.containers.ladder.facts import Measured
from aistack_backend.containers.ladder.snapshot import Around
from aistack_backend.containers.stack.holds import Holds
from aistack_backend.containers.stack.models import Manifest, ServiceDecl
from aistack_backend.containers.stack.plan import difference
from aistack_backend.containers.update.facts import Facts
from aistack_backend.observe.heal.service import Healer
from aistack_backend.wire.containers import Fleet
from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import EngineState, ModelStatus
from aistack_backend.wire.sources import SourceState


@dataclass(frozen=True, kw_only=True)
class Beside:
    """Asks each part when the stack is told anew; the parts come up on their own and may not be there yet."""

    parts: Parts
    holds: Holds
    healers: Mapping[str, Healer]
    facts: Facts
    backups: BackupParts
    certificates: CertificateParts

    def around(self, manifest: Manifest) -> Around:
        """Return what is known now."""
        held, healer = self.holds.now(), self.healers.get("healer")
        return Around(
            held=held.services,
            hold=held.whole,
            heal=healer.words if healer else lambda _: "",
            update=self.facts.now(),
            drift=lambda service, measured: _drift(manifest, service, measured),
            external=embedded.external(self.parts.settings.config.stack.external),
            standin=lambda service: embedded.standin(service, standins(self.parts)),
            alone=alone(self.parts.bus.latest(Topic.FLEET)),
            backups=self.backups.newest.now(),
            certificates=self.certificates.shown.now(),
        )


def standins(parts: Parts) -> embedded.Parts:
    """Return which stand-ins run now."""
    said: ModelStatus | None = parts.bus.latest(Topic.MODEL)
    return embedded.Parts(
        sqlite=parts.settings.database_url.startswith("sqlite"),
        model=said is not None and said.engine in (EngineState.READY, EngineState.BUSY),
        recorder=parts.recorder.part is not None,
        heal=parts.settings.config.stack.heal,
    )


def alone(fleet: Fleet | None) -> bool:
    """Whether no Podman exists here and none was seen before: one that went away may have left containers running."""
    return fleet is not None and fleet.at is None and fleet.source.state is SourceState.ABSENT


def _drift(manifest: Manifest, service: ServiceDecl, measured: Measured) -> str:
    container = measured.facts.container
    return difference(manifest, service, container, "") if container else ""
