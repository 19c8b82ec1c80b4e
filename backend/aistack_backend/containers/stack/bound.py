"""The configuration files that a service reads of its manifest's folder, as fingerprints that tell an edit.

Only read-only bind mounts count: what a service may write changes by itself, and is data.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from aistack_backend.containers.stack.models import Manifest, ServiceDecl

LARGEST = 1 << 20
"""Bytes up to which a file is told by its content; beyond, by its size and time of change."""
MANY = 200
"""Files up to which a folder is told by their content; beyond, by their sizes and times of change."""
MOST = 2000
"""Files of a folder that are looked at."""
Stamp = tuple[int, int, int, int]
"""Time of change in nanoseconds, size in bytes, inode, and the kernel's own time of change, which nobody can set."""


def fingerprints(manifest: Manifest, service: ServiceDecl) -> dict[str, str]:
    """Return 16 hex digits for each mounted file or folder below the manifest's own, by its path from above that."""
    if not manifest.files:
        return {}
    folder = Path(manifest.files[0]).parent
    found = {}
    for mount in service.mounts:
        path = Path(mount.source)
        if mount.type == "bind" and mount.read_only and path.is_relative_to(folder):
            found[str(Path(folder.name) / path.relative_to(folder))] = _fingerprint(path)
    return found


def brief(prints: Mapping[str, str]) -> str:
    """Return all of a service's fingerprints as one; empty when it has none."""
    return _digest(json.dumps(prints, sort_keys=True).encode()) if prints else ""


def edited(noted: str | None, prints: Mapping[str, str]) -> tuple[str, ...]:
    """Return the paths that differ from what was ``noted`` as JSON; none where nothing was noted of them."""
    try:
        before = json.loads(noted or "{}")
    except ValueError:
        return ()
    if not isinstance(before, dict):
        return ()
    return tuple(path for path, one in prints.items() if path in before and before[path] != one)


def _fingerprint(path: Path) -> str:
    files = list(_files(path))
    by_content = len(files) <= MANY
    told = [f"{name}\0{_told(file, by_content)}" for name, file in files]
    return _digest("\n".join(sorted(told)).encode("utf-8", "surrogateescape"))


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files below a path, or itself, at most ``MOST``, in an order that stays."""
    if not path.is_dir():
        yield "", path.resolve()
        return
    count = 0
    for folder, inner, names in os.walk(path):
        inner.sort()
        for name in sorted([*names, *(one for one in inner if (Path(folder) / one).is_symlink())]):
            if count == MOST:
                return
            count += 1
            file = Path(folder) / name
            yield str(file.relative_to(path)), file


def _told(file: Path, by_content: bool) -> str:
    """Return what tells a file from what it was; a link inside a folder is told by where it leads."""
    try:
        found = file.stat() if file.is_file() and not file.is_symlink() else file.lstat()
        if stat.S_ISLNK(found.st_mode):
            return f"link {file.readlink()}"
    except OSError:
        return "absent"
    stamp = (found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns)
    if by_content and stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST:
        return _content(str(file), stamp)
    return f"{found.st_mtime_ns} {found.st_size}"


@lru_cache(maxsize=4096)
def _content(file: str, stamp: Stamp) -> str:
    """Return the digest of a file's content, read once for each ``stamp`` that it had."""
    try:
        with Path(file).open("rb") as opened:
            return _digest(opened.read(LARGEST + 1))
    except OSError:
        return f"{stamp[0]} {stamp[1]}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
