"""Serve one data directory, from its lock to the last byte of the last answer."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aistack_backend.api.daemon.lock import DataLock, own_folder
from aistack_backend.api.daemon.socket import listen
from aistack_backend.settings import Settings
from aistack_backend.store.settle import settle

if TYPE_CHECKING:  # heavy, and not needed to find out that another backend is there
    from fastapi import FastAPI

log = logging.getLogger(__name__)


@contextmanager
def claim(settings: Settings) -> Iterator[socket.socket]:
    """Make the folders, take the lock, finish a restore that was cut off, and listen; at the end remove the socket
    and let the lock go.

    Raises:
        Conflict: another backend has the data directory.
        Refused: a folder or the socket's place is not safe.
        OSError: a folder or file cannot be made.
    """
    own_folder(settings.data_dir)
    own_folder(settings.run_dir)
    with DataLock(settings.data_dir):
        settle(settings.data_dir)
        bound = listen(settings.socket)
        try:
            yield bound
        finally:
            bound.close()
            settings.socket.unlink(missing_ok=True)


def serve(
    settings: Settings,
    build: Callable[[Settings], FastAPI],
    bound: socket.socket,
    ready: Callable[[], None],
) -> None:
    """Answer requests until SIGTERM, SIGINT or a request to stop; ``ready`` is called when the first can come."""
    from aistack_backend.api.daemon.server import Server

    async def run() -> None:
        await Server(build(settings), ready).serve(sockets=[bound])

    log.info("serving %s", settings.socket)
    asyncio.run(run())
    log.info("stopped")
