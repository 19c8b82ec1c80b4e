"""Which process is which, and in which container: read from /proc."""

from __future__ import annotations

import re
from pathlib import Path

CONTAINER = re.compile(r"(?:libpod-|docker-|crio-|/)([0-9a-f]{64})(?:\.scope|/|$)")
"""In a cgroup path: ``…/libpod-ID.scope`` (systemd), ``…/libpod_parent/libpod-ID`` (cgroupfs), ``/docker/ID``."""


def container_of(pid: int, root: Path = Path("/")) -> str:
    """Return the full id of the container that the process runs in; empty = none, or the process is gone."""
    try:
        text = (root / "proc" / str(pid) / "cgroup").read_text()
    except OSError:
        return ""
    found = next((match for line in text.splitlines() if (match := CONTAINER.search(line))), None)
    return found.group(1) if found else ""


def name_of(pid: int, root: Path = Path("/")) -> str:
    """Return the process's short name; empty when it is gone or hidden from us."""
    try:
        return (root / "proc" / str(pid) / "comm").read_text(errors="replace").rstrip("\n")
    except OSError:
        return ""
