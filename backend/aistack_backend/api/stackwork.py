"""The wiring of the stack: manifest, plans, boots, ladder, and what acts on them."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aistack_backend.api import alertwork, backupwork, certificatework, prunework
from aistack_backend.api.backupwork import BackupParts
from aistack_backend.api.beside import Beside
from aistack_backend.api.certificatework import CertificateParts
from aistack_backend.api.parts import Parts
from aistack_backend.api.roles.folder import roles_dir
from aistack_backend.containers.backup.part import BackupPart
from aistack_backend.containers.certificate.part import RenewPart
from aistack_backend.containers.ladder.climber import Climber
from aistack_backend.containers.ladder.service import StackService
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.port import Podman
from aistack_backend.containers.preparers import Part
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.provision_api import ApiProvisioner
from aistack_backend.containers.provision_memory import MemoryProvisioner
from aistack_backend.containers.prune.models import Stock
from aistack_backend.containers.prune.part import RemovalPart
from aistack_backend.containers.service import Containers
from aistack_backend.containers.stack.apply import Applier
from aistack_backend.containers.stack.history import History
from aistack_backend.containers.stack.holds import HoldPart, Holds
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.containers.stack.place import ManifestError
from aistack_backend.containers.stack.prepare import StackPreparer
from aistack_backend.containers.stack.source import ManifestSource, bundled
from aistack_backend.containers.stack.tool import Planner, StackTool
from aistack_backend.containers.traffic import service as passing
from aistack_backend.containers.update.facts import Facts
from aistack_backend.containers.update.part import UpdatePart
from aistack_backend.containers.update.rollback import RollbackPart
from aistack_backend.containers.update.swap import Swap
from aistack_backend.engine.tools import Tool
from aistack_backend.errors import BackendError
from aistack_backend.observe.checklist import Checker
from aistack_backend.observe.ground import Ground
from aistack_backend.observe.heal.service import EVERY, Healer
from aistack_backend.settings import Settings
from aistack_backend.store.database import Database
from aistack_backend.wire.boot import Boot
from aistack_backend.wire.events import Topic

log = logging.getLogger(__name__)
ROLES = "AISTACK_ROLES"
"""The variable by which the manifest finds the folders of our roles' sockets."""
REMEMBERED = "stack.file"
"""In the data folder: the Compose files that were chosen while the backend ran."""


@dataclass(frozen=True, kw_only=True)
class StackParts:
    """What routes and tools need of the stack."""

    source: ManifestSource
    provisioner: Provisioner
    planner: Planner
    applier: Applier
    history: History
    holds: Holds
    watch: StackService
    checker: Checker
    healers: dict[str, Healer]
    """Self-heal under the key ``healer``, once it runs."""
    backups: BackupParts
    update: UpdatePart
    rollback: RollbackPart
    stocks: tuple[Stock, ...]
    """Images, volumes and networks."""
    removal: RemovalPart
    certificates: CertificateParts
    pieces: tuple[StackTool, StackPreparer, HoldPart]

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What the engine runs the stack's kinds with."""
        return (self.pieces[0], self.pieces[2], *self._both)

    @property
    def preparers(self) -> tuple[Part, ...]:
        """What makes actions of the stack's kinds."""
        return (self.pieces[1], self.pieces[2], *self._both)

    @property
    def _both(self) -> tuple[BackupPart | UpdatePart | RollbackPart | RemovalPart | RenewPart, ...]:
        return (self.backups.part, self.update, self.rollback, self.removal, self.certificates.part)

    def manifest(self) -> Manifest | None:
        """Return the manifest in force, None while it cannot be read."""
        try:
            return self.source.get()
        except ManifestError:
            return None


def manifests(settings: Settings) -> ManifestSource:
    """Return the source of the manifest: chosen while running, else configured, else our own."""
    wish = settings.config.stack
    remembered = settings.data_dir / REMEMBERED
    chosen = remembered.read_text().strip() if remembered.is_file() else wish.file
    files = [Path(one).expanduser() for one in chosen.split(":") if one] or [bundled()]
    env = {ROLES: str(roles_dir(settings.run_dir)), **os.environ}
    return ManifestSource(files, env, Path(wish.env_file).expanduser() if wish.env_file else None)


