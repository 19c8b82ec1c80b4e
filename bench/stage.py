"""What measurements stand on: containers in number, a console on a backend, and what processes use."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from tests.bed.backend import CONSOLE, House, house
from tests.bed.boxes import Boxes
from tests.bed.terminal import Terminal

PODMAN = "/run/podman/podman.sock"


@contextmanager
def fleet(count: int) -> Iterator[Boxes]:
    """Give ``count`` running containers; they go at the end."""
    boxes = Boxes(f"bench{os.getpid()}-")
    try:
        for number in range(count):
            boxes.run(f"{number:03}")
        yield boxes
    finally:
        boxes.remove()


@contextmanager
def running_house(**settings: str) -> Iterator[House]:
    """Give a house whose backend answers."""
    with house(**settings) as home:
        home.start()
        yield home


def open_console(home: House, columns: int = 120, lines: int = 40) -> Terminal:
    """Open a console on the house."""
    return Terminal([CONSOLE], home.env, columns, lines)


class Api:
    """One kept connection to Podman, so that a call's return is the moment its effect is real."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(PODMAN)
        self._file = self._socket.makefile("rb")

    def post(self, path: str) -> float:
        """Call and return the monotonic moment when the answer was complete."""
        self._socket.sendall(f"POST /v4.0.0/libpod{path} HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n".encode())
        status = int(self._file.readline().split()[1])
        headers = {}
        while line := self._file.readline().strip():
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        body = self._file.read(int(headers.get(b"content-length", b"0")))
        moment = time.monotonic()
        if status >= 400:
            raise RuntimeError(f"Podman answered {status} to {path}: {json.loads(body)}")
        return moment

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()


@dataclass(frozen=True, slots=True)
class Use:
    """What a process used up to a moment."""

    cpu: float
    rss: int


def use(pid: int) -> Use:
    """Return processor seconds and resident bytes of a process and its children."""
    root = psutil.Process(pid)
    cpu, rss = 0.0, 0
    for one in (root, *root.children(recursive=True)):
        with one.oneshot():
            times = one.cpu_times()
            cpu += times.user + times.system
            rss += one.memory_info().rss
    return Use(cpu, rss)


def podman_service() -> int | None:
    """Return the pid of the process that listens on Podman's socket, or None."""
    for one in psutil.process_iter(["cmdline"]):
        words = one.info["cmdline"] or []
        if (
            words[1:3] == ["system", "service"]
            and any(PODMAN in word for word in words)
            and "podman" in Path(words[0]).name
        ):
            return int(one.pid)
    return None
