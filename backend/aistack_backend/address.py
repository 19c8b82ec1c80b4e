"""Which addresses may be fetched from, and one strict form of a URL: what is written oddly is refused, not guessed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from aistack_backend.errors import BadInput

LONGEST = 2_000
"""Characters of a URL."""
PORTS = {"http": 80, "https": 443}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]+")
"""What a URL is made of: visible ASCII without quotes, angle brackets, backslash, caret, backtick, braces and bar."""
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
_NUMBER = re.compile(r"\d+|0[xX][0-9a-fA-F]*")
_WRAPPING = tuple(ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
"""IPv6 networks whose addresses carry an IPv4 address that somebody else would unwrap."""


@dataclass(frozen=True, slots=True)
class Place:
    """One URL, taken apart."""

    url: str
    scheme: str
    host: str
    port: int

    @property
    def end(self) -> str:
        """``host:port``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read(url: str) -> Place:
    """Take a URL apart.

    Raises:
        BadInput: it is not a plain http or https URL; one sentence says what is wrong.
    """
    if not url or len(url) > LONGEST:
        raise BadInput(f"A URL of 1 to {LONGEST} characters is needed.", "Give e.g. https://example.org/page.")
    if not _PLAIN.fullmatch(url.lower()):
        raise BadInput("The URL holds characters that a URL does not have.", "Write them as %XX, and a name as xn--….")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadInput(f"The URL cannot be read: {error}.") from error
    if parts.scheme not in PORTS:
        raise BadInput(f"Only http and https are fetched, not {parts.scheme or 'a URL without a scheme'}.")
    if "@" in parts.netloc or "%" in parts.netloc:
        raise BadInput("The URL carries a user name, or an escape in its host: give the plain host.")
    host = (parts.hostname or "").rstrip(".")
    _check_host(host, bracketed=parts.netloc.startswith("["))
    if port is not None and not 0 < port < 65536:
        raise BadInput(f"{port} is no port.")
    return Place(url.partition("#")[0], parts.scheme, host, port or PORTS[parts.scheme])


def forbidden(address: str, allowed: Sequence[str] = ()) -> str:
    """Return "" when this IP address is a public one, or in ``allowed``; else one sentence why not."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return f"{address} is no IP address."
    if any(found in ipaddress.ip_network(net) for net in allowed):
        return ""
    inner = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    wrapped = inner is not None or any(found in net for net in _WRAPPING)
    if wrapped or not found.is_global or found.is_multicast or found.is_reserved or found.is_unspecified:
        return f"{address} is not an address of the public network."
    return ""


def literal(host: str) -> Address | None:
    """Return the IP address that a host is written as, None when it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check_host(host: str, *, bracketed: bool) -> None:
    if bracketed:
        if not isinstance(literal(host), ipaddress.IPv6Address):
            raise BadInput(f"[{host}] is no IPv6 address.")
        return
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise BadInput(f"{host!r} is no host name.")
    if _NUMBER.fullmatch(labels[-1]) and literal(host) is None:
        raise BadInput(f"{host} is an address in an odd form: write it as four decimal numbers.")
