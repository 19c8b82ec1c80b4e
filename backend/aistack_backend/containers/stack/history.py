"""Past boots: how long each service took, and the last set of images and settings in which all was well."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy import delete, insert, select

from aistack_backend.clock import Clock
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.containers.stack.spec import config_hash
from aistack_backend.store.database import Database
from aistack_backend.store.tables import boot as table
from aistack_backend.store.tables import meta
from aistack_backend.wire.boot import Boot, BootRow, Stage
from aistack_backend.wire.containers import Container

KEPT = 50
"""Boots that are kept."""
GOOD = "stack.good"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodService:
    """One service of a good set."""

    image: str
    """Its reference in the manifest."""
    image_id: str
    config: str
    """Hash of its declaration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodSet:
    """What ran when everything that was asked for was ready."""

    at: float
    files: Mapping[str, str]
    """Text of each manifest file, by path."""
    services: Mapping[str, GoodService]


class History:
    """Boots in the store. Every method blocks on SQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def keep(self, boot: Boot) -> None:
        """Keep an ended boot; the oldest go.

        Raises:
            Unavailable: the database cannot be written.
        """
        with self._database.tx() as connection:
            connection.execute(delete(table).where(table.c.id == boot.id))
            connection.execute(
                insert(table).values(id=boot.id, at=boot.began_at, doc=msgspec.json.encode(boot).decode())
            )
            old = select(table.c.id).order_by(table.c.at.desc()).offset(KEPT)
            if gone := connection.execute(old).scalars().all():
                connection.execute(delete(table).where(table.c.id.in_(gone)))

    def boots(self, most: int = KEPT) -> tuple[Boot, ...]:
        """Return the newest boots, newest first."""
        with self._database.read() as connection:
            docs = connection.execute(select(table.c.doc).order_by(table.c.at.desc()).limit(most)).scalars().all()
        return tuple(msgspec.json.decode(doc, type=Boot) for doc in docs)

    def expected(self) -> Mapping[str, float]:
        """Return the median seconds from running to ready of each service, over the boots that are kept."""
        took: dict[str, list[float]] = {}
        for one in self.boots():
            for row in one.rows:
                if (seconds := duration(row)) is not None:
                    took.setdefault(row.service, []).append(seconds)
        return {key: statistics.median(values) for key, values in took.items()}

    def remember(self, manifest: Manifest, boot: Boot, containers: Sequence[Container]) -> None:
        """Take what runs now as the last good set; services that were not part of the boot keep their entry.

        Raises:
            Unavailable: the database cannot be written.
        """
        before = self.good()
        by_name = {one.name: one for one in containers}
        services = dict(before.services) if before else {}
        for row in boot.rows:
            declared = manifest.services.get(row.service)
            found = by_name.get(declared.container) if declared else None
            if declared and found:
                services[declared.id] = GoodService(
                    image=declared.image, image_id=found.image_id, config=config_hash(declared)
                )
        good = GoodSet(at=self._clock.now(), files=_texts(manifest), services=services)
        text = msgspec.json.encode(good).decode()
        with self._database.tx() as connection:
            connection.execute(delete(meta).where(meta.c.key == GOOD))
            connection.execute(insert(meta).values(key=GOOD, value=text))

    def good(self) -> GoodSet | None:
        """Return the last good set; None before the first."""
        with self._database.read() as connection:
            text = connection.execute(select(meta.c.value).where(meta.c.key == GOOD)).scalar()
        if text is None:
            return None
        doc = json.loads(text)
        services = {key: GoodService(**value) for key, value in doc["services"].items()}
        return GoodSet(at=doc["at"], files=doc["files"], services=services)


def duration(row: BootRow) -> float | None:
    """Return the seconds from running to ready of a service that was started in a boot; None when it was not."""
    at = {mark.stage: mark.at for mark in row.marks}
    if row.stage is not Stage.READY or Stage.RUNNING not in at:
        return None
    return max(0.0, at[Stage.READY] - at[Stage.RUNNING])


def _texts(manifest: Manifest) -> dict[str, str]:
    found = {}
    for name in manifest.files:
        try:
            found[name] = Path(name).read_text()
        except OSError:
            continue
    return found
