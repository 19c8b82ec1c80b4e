"""The doctor's checks of the stack, wired to the running parts. Each reads what it needs when it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aistack_backend.api.parts import Parts
from aistack_backend.api.stackwork import StackParts
from aistack_backend.containers.certificate.shown import Seen
from aistack_backend.containers.models import Image
from aistack_backend.containers.provision import HostInfo, Secret
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.containers.stack.world import World, look
from aistack_backend.observe import backups, capacity, certificates, ports, preflight
from aistack_backend.observe.doctor import Check
from aistack_backend.wire.containers import Fleet, UsageTable
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.status import Finding
from aistack_backend.wire.storage import BackupList


def checks(parts: Parts) -> tuple[Check, ...]:
    """Return the checks; while the stack's part is not there each says so."""
    now = _Now(parts)
    return (
        preflight.manifest(now.manifest),
        preflight.engine(now.info),
        preflight.name_resolution(now.info),
        Check("images", now.images),
        preflight.secrets(now.secrets, now.manifest),
        preflight.gpu_runtime(now.gpus),
        ports.ports(now.manifest, now.fleet),
        capacity.memory(now.manifest, dict, now.usage),
        capacity.limits(now.manifest, now.peaks),
        backups.kept(now.volumes, now.manifest, now.backups, parts.settings.config.stack.backup_every, parts.clock.now),
        certificates.certificates(now.certificates, parts.clock.now),
        capacity.disk(lambda: now.info().graph_root, now.image_bytes),
    )


@dataclass(frozen=True, slots=True)
class _Now:
    parts: Parts

    def stack(self) -> StackParts:
        """Return the parts of the stack; Unavailable while they start."""
        return self.parts.stack.get()

    def manifest(self) -> Manifest:
        """Return the manifest as its files stand now; ManifestError when they cannot be used."""
        return self.stack().source.get()

    def info(self) -> HostInfo:
        """Return what Podman tells of its host."""
        return self.stack().provisioner.info()

    def secrets(self) -> tuple[Secret, ...]:
        """Return the secrets that Podman keeps, without their values."""
        return self.stack().provisioner.secrets()

    def world(self) -> World:
        """Return what is there now, asked of Podman once."""
        return look(self.parts.podman.get(), self.stack().provisioner)

    def volumes(self) -> frozenset[str]:
        """Return the names of the volumes that are there."""
        return frozenset(one.name for one in self.parts.podman.get().volumes())

    def backups(self) -> BackupList:
        """Return the backups on the shelf."""
        return self.stack().backups.shelf.list()

    def certificates(self) -> Mapping[str, Seen]:
        """Return what each service shows over TLS, looked at now."""
        return self.stack().certificates.shown.look()

    def images(self) -> Finding:
        """Return which images of the manifest are missing."""
        world = self.world()
        return preflight.images(lambda ref: world.image(ref) is not None, self.manifest).ask()

    def image_bytes(self) -> int:
        """Return the bytes of those images of the manifest that are here, each counted once."""
        world = self.world()
        found = (world.image(one.image) for one in self.manifest().services.values())
        here: dict[str, Image] = {one.id: one for one in found if one is not None}
        return sum(one.size for one in here.values())

    def fleet(self) -> Fleet:
        """Return the newest measured list of containers."""
        return self.parts.containers.get().fleet()

    def gpus(self) -> int:
        """Return how many GPUs the newest sample of the machine has; 0 before the first."""
        sample: HostSample | None = self.parts.bus.latest(Topic.HOST)
        return len(sample.gpus) if sample else 0

    def ids(self) -> Mapping[str, str]:
        """Container id to service id, of what is there now."""
        names = {one.container: key for key, one in self.manifest().services.items()}
        return {one.id: names[one.name] for one in self.fleet().local if one.name in names}

    def usage(self) -> Mapping[str, int]:
        """Return the bytes of memory that each service uses now; one that was not measured is left out."""
        table: UsageTable | None = self.parts.bus.latest(Topic.USAGE)
        ids = self.ids()
        return {ids[row.id]: row.memory for row in (table.rows if table else ()) if row.id in ids and row.memory}

    def peaks(self) -> Mapping[str, int]:
        """The highest that was recorded in the last hour: at least that much was used."""
        recorder = self.parts.recorder.get()
        series = {key: recorder.series(f"container.{ident}.memory").values for ident, key in self.ids().items()}
        return {key: int(max(values)) for key, values in series.items() if values}
