"""What an earlier life left where a socket is to be bound."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from aistack_backend.errors import Conflict, Refused


def clear(place: Path, name: Path | None = None) -> None:
    """Remove a socket of ours that nobody listens on; anything else stays and is named, as ``name`` where one is given.

    Raises:
        Refused: something that is no socket of ours lies there.
        Conflict: somebody answers on it already.
    """
    name = name or place
    try:
        found = place.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise Refused(f"{name} is not a socket (a link or a file lies there).", "Look at it and remove it.")
    if found.st_uid != os.getuid():
        raise Refused(f"{name} belongs to uid {found.st_uid}, not to you.", "Choose another data folder.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(place))
        except ConnectionRefusedError:
            place.unlink()
            return
        except OSError as error:
            raise Conflict(f"{name} neither answers nor refuses: {error}.", "Find who holds it: ss -xlp") from error
    raise Conflict(f"Something already listens on {name}.", "Find who holds it: ss -xlp")
