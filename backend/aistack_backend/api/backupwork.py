"""The wiring of backups: the shelf, the part that acts, the schedule, and the restore without a backend."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aistack_backend.api.parts import Parts
from aistack_backend.clock import Clock
from aistack_backend.containers.backup.newest import Newest
from aistack_backend.containers.backup.own import OwnStore
from aistack_backend.containers.backup.part import BackupPart, Wishes
from aistack_backend.containers.backup.restorer import Restorer
from aistack_backend.containers.backup.shelf import Shelf
from aistack_backend.containers.backup.taker import Taker
from aistack_backend.containers.backup.world import world
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.observe.schedule import EVERY, BackupSchedule
from aistack_backend.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class BackupParts:
    """What routes and the engine need of backups."""

    shelf: Shelf
    newest: Newest
    part: BackupPart
    taker: Taker
    schedules: list[BackupSchedule] = field(default_factory=list)
    """The one schedule, once it runs."""

    def next_at(self) -> float | None:
        """Return when the next scheduled backup is due."""
        return self.schedules[0].next_at() if self.schedules else None


def shelf(settings: Settings) -> Shelf:
    """Return where backups lie."""
    wish = settings.config.stack.backup_folder
    return Shelf(Path(wish).expanduser() if wish else settings.data_dir / "backups")


def wishes(settings: Settings) -> Wishes:
    """Return what the configuration says."""
    stack = settings.config.stack
    return Wishes(
        passphrase=_path(stack.backup_passphrase_file),
        env_file=_path(stack.env_file),
        extra=tuple(path for path in (_path(settings.config_file),) if path is not None),
        keep=stack.backup_keep,
    )


def build(
    settings: Settings, podman: Podman, provisioner: Provisioner, manifest: Callable[[], Manifest], clock: Clock
) -> BackupParts:
    """Wire it; nothing is read or asked yet."""
    around, kept = world(podman, provisioner, settings.config.podman.sandbox_image), shelf(settings)
    taker = Taker(around, OwnStore(settings.data_dir, settings.database_url), kept, clock)
    part = BackupPart(manifest, taker, Restorer(around), kept, clock, wishes(settings))
    return BackupParts(shelf=kept, newest=Newest(kept), part=part, taker=taker)


async def schedule(parts: Parts, backups: BackupParts, manifest: Callable[[], Manifest | None]) -> None:
    """Look now and then whether a backup is due; for ever."""
    hours, policy = parts.settings.config.stack.backup_every, parts.approvals.get().policy
    one = BackupSchedule(parts.tasks.get(), manifest, policy, backups.shelf, parts.clock, hours)
    backups.schedules.append(one)
    while hours:
        await asyncio.sleep(EVERY)
        try:
            await asyncio.to_thread(one.tick)
        except Exception:  # a look that broke must not end the schedule
            log.exception("the schedule of backups could not look")


def _path(text: str) -> Path | None:
    return Path(os.path.expanduser(text)) if text else None  # noqa: PTH111
