"""Podman's own events file, followed by inotify: an event is here 1 to 2 ms after Podman wrote it.

The API gives the same events 0 to 250 ms late, because the service polls this file. The file exists where Podman's
``events_logger`` is ``file``; hosts with journald have none, and live by the API.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
from collections.abc import Iterator
from pathlib import Path

from aistack_backend.containers.models import Event
from aistack_backend.containers.parse import event_file
from aistack_backend.containers.port import Podman
from aistack_backend.errors import BackendError

IN_MODIFY, IN_MOVED_TO, IN_CREATE, IN_DELETE = 0x2, 0x80, 0x100, 0x200
IN_DELETE_SELF, IN_MOVE_SELF, IN_ONLYDIR = 0x400, 0x800, 0x1000000
LOOK_BACK = 1 << 16
"""Bytes at the end of the file that are searched for the newest event of a container."""


def place(socket: str) -> Path | None:
    """Return where the Podman behind a local socket keeps its events file by default, or None when it has none
    that we may read. Whether it is that Podman's file is for ``proven`` to say."""
    try:
        owner = Path(socket).stat().st_uid
    except OSError:
        return None
    home = Path("/run/libpod") if owner == 0 else Path(f"/run/user/{owner}/libpod/tmp")
    file = home / "events/events.log"
    return file if os.access(file, os.R_OK) else None


def proven(podman: Podman, file: Path) -> bool:
    """Tell whether the newest container event of the file is also one of this Podman's, to the nanosecond."""
    try:
        event = _newest(file)
        if event is None:
            return False
        known = podman.past_events(event.id, event.at - 1)
    except (OSError, BackendError):
        return False
    return any(e.nanos == event.nanos and e.action == event.action for e in known)


class FileTail:
    """The events that are appended to the file from the first read on; may be closed from any thread.

    Yields None when the position was lost (the file was rotated or cut): events may be missing, so list anew.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stop = os.eventfd(0, os.EFD_CLOEXEC)
        self._closed = False
        self._rest = b""
        self._handle = -1
        self._inode = 0

    def __iter__(self) -> Iterator[Event | None]:
        """Read for ever; raises ``OSError`` when the folder goes away."""
        watch = _watch(self._file.parent)
        try:
            self._open()
            poll = select.poll()
            poll.register(watch, select.POLLIN)
            poll.register(self._stop, select.POLLIN)
            while not self._closed:
                yield from self._read()
                ready = {fd for fd, _ in poll.poll()}
                if self._stop in ready:
                    return
                _drain(watch)
        finally:
            os.close(watch)
            self._shut()

    def close(self) -> None:
        """End the reader within a millisecond."""
        if not self._closed:
            self._closed = True
            os.eventfd_write(self._stop, 1)

    def __del__(self) -> None:
        os.close(self._stop)

    def _open(self) -> None:
        self._shut()
        self._handle = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)
        self._inode = os.fstat(self._handle).st_ino
        self._rest = b""
        os.lseek(self._handle, 0, os.SEEK_END)

    def _shut(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _read(self) -> Iterator[Event | None]:
        try:
            now = self._file.stat()
        except FileNotFoundError:
            self._shut()  # else the folder could not go, and would not tell that it went
            return
        end = os.lseek(self._handle, 0, os.SEEK_CUR) if self._handle >= 0 else 0
        if self._handle < 0 or now.st_ino != self._inode or now.st_size < end:
            self._open()
            yield None
        while block := os.read(self._handle, 1 << 16):
            *lines, self._rest = (self._rest + block).split(b"\n")
            for line in lines:
                event = _event(line)
                if event is not None:
                    yield event


def _newest(file: Path) -> Event | None:
    with file.open("rb") as handle:
        handle.seek(max(0, file.stat().st_size - LOOK_BACK))
        lines = handle.read().splitlines()
    for line in reversed(lines):
        event = _event(line)
        if event is not None and event.type == "container" and event.id:
            return event
    return None


def _event(line: bytes) -> Event | None:
    try:
        return event_file(json.loads(line))
    except (ValueError, AttributeError):
        return None


def _watch(folder: Path) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    handle = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    if handle < 0:
        raise OSError(ctypes.get_errno(), "inotify is not to be had")
    wanted = IN_MODIFY | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR
    if libc.inotify_add_watch(handle, os.fsencode(folder), wanted) < 0:
        code = ctypes.get_errno()
        os.close(handle)
        raise OSError(code, f"{folder} cannot be watched")
    return handle


def _drain(watch: int) -> None:
    try:
        changes = os.read(watch, 1 << 16)
    except BlockingIOError:
        return
    at = 0
    while at + 16 <= len(changes):
        mask = int.from_bytes(changes[at + 4 : at + 8], "little")
        if mask & (IN_DELETE_SELF | IN_MOVE_SELF):
            raise FileNotFoundError("the folder of the events file is gone")
        at += 16 + int.from_bytes(changes[at + 12 : at + 16], "little")
