"""The operator's socket, never wider than 0600, not for one moment (R4.1)."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from aistack_backend.errors import Conflict, Refused

BACKLOG = 128


def listen(path: Path) -> socket.socket:
    """Bind ``path`` in a folder that is ours alone, and listen. Call it with the data lock held.

    Raises:
        Refused: something that is no socket of ours lies there.
        Conflict: somebody answers on it already.
    """
    _clear(path)
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


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on; anything else stays and is named."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise Refused(f"{path} is not a socket (a link or a file lies there).", "Look at it and remove it.")
    if found.st_uid != os.getuid():
        raise Refused(f"{path} belongs to uid {found.st_uid}, not to you.", "Choose another data folder.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError as error:
            raise Conflict(f"{path} neither answers nor refuses: {error}.", "Find who holds it: ss -xlp") from error
    raise Conflict(f"Something already listens on {path}.", "Find who holds it: ss -xlp")
