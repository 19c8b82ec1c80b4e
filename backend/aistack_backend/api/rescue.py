"""The verbs that work when nothing else does: restore from a backup, and take the stack along without us."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aistack_backend.api.daemon.lock import DataLock, own_folder
from aistack_backend.api.stackwork import manifests
from aistack_backend.containers.backup import offline
from aistack_backend.containers.backup.manifest import Contents
from aistack_backend.containers.backup.world import world
from aistack_backend.containers.eject import write
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.provision_api import ApiProvisioner
from aistack_backend.errors import BackendError
from aistack_backend.settings import Settings
from aistack_backend.store.settle import settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a restore is to do."""

    source: Path
    passphrase: Path | None = None
    replace: bool = False
    containers: bool = True


def restore(settings: Settings, wish: Wish) -> int:
    """Restore from one backup and say what came of each piece: 0 all of it, 1 not all.

    Raises:
        BackendError: nothing was changed, or the sentence says what was.
    """
    began = time.monotonic()
    own_folder(settings.data_dir)
    wished = settings.config.stack.backup_passphrase_file
    passphrase = wish.passphrase or (Path(wished).expanduser() if wished else None)
    with DataLock(settings.data_dir), offline.opened(wish.source) as (backup, contents):
        settle(settings.data_dir)
        secrets = offline.unsealed(backup, passphrase)
        _say(offline.restore_store(backup, contents, settings.data_dir, replace=wish.replace))
        kept = offline.keep_texts(backup, settings.data_dir, secrets)
        _say(f"Compose files and configuration of that time lie in {kept}; nothing in use was overwritten")
        code = _stack(settings, backup, contents, secrets) if wish.containers else 0
    _say(f"{'restored' if code == 0 else 'NOT all restored'} in {time.monotonic() - began:.1f} s")
    return code


def eject(settings: Settings, folder: Path) -> int:
    """Write the stack as plain Compose and quadlets into a new folder: 0.

    Raises:
        BackendError, OSError: the manifest cannot be read, or the folder not made.
    """
    for file in write(manifests(settings).get(), folder):
        print(file)
    return 0


def _stack(settings: Settings, backup: Path, contents: Contents, secrets: dict[str, bytes]) -> int:
    if not any(piece.service and piece.file for piece in contents.pieces) and not secrets:
        return 0
    try:
        with _podman(settings) as podman:
            around = world(podman, ApiProvisioner(podman), settings.config.podman.sandbox_image)
            stack = manifests(settings).get()
            for line in offline.restore_stack(around, backup, stack, contents, secrets, _say):
                _say(line)
    except BackendError as error:
        _say(f"{error.detail} {error.hint}".strip())
        return 1
    return 0


@contextmanager
def _podman(settings: Settings) -> Iterator[ApiPodman]:
    podman = ApiPodman(settings.podman_url, os.environ)
    try:
        yield podman
    finally:
        podman.close()


def _say(line: str) -> None:
    print(line, flush=True)
