"""The doctor's check of another machine: ssh, the way there, its host key, our key, the socket, Podman's version."""

from __future__ import annotations

from aistack_backend.errors import BackendError
from aistack_backend.observe.doctor import LIMIT, Check
from aistack_backend.observe.preflight import OLDEST
from aistack_backend.wire.hosts import HostConfig
from aistack_backend.wire.status import Finding

PATIENCE = LIMIT - 1.5
"""Seconds for the way and for Podman: within a check's limit, so that what is missing can still be said."""


def reachable(host: HostConfig) -> Check:
    """Check a machine by going the whole way once, as the backend goes it; the first thing that is wrong is told."""
    name = f"host {host.name}"

    def ask() -> Finding:
        from aistack_backend.containers.hosts import trial

        try:
            version = trial.version(host, PATIENCE)
        except BackendError as error:
            return Finding(name=name, ok=False, detail=error.detail, fix=error.hint)
        digits = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        detail = f"Its host key is known, it takes our key, and Podman {version} answers on {host.address}."
        if digits >= OLDEST:
            return Finding(name=name, ok=True, detail=detail)
        fix = f"Install Podman {OLDEST[0]}.{OLDEST[1]} or newer there."
        return Finding(name=name, ok=False, detail=detail, fix=fix)

    return Check(name, ask)
