"""``tcp``: a port takes a connection and, where ``greeting`` is given, begins with these words."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import closing

from aistack_backend.containers.ladder.probes import web
from aistack_backend.containers.ladder.probes.finding import Finding, Options, Reach
from aistack_backend.containers.ladder.probes.options import PORT, TEXT, Key
from aistack_backend.containers.ladder.probes.patience import limited

KEYS: Mapping[str, Key] = {"port": PORT, "greeting": TEXT}


def run(options: Options, reach: Reach) -> Finding:
    """Connect, read the greeting if one is wanted, and leave."""
    port, wanted = options["port"], str(options.get("greeting", "")).encode()
    heard = b""
    try:
        with closing(socket.create_connection(reach.address(port), timeout=reach.seconds)) as connection:
            if wanted:
                with limited(connection.fileno(), reach.seconds):
                    while len(heard) < len(wanted) and (part := connection.recv(len(wanted) - len(heard))):
                        heard += part
    except OSError as error:
        return Finding(ok=False, evidence=f"Port {port} {web.said(error)}.", next_step="Read its log.")
    if heard != wanted:
        evidence = f"Port {port} greets with {heard!r}; {wanted!r} would be right."
        return Finding(ok=False, evidence=evidence, next_step="Another program may listen there.")
    return Finding(ok=True, evidence=f"Port {port} takes connections.")
