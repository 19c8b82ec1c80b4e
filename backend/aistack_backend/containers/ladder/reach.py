"""A running service as probes reach it: by its published ports, its own address, and commands inside.

Passwords: no version of Podman before 5 gives a secret's value back, so it is read where the service itself reads
it, by ``cat`` of its file inside the container, once a run of the container. It stays in this process's memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from aistack_backend.containers.ladder.probes.finding import Unprobed
from aistack_backend.containers.models import ExecResult, Inspected
from aistack_backend.containers.port import Podman
from aistack_backend.containers.stack.models import SecretUse, ServiceDecl

ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  what others bound
KEPT = 100
READ = 10.0
"""Seconds that reading a secret inside may take."""


class SecretValues:
    """The secrets of running containers, read once for each run."""

    def __init__(self, podman: Podman) -> None:
        self._podman = podman
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    def value(self, found: Inspected, use: SecretUse) -> str:
        """Return the value of a secret of a running container.

        Raises:
            Unprobed: it cannot be read inside. BackendError: Podman refused.
        """
        key = (found.container.id, found.started, use.target)
        with self._lock:
            if key in self._known:
                return self._known[key]
        result = self._podman.exec(found.container.id, ("cat", use.target), READ)
        if result.exit_code != 0:
            raise Unprobed(f"The secret {use.source} cannot be read inside, at {use.target}.")
        value = result.out.decode("utf-8", "replace").rstrip("\r\n")
        with self._lock:
            self._known[key] = value
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return value


class ContainerReach:
    """Implements ``probes.finding.Reach`` for one running container."""

    def __init__(
        self, podman: Podman, secrets: SecretValues, service: ServiceDecl, found: Inspected, seconds: float
    ) -> None:
        self._podman = podman
        self._secrets = secrets
        self._service = service
        self._found = found
        self.seconds = seconds

    def address(self, port: int) -> tuple[str, int]:
        """See ``Reach.address``."""
        for published in self._found.container.ports:
            if published.container_port == port and published.protocol == "tcp" and published.host_port:
                return ANYWHERE.get(published.host_ip, published.host_ip), published.host_port
        if address := own_address(self._found.document):
            return address, port
        raise Unprobed(f"Port {port} is not published, and the container has no address of its own.")

    def secret(self, name: str) -> str:
        """See ``Reach.secret``; ``name`` is the manifest's or Podman's."""
        for use in self._service.secrets:
            if use.source == name or use.source.endswith(f"-{name}"):
                return self._secrets.value(self._found, use)
        known = ", ".join(use.source for use in self._service.secrets) or "none"
        raise Unprobed(f"{self._service.id} uses no secret {name!r} (it uses: {known}).")

    def exec(self, command: Sequence[str], seconds: float) -> ExecResult:
        """See ``Reach.exec``."""
        return self._podman.exec(self._found.container.id, command, seconds)


def own_address(document: Any) -> str:
    """Return a container's first address on its networks; empty when it has none."""
    networks = (document.get("NetworkSettings") or {}).get("Networks") or {}
    return next((str(one["IPAddress"]) for one in networks.values() if one and one.get("IPAddress")), "")


def addresses(document: Any) -> frozenset[str]:
    """Return every address of a container on its networks."""
    networks = (document.get("NetworkSettings") or {}).get("Networks") or {}
    keys = ("IPAddress", "GlobalIPv6Address")
    return frozenset(str(one[key]) for one in networks.values() if one for key in keys if one.get(key))
