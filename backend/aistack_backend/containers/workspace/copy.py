"""Copies of folders: bounded, without what could act, written below their root whatever lies there."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aistack_backend.containers.workspace.walk import FOLDER, Entry, folder, opened, walk
from aistack_backend.errors import BadInput

FILES = 20_000
"""Most files and folders of a workspace."""
MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
Owner = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Size:
    """What a folder holds."""

    files: int
    bytes: int


def measure(root: Path, stop: int = 0, *, theirs: bool = False) -> Size:
    """Count a folder's entries and their bytes on disk (a sparse file counts by its length); with ``stop`` no more
    entries than that are looked at. ``theirs``: see ``walk``, as in all of these."""
    files = total = 0
    for entry in walk(root, theirs=theirs):
        if stop and files >= stop:
            break
        files += 1
        total += 0 if entry.is_folder else max(entry.info.st_size, entry.info.st_blocks * 512)
    return Size(files, total)


def fingerprint(root: Path, *, theirs: bool = False) -> str:
    """Return a digest of every path, kind, executable bit and content; times and owners do not count."""
    digest = hashlib.sha256()
    for entry in walk(root, theirs=theirs):
        body = entry.target().encode(errors="surrogateescape") if entry.is_link else b""
        if entry.is_file:
            body = hashlib.sha256(entry.data()).digest()
        kind = stat.S_IFMT(entry.info.st_mode) | (entry.info.st_mode & 0o100 if entry.is_file else 0)
        digest.update(b"%b\0%o\0%d\0%b\0" % (os.fsencode(entry.path), kind, len(body), body))
    return digest.hexdigest()


def copy(source: Path, target: Path, most: int, owner: Owner | None = None, *, theirs: bool = False) -> None:
    """Make ``target`` a copy of what ``source`` holds: folders, files and links (never followed), nothing else.

    Raises:
        NotFound: there is no such folder.
        BadInput: it holds more than ``most`` bytes or ``FILES`` entries, something that is neither file, folder nor
            link, or what is a person's and may not be read.
    """
    target.mkdir(mode=0o700)
    count = total = 0
    with folder(target) as root:
        _own(root, owner)
        for entry in walk(source, theirs=theirs):
            count, total = count + 1, total + (entry.info.st_size if entry.is_file else 0)
            if count > FILES or total > most:
                limit = f"{FILES:,} files" if count > FILES else f"{most >> 20} MB"
                raise BadInput(f"{source} holds more than {limit}.", "Name a smaller folder, or raise the limit.")
            _put(root, entry, entry.path, owner, strict=True)


def restore(source: Path, target: Path, paths: tuple[str, ...], owner: Owner | None = None) -> tuple[str, ...]:
    """Put these files and folders of ``source`` in the place of whatever ``target`` has there; return those that had
    been changed. A path that ``source`` does not have is removed.

    Raises:
        BadInput: a path leads out of the folder.
    """
    changed = []
    for path in paths:
        parts = inside(path)
        before, after = _part(target, path), _part(source, path)
        if before == after:
            continue
        changed.append(path)
        with folder(target) as root, _parent(root, parts[:-1], owner) as parent:
            _remove(parts[-1], parent)
        with folder(target) as root:
            for entry in walk(source):
                if entry.path == path or entry.path.startswith(f"{path}/"):
                    with _parent(root, tuple(entry.path.split("/")[:-1]), owner):
                        _put(root, entry, entry.path, owner, strict=False)
    return tuple(changed)


def inside(path: str) -> tuple[str, ...]:
    """Return the parts of a relative path.

    Raises:
        BadInput: it is empty, absolute, or has ``..`` or a name that workspaces leave out in it.
    """
    parts = tuple(path.split("/"))
    if not path or "\0" in path or any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise BadInput(f"{path!r} is no path inside the folder.", "Give it relative to the folder, without '..'.")
    return parts


def remove(root: Path) -> None:
    """Remove a folder and all in it; nothing when it is not there."""
    if root.is_symlink():
        root.unlink()
    elif root.exists():
        for _ in walk(root):  # gives rights back that the agent took away
            pass
        shutil.rmtree(root)


def _part(root: Path, path: str) -> list[tuple[str, int, bytes]]:
    found = []
    for entry in walk(root):
        if entry.path == path or entry.path.startswith(f"{path}/"):
            body = entry.data() if entry.is_file else os.fsencode(entry.target()) if entry.is_link else b""
            found.append((entry.path, stat.S_IFMT(entry.info.st_mode), body))
    return found


def _put(root: int, entry: Entry, path: str, owner: Owner | None, *, strict: bool) -> None:
    parts = path.split("/")
    with _parent(root, tuple(parts[:-1]), owner) as parent:
        name = parts[-1]
        if entry.is_folder:
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=parent)
            fd = os.open(name, FOLDER, dir_fd=parent)
        elif entry.is_link:
            os.symlink(entry.target(), name, dir_fd=parent)
            return
        elif entry.is_file:
            fd = os.open(name, MAKE, 0o755 if entry.info.st_mode & 0o100 else 0o644, dir_fd=parent)
            with os.fdopen(os.dup(fd), "wb") as file:
                file.write(entry.data())
        elif strict:
            raise BadInput(f"{path} is neither a file, a folder nor a link.", "Remove it, or name another folder.")
        else:
            return
        _own(fd, owner)
        os.close(fd)


def _own(fd: int, owner: Owner | None) -> None:
    if owner is not None:
        os.fchown(fd, *owner)


@contextmanager
def _parent(root: int, parts: tuple[str, ...], owner: Owner | None) -> Iterator[int]:
    """Give the folder below ``root``; what is in the way and no folder is removed, what is missing is made."""
    fd = os.dup(root)
    try:
        for part in parts:
            try:
                below = opened(part, FOLDER, fd)
            except OSError:
                _remove(part, fd)
                os.mkdir(part, 0o755, dir_fd=fd)
                below = os.open(part, FOLDER, dir_fd=fd)
                _own(below, owner)
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)


def _remove(name: str, parent: int) -> None:
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        shutil.rmtree(name, dir_fd=parent)
