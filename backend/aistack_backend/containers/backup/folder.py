"""A backup as a folder: hashed when it is made, checked file by file before anything of it is used."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from aistack_backend.containers.backup import manifest
from aistack_backend.containers.backup.manifest import Contents, Entry
from aistack_backend.containers.backup.tarstream import CHUNK, BadArchive


def listed(folder: Path) -> tuple[Entry, ...]:
    """Return every file below a folder with its size and digest, sorted by name.

    Raises:
        BadArchive: something in it is neither file nor folder.
    """
    return tuple(_entry(folder, path) for path in sorted(_files(folder)))


def check(folder: Path) -> Contents:
    """Return the manifest of a backup's folder, once every file is as it says, and no other is there.

    Raises:
        BadArchive: it is not whole and right; one sentence on the first thing that is not.
    """
    contents = read(folder)
    wanted = {entry.name: entry for entry in contents.files}
    there = {str(path.relative_to(folder)) for path in _files(folder)} - {manifest.NAME}
    if missing := sorted(set(wanted) - there):
        raise BadArchive(f"The backup {folder.name} lacks {missing[0]}.")
    if extra := sorted(there - set(wanted)):
        raise BadArchive(f"The backup {folder.name} holds {extra[0][:200]!r}, which its manifest does not list.")
    for name, entry in wanted.items():
        if (found := _entry(folder, folder / name)).size != entry.size or found.sha256 != entry.sha256:
            raise BadArchive(f"{name} in the backup {folder.name} is not what was written: its bytes differ.")
    return contents


def read(folder: Path) -> Contents:
    """Return the manifest of a backup's folder, without looking at the files.

    Raises:
        BadArchive: there is none, or it is damaged.
    """
    try:
        raw = _opened(folder / manifest.NAME)
    except OSError as error:
        raise BadArchive(f"{folder} is no backup of ours: {manifest.NAME} {error.strerror}.") from error
    return manifest.parse(raw)


def sync(folder: Path) -> None:
    """Have every file and folder below on the disk before this returns."""
    for path in (*_files(folder), *(one for one in folder.rglob("*") if one.is_dir()), folder):
        sync_folder(path)


def sync_folder(path: Path) -> None:
    """Have one file, or one folder's list of names, on the disk before this returns."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            yield path
        elif not stat.S_ISDIR(mode):
            raise BadArchive(f"{path} is neither a file nor a folder; a backup holds nothing else.")


def _entry(folder: Path, path: Path) -> Entry:
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        while data := file.read(CHUNK):
            size += len(data)
            digest.update(data)
    return Entry(name=str(path.relative_to(folder)), size=size, sha256=digest.hexdigest())


def _opened(path: Path) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        return file.read(manifest.LARGEST + 1)
