"""Which service shows a certificate of ours, and what it shows now: measured over TLS, never read from a file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException

from aistack_backend.clock import Clock
from aistack_backend.containers.certificate.x509 import Certificate, NoCertificate, of_der
from aistack_backend.containers.ladder.probes import web
from aistack_backend.containers.ladder.reach import ANYWHERE
from aistack_backend.containers.parse import RUNS
from aistack_backend.containers.port import Podman
from aistack_backend.containers.stack.models import Manifest, SecretDecl, ServiceDecl
from aistack_backend.errors import Unavailable
from aistack_backend.wire.containers import Container

GENERATED = "certificate"
PATIENCE = 3.0
"""Seconds for one handshake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the last look at one service found."""

    at: float
    certificate: Certificate | None = None
    fault: str = ""
    """One sentence, when none was seen."""


class Shown:
    """Looks at the services that use a certificate made here; keeps the last look. Safe from several threads."""

    def __init__(self, manifest: Callable[[], Manifest | None], podman: Podman, clock: Clock) -> None:
        self._manifest = manifest
        self._podman = podman
        self._clock = clock
        self._lock = threading.Lock()
        self._last: Mapping[str, Seen] = {}

    def now(self) -> Mapping[str, Seen]:
        """Return the last look, by service."""
        with self._lock:
            return self._last

    def look(self) -> Mapping[str, Seen]:
        """Look at every running one; blocks for a handshake each.

        Raises:
            PodmanDown: it does not answer.
        """
        manifest = self._manifest()
        wanted = [decl for decl in manifest.services.values() if secret(manifest, decl)] if manifest else []
        rows = {row.name: row for row in self._podman.list()} if wanted else {}
        found = {decl.id: self._seen(decl, rows[decl.container]) for decl in wanted if runs(rows.get(decl.container))}
        with self._lock:
            self._last = found
        return found

    def measure(self, decl: ServiceDecl) -> Certificate:
        """Return what a service shows this moment.

        Raises:
            Unavailable: it does not run, publishes no TLS port, or does not speak TLS. PodmanDown.
        """
        row = next((one for one in self._podman.list() if one.name == decl.container), None)
        if row is None or not runs(row):
            raise Unavailable(
                f"{decl.id} does not run: its certificate cannot be seen.", f"aistack-console up {decl.id}"
            )
        return handshake(decl, row)

    def _seen(self, decl: ServiceDecl, row: Container) -> Seen:
        try:
            return Seen(at=self._clock.now(), certificate=handshake(decl, row))
        except Unavailable as error:
            return Seen(at=self._clock.now(), fault=error.detail)


def secret(manifest: Manifest, decl: ServiceDecl) -> SecretDecl | None:
    """Return the made certificate that a service uses, None when it uses none."""
    made = {one.name: one for one in manifest.secrets.values() if one.generate == GENERATED}
    return next((made[use.source] for use in decl.secrets if use.source in made), None)


def runs(row: Container | None) -> bool:
    """Whether a container is there and runs."""
    return row is not None and row.state in RUNS


def handshake(decl: ServiceDecl, row: Container) -> Certificate:
    """Return the certificate that a running container shows at the port which its probes speak TLS to.

    Raises:
        Unavailable: it publishes none, or what answers shows none.
    """
    wanted = next((one.options for one in decl.extra.probes if one.options.get("tls")), {})
    port = next((one for one in row.ports if one.container_port == wanted.get("port") and one.host_port), None)
    if port is None:
        raise Unavailable(f"{decl.id} publishes no port that a probe speaks TLS to.")
    where = (ANYWHERE.get(port.host_ip, port.host_ip), port.host_port)
    try:
        return of_der(web.certificate(where, PATIENCE, str(wanted.get("host") or "localhost")))
    except (OSError, HTTPException) as error:
        raise Unavailable(f"{decl.id} at {where[0]}:{where[1]} {web.said(error)}.") from error
    except NoCertificate as error:
        raise Unavailable(f"{decl.id} at {where[0]}:{where[1]}: {error}") from error
