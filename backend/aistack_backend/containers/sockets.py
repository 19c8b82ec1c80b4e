"""Where Podman's API socket may be, in order, and which of the places answers."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from aistack_backend.containers.failures import PodmanDown, from_exception
from aistack_backend.wire.sources import SourceState

CONNECT = 1.0
"""Seconds for a connection: a local socket either accepts at once or its queue is full."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place to look: the socket's path and what named it."""

    path: str
    origin: str


def places(url: str, env: Mapping[str, str]) -> tuple[Place, ...]:
    """Return where to look. A configured ``url``, else ``CONTAINER_HOST``, stands alone: another Podman than
    the one that was named would be a surprise. Else the user's own socket, then the system's.

    Raises:
        PodmanDown: the URL is of a kind that we do not speak.
    """
    for given, origin in ((url, "podman.url"), (env.get("CONTAINER_HOST", ""), "CONTAINER_HOST")):
        if given:
            return (Place(_path(given, origin), origin),)
    runtime = env.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return (
        Place(f"{runtime}/podman/podman.sock", "this user's"),
        Place("/run/podman/podman.sock", "the system's"),
    )


def first(candidates: tuple[Place, ...]) -> str:
    """Return the path of the first socket that accepts a connection.

    Raises:
        PodmanDown: none does; REFUSED when one exists, else ABSENT; ``tried`` tells of each.
    """
    tried: list[str] = []
    worst = SourceState.ABSENT
    for place in candidates:
        try:
            knock(place.path).close()
        except OSError as error:
            down = from_exception(error, place.path)
            if down.state is not SourceState.ABSENT:
                worst = down.state
            tried.append(f"{place.path} ({place.origin}): {_why(error)}")
        else:
            return place.path
    detail = "No Podman socket exists." if worst is SourceState.ABSENT else "No Podman socket accepts us."
    raise PodmanDown(detail, worst, "; ".join(tried))


def knock(path: str) -> socket.socket:
    """Connect to a socket and return it, with the timeout of ``CONNECT``; raises ``OSError``."""
    one = socket.socket(socket.AF_UNIX)
    try:
        one.settimeout(CONNECT)
        one.connect(path)
    except OSError:
        one.close()
        raise
    return one


def signature(candidates: tuple[Place, ...]) -> tuple[object, ...]:
    """Return something that changes when a socket appears, goes or is made anew."""
    found: list[object] = []
    for place in candidates:
        try:
            stat = os.stat(place.path)  # noqa: PTH116  called ten times a second: no Path objects
            found.append((stat.st_ino, stat.st_ctime_ns))
        except OSError:
            found.append(None)
    return tuple(found)


def _path(url: str, origin: str) -> str:
    if url.startswith("/"):
        return url
    scheme, _, rest = url.partition("://")
    if scheme == "unix" and rest.startswith("/"):
        return rest
    raise PodmanDown(
        f"{origin} is {url!r}: only a local socket (unix:///path) is spoken; for another machine, tunnel its socket"
        " with `ssh -N -L /path/here.sock:/run/podman/podman.sock HOST`.",
        SourceState.FAILED,
        url,
    )


def _why(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "accepts no connection in time"
    return (error.strerror or str(error)).lower()
