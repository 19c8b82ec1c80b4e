"""One try of the whole way to another machine's Podman, from nothing: what the doctor does."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

from aistack_backend.clock import SystemClock
from aistack_backend.containers.hosts.remote import RemotePodman
from aistack_backend.containers.hosts.ssh import Said, login
from aistack_backend.containers.hosts.tunnel import Tunnel
from aistack_backend.containers.hosts.way import HostDown
from aistack_backend.wire.hosts import HostConfig
from aistack_backend.wire.sources import SourceState

AGAIN = 0.1
"""Seconds between two tries of Podman's socket: what ssh says of it comes a moment after the socket has failed."""


def version(host: HostConfig, seconds: float) -> str:
    """Return the version of the Podman that answers there, over a tunnel of its own that is closed again.

    Raises:
        HostDown: the first thing on the way that is not as it should be, and what would mend it.
    """
    with tempfile.TemporaryDirectory(prefix="ai-") as folder:
        tunnel = Tunnel(host, Path(folder), SystemClock())
        podman = RemotePodman(host, tunnel)
        news = threading.Event()
        tunnel.start(news.set)
        try:
            return _asked(podman, tunnel, news, time.monotonic() + seconds)
        except HostDown as down:
            if down.state is not SourceState.CONNECTING:
                raise
            late = f"{login(host)} did not answer within {seconds:g} s."
            hint = "See whether that machine is up and the network leads there."
            raise HostDown(Said(state=SourceState.HANGING, detail=late, hint=hint), host) from down
        finally:
            podman.close()
            tunnel.stop()


def _asked(podman: RemotePodman, tunnel: Tunnel, news: threading.Event, until: float) -> str:
    while True:
        news.wait(AGAIN)
        if tunnel.link.said.state is SourceState.CONNECTING and time.monotonic() < until:
            news.clear()
            continue
        try:
            return podman.version(max(AGAIN, until - time.monotonic()))
        except HostDown:
            final = not tunnel.link.open or tunnel.link.blocked is not None
            if final or time.monotonic() > until:
                raise
            news.clear()
