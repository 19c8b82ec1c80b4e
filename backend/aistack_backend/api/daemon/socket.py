"""The operator's socket, never wider than 0600, not for one moment (R4.1)."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from aistack_backend.api.stale import clear

BACKLOG = 128


def listen(path: Path) -> socket.socket:
    """Bind ``path`` in a folder that is ours alone, and listen. Call it with the data lock held.

    Raises:
        Refused: something that is no socket of ours lies there.
        Conflict: somebody answers on it already.
    """
    clear(path)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        made.bind(str(path))
        path.chmod(0o600)
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    finally:
        os.umask(before)
    made.setblocking(False)
    return made


def answers(path: Path, timeout: float = 1.0) -> bool:
    """Return whether something accepts connections on that socket."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(timeout)
            probe.connect(str(path))
    except OSError:
        return False
    return True
