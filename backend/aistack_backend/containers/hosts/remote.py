"""Podman on another machine: the adapter of the real thing on the tunnel's socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from podman import PodmanClient

from aistack_backend.containers.failures import PodmanDown
from aistack_backend.containers.hosts.tunnel import Tunnel
from aistack_backend.containers.hosts.way import HostDown, judged
from aistack_backend.containers.podman import CALL, ApiPodman
from aistack_backend.wire.hosts import HostConfig


class RemotePodman(ApiPodman):
    """Speaks through the tunnel, and tells of faults by the machine's name. Events come by the API alone: an events
    file of this machine is not that Podman's."""

    def __init__(self, host: HostConfig, tunnel: Tunnel) -> None:
        super().__init__(f"unix://{tunnel.socket}", {})
        self._host = host
        self._tunnel = tunnel

    def connect(self) -> str:
        """Return the address of the machine whose Podman answers a ping now."""
        super().connect()
        return self._host.address

    def tried(self) -> str:
        """Return the address."""
        return self._host.address

    def events_file(self) -> Path | None:
        """There is none here."""
        return None

    def version(self, seconds: float = CALL) -> str:
        """Return the version of Podman there, within so many seconds; slow (0.1 to 0.6 s), not for a loop."""
        answer = json.loads(self.call("get", "/version", what="tell its version", timeout=seconds))
        return str(answer.get("Version", "of unknown version"))

    def _told(self, down: PodmanDown) -> HostDown:
        socket = str(self._tunnel.socket)
        return HostDown(judged(self._host, self._tunnel.link, down.state, down.detail, socket), self._host)

    def _bound(self) -> tuple[PodmanClient, str]:
        try:
            return super()._bound()
        except PodmanDown as down:
            raise self._told(down) from down

    def call(
        self,
        method: str,
        path: str,
        *,
        what: str,
        params: Mapping[str, object] | None = None,
        data: bytes | None = None,
        kind: str = "application/json",
        timeout: float = CALL,
        hijacked: bool = False,
    ) -> bytes:
        """See ``ApiPodman.call``.

        Raises:
            HostDown: in words of the machine.
        """
        try:
            return super().call(
                method, path, what=what, params=params, data=data, kind=kind, timeout=timeout, hijacked=hijacked
            )
        except HostDown:
            raise
        except PodmanDown as down:
            raise self._told(down) from down
