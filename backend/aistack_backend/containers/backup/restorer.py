"""Put a backup back: for real, or aside to see whether it would work (``restic check`` proves no restore, R5.13)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aistack_backend.containers.backup import folder as folders
from aistack_backend.containers.backup import own
from aistack_backend.containers.backup.carrier import total
from aistack_backend.containers.backup.manifest import Contents, Piece
from aistack_backend.containers.backup.methods import FILES, Method, data_volumes
from aistack_backend.containers.backup.tarstream import BadArchive
from aistack_backend.containers.backup.world import BackupWorld, Say
from aistack_backend.containers.stack.models import Manifest, ServiceDecl
from aistack_backend.errors import BackendError, NotFound
from aistack_backend.wire.containers import ContainerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of one piece."""

    piece: Piece
    ok: bool
    text: str
    """One sentence."""


class Restorer:
    """Works on one backup's folder, whose files were checked (``folder.check``)."""

    def __init__(self, world: BackupWorld) -> None:
        self._world = world

    def rehearse(self, backup: Path, stack: Manifest | None, say: Say = lambda _: None) -> tuple[Found, ...]:
        """Restore everything into throw-away volumes, containers and folders, count, and remove them again.

        Raises:
            BadArchive: a file of the backup is not what was written.
        """
        contents = folders.check(backup)
        return tuple(self._tried(piece, backup, stack, say) for piece in contents.pieces)

    def restore(
        self, backup: Path, stack: Manifest, services: Collection[str], say: Say = lambda _: None
    ) -> tuple[Found, ...]:
        """Make the data of these services what the backup holds; theirs is gone. What fails is told, and the rest
        is still done.

        Raises:
            BadArchive: a file of the backup is not what was written; nothing was changed.
        """
        contents = folders.check(backup)
        found = []
        for piece in _of(contents, services):
            say(f"restoring {piece.service}")
            found.append(_outcome(piece, partial(self._restored, piece, backup, stack)))
        return tuple(found)

    def _tried(self, piece: Piece, backup: Path, stack: Manifest | None, say: Say) -> Found:
        say(f"rehearsing {piece.service or piece.kind}")
        return _outcome(piece, partial(self._rehearsed, piece, backup, stack))

    def _rehearsed(self, piece: Piece, backup: Path, stack: Manifest | None) -> str:
        if piece.kind == own.KIND:
            with tempfile.TemporaryDirectory(prefix="aistack-verify-") as scratch:
                return own.rehearse(backup, piece, Path(scratch) / "store")
        if not piece.file or not piece.service:
            return piece.note.rstrip(".") or "its files are as written"
        if piece.kind == FILES:
            with self._world.stand.volume() as volume:
                return self._unpacked(piece, backup, volume)
        decl = _decl(stack, piece.service)
        method = self._world.methods[piece.kind]
        with ExitStack() as made:
            mapped = {name: made.enter_context(self._world.stand.volume()) for name in data_volumes(decl)}
            with self._world.stand.running(decl, mapped, method.port) as box:
                return self._put(method, decl, box, piece, backup)

    def _restored(self, piece: Piece, backup: Path, stack: Manifest) -> str:
        if not piece.file:
            return piece.note.rstrip(".")
        decl = _decl(stack, piece.service)
        wanted = (piece.volume,) if piece.kind == FILES else data_volumes(decl)
        for name in wanted:
            self._world.provisioner.create_volume(name, labels(stack))
        container = self._world.container(decl)
        runs = container is not None and container.state is ContainerState.RUNNING
        if piece.kind == FILES:
            return self._files(piece, backup, container.id if container is not None and runs else "")
        method = self._world.methods[piece.kind]
        if container is not None and runs:
            return self._put(method, decl, container.id, piece, backup)
        with self._world.stand.running(decl, {name: name for name in wanted}, method.port, gently=True) as box:
            return self._put(method, decl, box, piece, backup)

    def _files(self, piece: Piece, backup: Path, container: str) -> str:
        """Fill a volume while nothing runs on it; what ran on it runs again afterwards."""
        if not container:
            return self._unpacked(piece, backup, piece.volume)
        self._world.podman.stop(container, self._world.podman.inspect(container).stop_timeout)
        try:
            return self._unpacked(piece, backup, piece.volume)
        finally:
            self._world.podman.start(container)

    def _unpacked(self, piece: Piece, backup: Path, volume: str) -> str:
        self._world.carrier.unpack(backup / piece.file, volume)
        return _same(piece.counts, self._world.carrier.count(volume), "files")

    def _put(self, method: Method, decl: ServiceDecl, container: str, piece: Piece, backup: Path) -> str:
        method.wait(decl, container)
        method.put(decl, container, backup / piece.file)
        return _same(piece.counts, method.count(decl, container), method.kind)


def _outcome(piece: Piece, do: Callable[[], str]) -> Found:
    name = piece.service or piece.kind
    try:
        return Found(piece=piece, ok=True, text=f"{name}: {do()}.")
    except BackendError as error:
        return Found(piece=piece, ok=False, text=f"{name}: {error.detail}")


def _same(told: Mapping[str, int], found: Mapping[str, int], what: str) -> str:
    """Return what was found again, or raise on the first that differs; more than was counted is not wrong."""
    for name, count in told.items():
        if found.get(name) != count:
            raise BadArchive(f"After the restore {what} has {name} {found.get(name)}; {count} were counted.")
    return f"restored and counted: {total(told) or 'nothing was in it'}"


def _of(contents: Contents, services: Collection[str]) -> Iterator[Piece]:
    return (piece for piece in contents.pieces if piece.service in services)


def _decl(stack: Manifest | None, ident: str) -> ServiceDecl:
    decl = stack.services.get(ident) if stack else None
    if decl is None:
        raise NotFound(f"The stack declares no service {ident}, which the backup holds data of.")
    return decl


def labels(stack: Manifest) -> dict[str, str]:
    """Return the labels of what is made for a stack."""
    return {"io.aistack.managed": "true", "io.aistack.stack": stack.project}
