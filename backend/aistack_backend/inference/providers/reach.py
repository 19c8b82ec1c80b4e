"""Which addresses an endpoint may stand at: its name is resolved once, and the connection goes to that very address.

R4.6 in our words: what is not marked as the owner's own must stand at a public address, what is marked so must not,
and a link-local address (where clouds keep their metadata) is neither.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from aistack_backend.address import forbidden, literal
from aistack_backend.inference.download import resolve
from aistack_backend.inference.providers.faults import ProviderDown
from aistack_backend.wire.providerconfig import ProviderConfig, is_here

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
LOOPBACK = ("127.0.0.1", "::1")


async def addresses(provider: ProviderConfig, resolver: Resolve = resolve) -> Sequence[str]:
    """Return where to connect, in order; never empty.

    Raises:
        ProviderDown: the name cannot be resolved within the time, or leads where it may not.
    """
    parts = urlsplit(provider.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if host == "localhost":
        return LOOPBACK
    found: Sequence[str] = (host,)
    if literal(host) is None:
        try:
            async with asyncio.timeout(provider.connect_timeout):
                found = await resolver(host, port)
        except (OSError, TimeoutError) as error:
            raise ProviderDown(f"{provider.host} does not answer: its name cannot be resolved.") from error
    for one in found:
        if why := "" if is_here(host) else wrong(one, local=provider.local):
            hint = "Set local = true if it is your own." if not provider.local else "Leave local = true out."
            raise ProviderDown(f"{provider.name} is not asked: {why}", hint)
    if not found:
        raise ProviderDown(f"{provider.host} does not answer: its name has no address.")
    return found


def wrong(address: str, *, local: bool) -> str:
    """Return "" when an endpoint may stand at this address; else one sentence why not."""
    if not local:
        return forbidden(address)
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return f"{address} is no IP address."
    if found.is_loopback:
        return ""
    odd = found.is_link_local or found.is_multicast or found.is_unspecified or found.is_reserved
    mapped = isinstance(found, ipaddress.IPv6Address) and (found.ipv4_mapped or found.sixtofour or found.teredo)
    if found.is_global or odd or mapped:
        return f"{address} is not an address of an own network."
    return ""
