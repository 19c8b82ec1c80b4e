"""What the methods of a manifest's ``backup`` keys have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from aistack_backend.containers.backup.manifest import Piece
from aistack_backend.containers.stack.models import ServiceDecl

FILES = "files"
NAMES = {"pg_dump": "postgres", "qdrant": "qdrant", "files": FILES}
"""What the manifest says, and the kind of piece that comes of it."""


class Method(Protocol):
    """Copies the data of a running service, and puts it into a running one."""

    kind: str
    port: int
    """The container's port that it needs to reach from outside, 0 = none."""

    def wait(self, decl: ServiceDecl, container: str) -> None:
        """Wait until the service can be asked, or raise ``Unavailable``."""
        ...

    def take(self, decl: ServiceDecl, container: str, folder: Path) -> Piece:
        """Copy into a folder; the piece names the file as ``services/NAME``."""
        ...

    def put(self, decl: ServiceDecl, container: str, file: Path) -> None:
        """Make the service's data what the file holds."""
        ...

    def count(self, decl: ServiceDecl, container: str) -> dict[str, int]:
        """Count what is there, in the terms of ``Piece.counts``."""
        ...


def data_volumes(decl: ServiceDecl) -> tuple[str, ...]:
    """Return the full names of the volumes whose data the service keeps."""
    mounted = tuple(dict.fromkeys(mount.source for mount in decl.mounts if mount.type == "volume" and mount.source))
    named = tuple(volume for volume in mounted if volume in decl.extra.data_volumes)
    return named or mounted
