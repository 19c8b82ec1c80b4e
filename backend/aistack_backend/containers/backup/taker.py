"""Take a backup: our own state, the manifest, the secrets sealed, and the data of each service by its method."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from aistack_backend import __version__
from aistack_backend.clock import Clock
from aistack_backend.containers.backup import folder as folders
from aistack_backend.containers.backup import sealed
from aistack_backend.containers.backup.manifest import Contents, Piece
from aistack_backend.containers.backup.methods import FILES, NAMES, Method, data_volumes
from aistack_backend.containers.backup.own import OwnStore
from aistack_backend.containers.backup.shelf import Shelf
from aistack_backend.containers.backup.world import BackupWorld, Say
from aistack_backend.containers.stack.models import Manifest, ServiceDecl
from aistack_backend.wire.containers import ContainerState
from aistack_backend.wire.storage import Backup

STACK, SECRETS = "stack", "secrets"
SEALED = "secrets.sealed"
ENV = "env-file"
"""Name of the env file among the sealed secrets: its values may be some."""
RUNNING = frozenset({ContainerState.RUNNING})


class Taker:
    """Makes backups, one at a time."""

    def __init__(self, world: BackupWorld, own: OwnStore, shelf: Shelf, clock: Clock) -> None:
        self._world = world
        self._own = own
        self._shelf = shelf
        self._clock = clock
        self._one = threading.Lock()
        self._paused: set[str] = set()

    def busy(self) -> Collection[str]:
        """Return the services that a backup holds still just now: nothing else may act on them."""
        return frozenset(self._paused)

    def secrets(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the values of Podman's secrets; see ``Carrier.secrets``."""
        return self._world.carrier.secrets(names)

    def take(
        self,
        stack: Manifest | None,
        services: Collection[str],
        *,
        passphrase: Path | None,
        env_file: Path | None = None,
        extra: tuple[Path, ...] = (),
        say: Say = lambda _: None,
    ) -> Backup:
        """Write one backup; ``extra`` are more files to keep (the configuration).

        Raises:
            BackendError, OSError, sqlite3.Error: a piece could not be copied; nothing of the backup is left.
        """
        at = self._clock.now()
        with self._one, self._shelf.draft(at) as (ident, draft):
            (draft / "services").mkdir(mode=0o700)
            (draft / "volumes").mkdir(mode=0o700)
            pieces = [self._own.take(draft), _texts(draft, (*_existing(stack), *extra))]
            for decl in stack.services.values() if stack else ():
                if decl.id in services and decl.extra.backup in NAMES:
                    say(f"copying {decl.id}")
                    pieces += self._service(decl, draft)
            pieces.append(self._secrets(stack, draft, passphrase, env_file))
            contents = Contents(
                id=ident,
                at=at,
                version=__version__,
                project=stack.project if stack else "",
                pieces=tuple(pieces),
                files=folders.listed(draft),
            )
            return self._shelf.keep(draft, contents)

    def _service(self, decl: ServiceDecl, draft: Path) -> Iterator[Piece]:
        kind = NAMES[decl.extra.backup]
        if kind == FILES:
            yield from self._files(decl, draft)
            return
        method = self._world.methods[kind]
        container = self._world.container(decl)
        if container is not None and container.state in RUNNING:
            yield method.take(decl, container.id, draft / "services")
        else:
            yield self._aside(method, decl, draft)

    def _aside(self, method: Method, decl: ServiceDecl, draft: Path) -> Piece:
        """Copy the data of a service that does not run: its program is started aside on the same volumes."""
        wanted = data_volumes(decl)
        if not self._world.volumes(wanted):
            return Piece(kind=method.kind, service=decl.id, note=f"There is no data of {decl.id} yet.")
        with self._world.stand.running(decl, {name: name for name in wanted}, method.port, gently=True) as box:
            method.wait(decl, box)
            return method.take(decl, box, draft / "services")

    def _files(self, decl: ServiceDecl, draft: Path) -> Iterator[Piece]:
        there = self._world.volumes(data_volumes(decl))
        if not there:
            yield Piece(kind=FILES, service=decl.id, note=f"There is no data of {decl.id} yet.")
        with self._still(decl):
            for volume in there:
                file = draft / "volumes" / f"{volume}.tar"
                tally = self._world.carrier.pack(volume, file)
                told = Piece(kind=FILES, service=decl.id, volume=volume, file=f"volumes/{file.name}")
                yield replace(told, counts=tally.counts, note=tally.note)

    @contextmanager
    def _still(self, decl: ServiceDecl) -> Iterator[None]:
        """Freeze the service meanwhile: its files are then as of one moment, as after a power cut."""
        container = self._world.container(decl)
        if container is None or container.state not in RUNNING:
            yield
            return
        self._paused.add(decl.id)
        try:
            self._world.podman.pause(container.id)
            try:
                yield
            finally:
                self._world.podman.unpause(container.id)
        finally:
            self._paused.discard(decl.id)

    def _secrets(self, stack: Manifest | None, draft: Path, passphrase: Path | None, env_file: Path | None) -> Piece:
        if passphrase is None:
            note = "No passphrase file is set (stack.backup_passphrase_file): secrets and env file are not in it."
            return Piece(kind=SECRETS, note=note)
        key = sealed.passphrase(passphrase)
        declared = [secret.name for secret in stack.secrets.values()] if stack else []
        known = {secret.name for secret in self._world.provisioner.secrets()} if declared else set()
        values = self._world.carrier.secrets([name for name in declared if name in known])
        if env_file is not None and env_file.is_file():
            values[ENV] = env_file.read_bytes()
        file = draft / SEALED
        file.touch(mode=0o600)
        file.write_bytes(sealed.seal(values, key))
        missing = sorted(set(declared) - known)
        note = f"Not there, so not in it: {', '.join(missing)}." if missing else ""
        return Piece(kind=SECRETS, file=SEALED, counts={"secrets": len(values)}, note=note)


def _existing(stack: Manifest | None) -> tuple[Path, ...]:
    return tuple(Path(name) for name in stack.files) if stack else ()


def _texts(draft: Path, files: tuple[Path, ...]) -> Piece:
    folder = draft / STACK
    folder.mkdir(mode=0o700)
    count = 0
    for number, file in enumerate(files):
        if file.is_file():
            copy = folder / f"{number}-{file.name}"
            shutil.copyfile(file, copy)
            copy.chmod(0o600)
            count += 1
    return Piece(kind=STACK, counts={"files": count})
