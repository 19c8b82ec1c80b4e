"""Containers that Podman takes for running though their process is gone.

Podman learns of an end from conmon, the container's monitor. Where both were killed at once (the kernel out of memory,
a login's processes ended, a ``kill -9`` too many) nobody tells it: its list, its inspect and even its ``sync`` say
"running" from then on, with the number of a process that does not exist (seen with 4.3; only removal cures it).
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from aistack_backend.containers import sockets
from aistack_backend.containers.failures import PodmanSays
from aistack_backend.containers.parse import RUNS
from aistack_backend.wire.containers import Container, ContainerState

SURE = 2.0
"""Seconds that a process must be gone for: after an ordinary end Podman writes it down within 0.1 s."""
PROC = Path("/proc")
UCRED = struct.Struct("3i")


def near(path: str) -> bool:
    """Whether who serves this socket numbers its processes as we do, so that its containers' are in our ``/proc``:
    not so for a tunnel's end, a virtual machine's, or a Podman inside a container."""
    try:
        with sockets.knock(path) as knocked:
            pid = UCRED.unpack(knocked.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size))[0]
        served = PROC / str(pid)
        if (served / "comm").read_text().strip() not in {"podman", "systemd"}:
            return False
        return (served / "ns/pid").readlink() == (PROC / "self/ns/pid").readlink()
    except OSError:
        return False


def insisted(remove: Callable[[], object]) -> None:
    """Remove by force, and once more where Podman "could not stop" it: the first try gives a ghost up, the second
    removes it. Raises what the second raises."""
    try:
        remove()
    except PodmanSays as said:
        if "could not be stopped" not in said.detail:
            raise
        remove()


class Ghosts:
    """Names them ``DEAD`` once they have been gone for ``SURE`` seconds; any thread may ask."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._gone: dict[tuple[str, int], float] = {}

    def named(self, rows: Sequence[Container], ours: Callable[[], bool]) -> tuple[Container, ...]:
        """Return the rows as they are, but for ghosts; ``ours`` tells whether their processes are in our ``/proc``
        (asked only when one seems to be missing)."""
        return tuple(self._one(row, ours) for row in rows)

    def _one(self, row: Container, ours: Callable[[], bool]) -> Container:
        if row.pid is None:
            return row
        key = (row.id, row.pid)
        if row.state not in RUNS or (PROC / str(row.pid)).exists() or not ours():
            self._gone.pop(key, None)
            return row
        now = self._now()
        if now - self._gone.setdefault(key, now) < SURE:
            return row
        return replace(row, state=ContainerState.DEAD, pid=None)
