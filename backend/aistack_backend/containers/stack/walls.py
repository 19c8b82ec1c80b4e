"""What no service may mount, whatever its file says (R4.7)."""

from __future__ import annotations

import os
from pathlib import Path

ROOTS = tuple(map(Path, ("/etc", "/proc", "/dev", "/sys", "/boot")))
"""Folders of the host of which nothing is given away."""
SOCKETS = ("podman.sock", "docker.sock", "containerd.sock", "crio.sock")
HELD = tuple(
    map(
        Path,
        ("/run", "/run/podman", "/run/docker", "/run/user", "/var", "/var/lib", "/home", "/usr", "/var/lib/containers"),
    )
)
"""Folders that are not given away as a whole."""


def bind_fault(source: str) -> str:
    """Return the end of a sentence on why this folder or file of the host may not be mounted; empty = it may."""
    written = Path(os.path.normpath(source))
    real = Path(os.path.realpath(source))
    for path in dict.fromkeys((written, real)):
        if path.name in SOCKETS:
            return "mounts a container engine's socket, and who has that owns the machine; no container gets it."
        if path == Path("/"):
            return "mounts the whole file system of the host; name the one folder that it needs."
        for root in ROOTS:
            if path == root or root in path.parents:
                return f"mounts {path} of the host, and nothing below {root} is given to a container."
        if path in HELD or _is_home(path) or _runtime(path):
            return f"mounts {path} as a whole; name the one folder in it that the service needs."
    return ""


def _is_home(path: Path) -> bool:
    homes = {Path.home(), Path(os.path.realpath(Path.home())), Path("/root")}
    return path in homes or any(path in home.parents for home in homes) or path.parent == Path("/home")


def _runtime(path: Path) -> bool:
    return path.parent == Path("/run/user") or (path.name == "podman" and path.parent.parent == Path("/run/user"))
