"""Walk a folder that an untrusted program wrote: by descriptors, never through a link, never blocking (R4.9)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aistack_backend.errors import BadInput, NotFound

DEEPEST = 64
"""Folders in folders; deeper is refused."""
SKIPPED = frozenset({".git", "__pycache__"})
"""Names (in any case) that are no part of a workspace's contents: a repository's own files, and byte code, which
would run in the place of the text beside it."""
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing in a folder; valid until the walk goes on."""

    path: str
    """Relative to the root, with ``/``; bytes that are no UTF-8 are surrogates."""
    name: str
    parent: int
    """Descriptor of the folder that it is in."""
    info: os.stat_result
    theirs: bool = False
    """It is a person's, and its rights are left as they are."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.info.st_mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.info.st_mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.info.st_mode)

    def target(self) -> str:
        """Return where a link points, unresolved."""
        return os.readlink(self.name, dir_fd=self.parent)

    def data(self) -> bytes:
        """Return a regular file's content; one that was replaced by something else meanwhile is empty.

        Raises:
            BadInput: a person's file that we may not read.
        """
        try:
            fd = self.opened(FILE)
        except OSError:
            return b""
        with os.fdopen(fd, "rb") as file:
            return file.read(self.info.st_size + 1)[: self.info.st_size] if _regular(fd) else b""

    def opened(self, flags: int) -> int:
        """Open it.

        Raises:
            OSError: it cannot be opened. BadInput: it is a person's, and we may not read it.
        """
        if not self.theirs:
            return opened(self.name, flags, self.parent)
        try:
            return os.open(self.name, flags, dir_fd=self.parent)
        except PermissionError as error:
            raise BadInput(
                f"{self.path} may not be read.", "Give yourself the right, or name another folder."
            ) from error


@contextmanager
def folder(root: Path) -> Iterator[int]:
    """Give the descriptor of a real folder.

    Raises:
        NotFound: it is not there, or is no folder. BadInput: it is a link, or may not be read.
    """
    try:
        fd = os.open(root, FOLDER)
    except FileNotFoundError as error:
        raise NotFound(f"There is no folder {root}.") from error
    except OSError as error:
        raise BadInput(f"{root} is no folder that can be read ({error.strerror}).", "Name a real folder.") from error
    try:
        yield fd
    finally:
        os.close(fd)


def walk(root: Path, *, theirs: bool = False) -> Iterator[Entry]:
    """Yield what is in a folder, by name, folders before what is in them; ``SKIPPED`` names are left out.

    In a folder of ours a right to read that a program took away is given back; of a person's (``theirs``) nothing is
    changed.

    Raises:
        NotFound, BadInput: the folder itself; folders nested too deeply; what is a person's and may not be read.
    """
    with folder(root) as fd:
        yield from _below(fd, "", 0, theirs)


def content(root: Path, path: str, most: int) -> bytes | None:
    """Return a regular file's content by its path below a folder, never through a link; None when there is none.

    Raises:
        NotFound, BadInput: the folder itself; the file is over ``most`` bytes, or something else is in its place.
    """
    *folders, name = path.split("/")
    with folder(root) as fd:
        held = os.dup(fd)
    try:
        for flags, part in [*((FOLDER, one) for one in folders), (FILE, name)]:
            below = os.open(part, flags, dir_fd=held)
            os.close(held)
            held = below
        if not _regular(held) or os.fstat(held).st_size > most:
            raise BadInput(f"{path} is no file of at most {most >> 20} MB.", "Name a regular file.")
        return os.pread(held, most, 0)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", "Name a regular file.") from error
    finally:
        os.close(held)


def opened(name: str, flags: int, parent: int) -> int:
    """Open a thing below a folder; when its owner (we) took the right to read away from it, give it back first.

    Raises:
        OSError: it cannot be opened.
    """
    try:
        return os.open(name, flags, dir_fd=parent)
    except PermissionError:
        held = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            if stat.S_ISLNK(os.fstat(held).st_mode):
                raise
            os.chmod(f"/proc/self/fd/{held}", 0o700)  # noqa: PTH101  the descriptor itself, not a path
        finally:
            os.close(held)
        return os.open(name, flags, dir_fd=parent)


def _regular(fd: int) -> bool:
    return stat.S_ISREG(os.fstat(fd).st_mode)


def _below(fd: int, prefix: str, depth: int, theirs: bool) -> Iterator[Entry]:
    if depth > DEEPEST:
        raise BadInput(f"The folders are nested more than {DEEPEST} deep at {prefix}.", "Name a flatter folder.")
    for name in sorted(os.listdir(fd)):
        if name.lower() in SKIPPED:
            continue
        try:
            info = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            continue
        entry = Entry(path=f"{prefix}{name}", name=name, parent=fd, info=info, theirs=theirs)
        yield entry
        if entry.is_folder:
            yield from _inside(entry, depth)


def _inside(entry: Entry, depth: int) -> Iterator[Entry]:
    try:
        fd = entry.opened(FOLDER)
    except OSError:  # gone, or replaced by a link meanwhile
        return
    try:
        yield from _below(fd, f"{entry.path}/", depth + 1, entry.theirs)
    finally:
        os.close(fd)
