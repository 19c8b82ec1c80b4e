"""The verb ``work``: one worker process, from its lease to SIGTERM; and who shares a database."""

from __future__ import annotations

import logging
import re
import signal
from pathlib import Path

from aistack_backend.api.daemon.lock import own_folder
from aistack_backend.api.daemon.logfile import log_to
from aistack_backend.clock import SystemClock
from aistack_backend.engine.members import Members
from aistack_backend.errors import BadInput
from aistack_backend.orchestration.routing.switch import Switch
from aistack_backend.orchestration.routing.wayout import WayOut
from aistack_backend.orchestration.work import WorkProcess, fall, shareable, tools
from aistack_backend.store.database import Database

log = logging.getLogger(__name__)
GRACE = 10.0
"""Seconds that what runs gets at SIGTERM."""
LOCK_EVERY = 1.0
"""Seconds between two looks at the lock of the way out while something is on its way."""
ENDINGS = {signal.SIGTERM, signal.SIGINT}
_SLOT = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


def work(database_url: str, data_dir: Path, slot: str, *, local_only: bool = False) -> int:
    """Work until SIGTERM or SIGINT; what runs then gets ``GRACE`` seconds. Says on stdout when it is up, logs to
    stderr, keeps its lock, its name and its witness in ``<data_dir>/workers/<slot>``. The way out is locked where the
    backend's is, or for good by ``local_only``.

    Raises:
        BadInput: the slot is no name, or the database cannot be shared.
        Conflict: another worker has the slot. Unavailable: the database cannot be used.
    """
    if not _SLOT.fullmatch(slot):
        raise BadInput(f"{slot!r} is no slot.", "Give 1 to 32 of a-z, 0-9 and -, beginning with a letter or a digit.")
    log_to(None)
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)  # before the first thread: they all inherit it
    folder = data_dir / "workers" / slot
    shareable(database_url)
    database = Database(database_url)
    switch = Switch(database, SystemClock(), fixed=local_only)
    worker = WorkProcess(database_url, folder, tools(WayOut(lambda: switch, every=LOCK_EVERY)), fall)
    for path in (data_dir, folder.parent, folder):
        own_folder(path)
    try:
        print(f"{worker.start()} runs {', '.join(worker.kinds)}", flush=True)
        log.info("ended by signal %s", signal.Signals(signal.sigwait(ENDINGS)).name)
    finally:
        worker.stop(GRACE)
        database.close()
    return 0


def listed(database_url: str) -> int:
    """Print one line for each process that shares the database: name, whether it lives, where, and what it runs of
    what runs anywhere.

    Raises:
        BadInput: the database cannot be shared. Unavailable: it cannot be used.
    """
    shareable(database_url)
    database = Database(database_url)
    try:
        found = Members(database, SystemClock()).list()
    finally:
        database.close()
    for one in found:
        alive = "alive" if one.alive else "dead"
        print(f"{one.name:<24} {alive:<6} {one.host} pid {one.pid}  {', '.join(one.kinds)}")
    if not found:
        print("nobody")
    return 0
