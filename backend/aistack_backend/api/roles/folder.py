"""Where each control role's socket lies: a folder of its own, to be mounted whole, so that it outlives the backend."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from aistack_backend.api.daemon.lock import own_folder
from aistack_backend.api.stale import clear

SOCKET = "aistack.sock"
BACKLOG = 64


def roles_dir(run_dir: Path) -> Path:
    """Return the folder that holds the roles' folders."""
    return run_dir / "roles"


def listen(run_dir: Path, role: str) -> socket.socket:
    """Make the role's folder where it is missing, and listen on its socket.

    The folders above are 0700, so no other user of this machine gets in; the role's own is 0755 and its socket 0666,
    because the user in the container is another one. Call it with the data lock held.

    Raises:
        Refused: a folder or the socket's place is not ours.
        Conflict: somebody answers on the socket.
    """
    own_folder(run_dir)
    own_folder(roles_dir(run_dir))
    return listen_in(own_folder(roles_dir(run_dir) / role), SOCKET)


def listen_in(folder: Path, name: str) -> socket.socket:
    """Listen on a socket (0666) in a folder of ours that becomes 0755; the folders above it keep others out.

    Raises:
        Refused: the socket's place is not ours. Conflict: somebody answers on it.
    """
    # through the open folder: its path may be longer than a socket's address can be, and cannot be swapped meanwhile
    held = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        place = Path(f"/proc/self/fd/{held}") / name
        clear(place, folder / name)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.bind(str(place))
            made.listen(BACKLOG)
            place.chmod(0o666)
        except OSError:
            made.close()
            raise
        folder.chmod(0o755)
    finally:
        os.close(held)
    made.setblocking(False)
    return made
