"""Where spans may be sent: this machine, the stack's own Jaeger, or anybody by https."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from aistack_backend.errors import BadInput

OWN = frozenset({"localhost", "jaeger", "local-ai-jaeger"})
"""Names that may be reached without TLS."""
PATH = "/v1/traces"


def checked(url: str) -> str:
    """Return the whole address of ``traces.otlp``; without a path it is OTLP's own.

    Raises:
        BadInput: it is no URL with a host, holds a name and password, or is not https to another machine.
    """
    example = f"Write e.g. http://127.0.0.1:4318{PATH}."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadInput(f"traces.otlp is no URL: {error}.", example) from error
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        raise BadInput("traces.otlp is no URL with http or https and a host.", example)
    if parts.username is not None or parts.password is not None or parts.fragment or parts.query:
        raise BadInput("traces.otlp holds a name, a password, a ? or a #.", example)
    if parts.scheme == "http" and not _own(host):
        raise BadInput(f"traces.otlp goes to {host} without TLS.", "Use https, or http to this machine or to jaeger.")
    return f"{parts.scheme}://{parts.netloc}{parts.path if parts.path.strip('/') else PATH}"


def _own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in OWN
