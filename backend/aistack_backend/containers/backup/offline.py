"""Restore with no backend running: a fresh data folder, and volumes and secrets in Podman, from one backup."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aistack_backend.containers.backup import archive, own, sealed
from aistack_backend.containers.backup import folder as folders
from aistack_backend.containers.backup.manifest import Contents
from aistack_backend.containers.backup.restorer import Restorer, labels
from aistack_backend.containers.backup.taker import ENV, SEALED, STACK
from aistack_backend.containers.backup.world import BackupWorld, Say
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.errors import Conflict, NotFound, Unavailable
from aistack_backend.store import settle
from aistack_backend.store.files import replace_file

KEPT = "restored"
"""Folder in the data folder for what a person may want back: Compose files, configuration, env file."""


@contextmanager
def opened(source: Path) -> Iterator[tuple[Path, Contents]]:
    """Give a backup's folder with every file checked; a file is unpacked beside it first.

    Raises:
        NotFound: nothing is there. BadArchive: it is no backup, or not whole and right.
    """
    if source.is_dir():
        yield source, folders.check(source)
    elif source.is_file():
        with tempfile.TemporaryDirectory(prefix=".aistack-restore-", dir=source.parent) as scratch:
            with source.open("rb") as file:
                contents = archive.extract(file, Path(scratch) / "backup")
            yield Path(scratch) / "backup", contents
    else:
        raise NotFound(f"There is no backup at {source}.")


def restore_store(backup: Path, contents: Contents, data_dir: Path, *, replace: bool) -> str:
    """Put our own state into the data folder, whose lock the caller holds: all of it, or none.

    Raises:
        Conflict: a store is there already and ``replace`` is off. BadArchive: the store in the backup does not hold.
    """
    if (data_dir / own.FILE).exists() and not replace:
        raise Conflict(
            f"{data_dir} holds a store already.", "Say --replace to put it aside, or name another --data-dir."
        )
    (piece,) = contents.of(own.KIND)
    draft = data_dir / settle.DRAFT
    shutil.rmtree(draft, ignore_errors=True)
    said = own.rehearse(backup, piece, draft)
    if not piece.file:
        shutil.rmtree(draft, ignore_errors=True)
        return said
    (draft / own.AUDIT).mkdir(mode=0o700, exist_ok=True)
    folders.sync(draft)
    settle.complete(data_dir, int(time.time()))
    settle.settle(data_dir)
    return said


def keep_texts(backup: Path, data_dir: Path, secrets: dict[str, bytes]) -> Path:
    """Lay Compose files, configuration and env file where a person finds them; nothing in use is overwritten."""
    kept = data_dir / KEPT
    kept.mkdir(mode=0o700, exist_ok=True)
    for file in sorted((backup / STACK).glob("*")):
        with replace_file(kept / file.name) as copy:
            copy.write(file.read_bytes())
    if ENV in secrets:
        with replace_file(kept / ENV) as copy:
            copy.write(secrets[ENV])
    return kept


def unsealed(backup: Path, passphrase: Path | None) -> dict[str, bytes]:
    """Return the sealed values of a backup; none without a passphrase or a sealed file.

    Raises:
        Refused, BadInput: the passphrase is not theirs, or cannot be read.
    """
    file = backup / SEALED
    if passphrase is None or not file.is_file():
        return {}
    return sealed.unseal(file.read_bytes(), sealed.passphrase(passphrase))


def restore_stack(
    world: BackupWorld, backup: Path, stack: Manifest, contents: Contents, secrets: dict[str, bytes], say: Say
) -> tuple[str, ...]:
    """Make missing secrets, and fill the volumes of every service in the backup; containers come by ``up``.

    Raises:
        Unavailable: a service could not be restored; the sentence names all that could not.
    """
    there = {secret.name for secret in world.provisioner.secrets()}
    for name, value in secrets.items():
        if name != ENV and name not in there:
            world.provisioner.create_secret(name, value, labels(stack))
            say(f"secret {name} was made")
    services = tuple(dict.fromkeys(piece.service for piece in contents.pieces if piece.service and piece.file))
    found = Restorer(world).restore(backup, stack, services, say)
    if bad := [one.text for one in found if not one.ok]:
        raise Unavailable("Not all was restored: " + " ".join(bad), "What was restored stays; run it again.")
    return tuple(one.text for one in found)


def export(backup: Path, file: Path) -> int:
    """Write a backup as one tar; returns its bytes.

    Raises:
        BadArchive: it is not whole and right. OSError: the file cannot be written.
    """
    folders.check(backup)
    with contextlib.closing(os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")) as out:
        archive.pack(backup, out)
        return out.tell()
