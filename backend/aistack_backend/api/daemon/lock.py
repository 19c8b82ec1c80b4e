"""One backend per data directory: an flock that the kernel lets go of when the process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from aistack_backend.errors import Conflict, Refused


class DataLock:
    """Holds ``<data>/backend.lock`` with our pid in it, as a context manager."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "backend.lock"
        self._fd = -1

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            Conflict: another backend holds it; the sentence names its pid.
        """
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(fd, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(fd)
            raise Conflict(
                f"A backend already runs on {self.path.parent} (pid {pid}).",
                f"Attach to it with aistack-console, or stop it with: kill {pid}",
                kind="backend-already-running",
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.ftruncate(self._fd, 0)
        os.close(self._fd)


def holder(data_dir: Path) -> int | None:
    """Return the pid of the backend that holds the lock now, or None."""
    try:
        fd = os.open(data_dir / "backend.lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(fd, 20, 0).decode(errors="replace").strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(fd)
    return None


def own_folder(path: Path) -> Path:
    """Make ``path`` (and its parents) and see that it is ours alone, mode 0700.

    Raises:
        Refused: it is a symbolic link, somebody else's, or its parent lets others replace it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _no_stranger(path.parent)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise Refused(f"{path} is no folder of its own but a link or a file.", "Remove it.") from None
        if found.st_uid != os.getuid():
            raise Refused(
                f"{path} belongs to uid {found.st_uid}, not to you (uid {os.getuid()}).", "Choose another data folder."
            ) from None
        path.chmod(0o700)
    return path


def _no_stranger(parent: Path) -> None:
    found = parent.stat()
    sticky = found.st_mode & stat.S_ISVTX
    if found.st_mode & stat.S_IWOTH and not sticky:
        raise Refused(
            f"{parent} can be written by everybody, so what lies in it can be replaced.", f"Run: chmod o-w {parent}"
        )
    if found.st_uid not in (0, os.getuid()):
        raise Refused(f"{parent} belongs to uid {found.st_uid}.", "Choose a data folder below one of your own.")
