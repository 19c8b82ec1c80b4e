"""Who is on the other end of the socket: told by the kernel when the connection was accepted (R1.13)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import pwd
import socket
import struct
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from aistack_backend.api.patience import PatientProtocol
from aistack_backend.approvals.port import Person
from aistack_backend.errors import Refused
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.rendezvous import OPERATOR_HEADER

UCRED = struct.Struct("3i")
VIAS = ("tui", "cli")
CLAIMS = ("SSH_CONNECTION", "SSH_TTY", "TMUX", "STY")
"""Variables of the peer's environment that say where it sits. Claimed, not proven."""


class PeerProtocol(PatientProtocol):
    """Puts the peer into ``scope["state"]["peer"]``, where no header can reach."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Read SO_PEERCRED once, at accept; a pid looked up later may be somebody else's."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "peer": peer_of(transport.get_extra_info("socket"))}


def peer_of(connection: socket.socket) -> Person | None:
    """Return who connected, or None when this is no Unix socket."""
    if connection.family != socket.AF_UNIX:
        return None
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
    pid, uid, gid = UCRED.unpack(raw)
    return Person(uid=uid, gid=gid, pid=pid, user=user_name(uid), session=claims(pid))


@lru_cache(maxsize=256)
def user_name(uid: int) -> str:
    """Return the account's name, or ``uid:N`` for one without."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid:{uid}"


def claims(pid: int, proc: Path = Path("/proc")) -> str:
    """Return what the process's environment says about its session, e.g. ``SSH_CONNECTION=… tty=…``."""
    said = []
    try:
        environment = (proc / str(pid) / "environ").read_bytes().decode(errors="replace").split("\0")
        said = [line for line in environment if line.split("=", 1)[0] in CLAIMS]
        tty = os.readlink(proc / str(pid) / "fd" / "0")  # noqa: PTH115  the link itself is the answer
    except OSError:
        return " ".join(said)
    return " ".join([*said, f"tty={tty}"] if tty.startswith(("/dev/pts/", "/dev/tty")) else said)


def may_connect(peer: Person | None) -> bool:
    """Return whether that peer is this backend's own user, or root."""
    return peer is not None and peer.uid in (0, os.getuid())


def person(request: Request) -> Person:
    """Give the connected person to a route, with the client's own word for how it came, and the proven name.

    Raises:
        Refused: the connection carries no kernel identity, or an operator key that is not right (recorded).
    """
    peer = request.scope.get("state", {}).get("peer")
    if not isinstance(peer, Person):
        raise Refused("This connection has no identity from the kernel.", "Use the operator's Unix socket.")
    via = request.headers.get("x-aistack-via", "")
    known = replace(peer, via=via if via in VIAS else "api")
    if (said := request.headers.get(OPERATOR_HEADER)) is None:
        return known
    parts = request.app.state.parts
    if name := proven(said, parts.settings.config.operators):
        return replace(known, name=name)
    refused = Refused(
        "The operator key is not right.", "See console.operator_key and [operators].", kind="operator-key"
    )
    parts.audit.get().note(
        phase=Phase.NOTE,
        actor=known.actor,
        via=known.via,
        kind="operator.key",
        object=said.partition(":")[0][:32],
        outcome=f"refused: {refused.detail}",
    )
    raise refused


def proven(said: str, operators: Mapping[str, str]) -> str:
    """Return the name of ``NAME:KEY`` when that is its key, else ""."""
    name, _, key = said.partition(":")
    digest = hashlib.sha256(key.encode("latin-1", "replace")).hexdigest()
    return name if hmac.compare_digest(digest, operators.get(name, "")) else ""


Caller = Annotated[Person, Depends(person)]
"""The person behind a request."""