def provisioner(podman: Podman) -> Provisioner:
    """Return the provisioner that belongs to a Podman.

    Raises:
        TypeError: an adapter that has none.
    """
    if isinstance(podman, ApiPodman):
        return ApiProvisioner(podman)
    if isinstance(podman, MemoryPodman):
        return MemoryProvisioner(podman)
    raise TypeError(f"{type(podman).__name__} has no provisioner")


def build(parts: Parts, podman: Podman, boats: Containers, database: Database) -> StackParts:
    """Wire the parts of the stack; nothing is read or asked yet."""
    source, made = manifests(parts.settings), provisioner(podman)
    planner, history, holds = Planner(source, podman, made), History(database, parts.clock), Holds(database)
    climber = Climber(podman, made, parts.clock)

    def publish(boot: Boot) -> None:
        parts.bus.publish(Topic.BOOT, boot)

    applier = Applier(podman, made, climber, history, parts.clock, publish, boats.watcher.nudge)
    made_parts: dict[str, Healer] = {}
    facts, swap = Facts(database), Swap(podman, made, climber, boats.watcher.nudge)

    backups = backupwork.build(parts.settings, podman, made, source.get, parts.clock)

    taker = backups.taker
    certificates = certificatework.build(source.get, podman, made, swap, history, taker, parts.clock)
    beside = Beside(
        parts=parts, holds=holds, healers=made_parts, facts=facts, backups=backups, certificates=certificates
    )
    stocks = prunework.stocks(parts.settings, podman, made, source, history)
    watch = StackService(source, climber, parts.bus, parts.clock, beside.around, parts.settings.config.stack.poll)
    return StackParts(
        source=source,
        provisioner=made,
        planner=planner,
        applier=applier,
        history=history,
        holds=holds,
        watch=watch,
        checker=checker(parts, podman, database, watch),
        healers=made_parts,
        backups=backups,
        update=UpdatePart(source.get, podman, made, swap, history, facts),
        rollback=RollbackPart(podman, made, planner, applier, history),
        stocks=stocks,
        removal=RemovalPart(stocks, podman.volume_sizes),
        certificates=certificates,
        pieces=(StackTool(planner, applier), StackPreparer(planner), HoldPart(holds, source)),
    )


def checker(parts: Parts, podman: Podman, database: Database, watch: StackService) -> Checker:
    """Return what runs the note's ticks over this stack, this store and this dashboard."""
    ground = partial(Ground, database=database, numbers=partial(alertwork.board, parts))
    return Checker(watch.check, podman, parts.bus, parts.clock, make=ground)


async def heal(parts: Parts, stack: StackParts, database: Database) -> None:
    """Look once a second for what self-heal should do; for ever."""
    tasks, approvals = parts.tasks.get(), parts.approvals.get()

    def busy() -> set[str]:
        return {*stack.backups.taker.busy(), *stack.update.busy(), *stack.certificates.part.busy()}

    healer = Healer(
        tasks, stack.manifest, approvals.policy, parts.audit.get(), database, parts.clock, parts.bus, busy=busy
    )
    stack.healers["healer"] = healer
    while True:
        await asyncio.sleep(EVERY)
        try:
            await asyncio.to_thread(healer.tick)
        except BackendError as error:
            log.warning("self-heal could not look: %s", error.detail)


async def traffic(stack: StackParts) -> None:
    """Look now and then at what passes between the services; for ever. The stack's own watch never waits for it."""
    while True:
        try:
            await asyncio.to_thread(stack.watch.look)
        except ManifestError:
            pass  # the stack says so itself
        except Exception:  # a look that broke must not end the watch
            log.exception("the traffic could not be looked at")
        await asyncio.sleep(passing.EVERY)
