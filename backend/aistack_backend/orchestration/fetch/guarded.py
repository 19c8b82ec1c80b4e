"""One guarded GET: each name is resolved once, every answer must be public, and the connection goes to that address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urljoin

from aistack_backend.address import Place, forbidden, literal, read
from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.knowledge import charsets
from aistack_backend.orchestration.fetch.unpack import unpacked
from aistack_backend.orchestration.routing.wayout import WayOut

T = TypeVar("T")
AGENT = "aistack-console (http.fetch)"
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a name.

    Raises:
        OSError: it has none, or nobody answers.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a machine answered."""

    url: str
    """Where it came from in the end."""
    status: int
    kind: str
    """Content type without its parameters; empty = none was told."""
    charset: str
    """What its parameters say; empty = nothing."""
    body: bytes
    """At most as many bytes as were asked for."""
    cut: bool = False
    """There is more of it."""
    modified: float | None = None
    """When the server says that it was made; None = it does not."""
    leads_to: str = ""
    """Where a redirect that was not followed leads."""
    by_way_of: tuple[str, ...] = ()
    """The URLs that led here."""


class Guarded:
    """Sends GETs to public addresses, and to nothing else."""

    def __init__(self, find: Resolve = resolve, allowed: Sequence[str] = (), way: WayOut | None = None) -> None:
        """``allowed`` are networks that may be fetched from although they are not public (none by default). ``way``
        holds everything back while the lock is closed; None = there is no lock here."""
        self._find, self._allowed, self._way = find, tuple(allowed), way

    def shut(self, place: Place) -> str:
        """Return in one sentence why nothing may go there now: its address, or the lock; "" = it may."""
        return self.forbidden(place) or (self._way.shut(place.host) if self._way else "")

    async def sent(self, place: Place, work: Coroutine[Any, Any, T]) -> T:
        """Run what sends something there, unless the lock is closed, and cut it off when that is closed meanwhile.

        Raises:
            Refused: the lock is closed. Unavailable: it was closed meanwhile.
        """
        return await (self._way.sent(place.host, work) if self._way else work)

    def forbidden(self, place: Place) -> str:
        """Return in one sentence why an address that is written as one is not fetched from, or ""."""
        return forbidden(place.host, self._allowed) if literal(place.host) else ""

    async def address(self, place: Place) -> str:
        """Return the address to connect to, once all addresses of the name are seen to be public.

        Raises:
            BadInput: one of them is not, or there is none. OSError: the name cannot be resolved.
        """
        addresses = (place.host,) if literal(place.host) else await self._find(place.host, place.port)
        for address in addresses:
            if why := forbidden(address, self._allowed):
                raise BadInput(f"{place.host} is not fetched: {why}")
        if not addresses:
            raise BadInput(f"{place.host} has no address.")
        return addresses[0]

    async def get(self, place: Place, most: int, *, follow: int = 0, seconds: float = 20.0) -> Answer:
        """Return the answer, at most ``most`` bytes of it. Up to ``follow`` redirects are followed, each held against
        the same rules as the first.

        Raises:
            BadInput: an address on the way is not public. Unavailable: there was no whole answer in ``seconds``.
            Refused: the lock is closed.
        """
        return await self.sent(place, self._whole(place, most, follow, seconds))

    async def _whole(self, place: Place, most: int, follow: int, seconds: float) -> Answer:
        by_way_of: tuple[str, ...] = ()
        try:
            async with asyncio.timeout(seconds):
                while True:
                    found = await _get(place, await self.address(place), most, seconds)
                    if not found.leads_to or len(by_way_of) == follow:
                        return replace(found, by_way_of=by_way_of)
                    by_way_of += (place.url,)
                    place = _next(place, found.leads_to)
        except TimeoutError as error:
            raise Unavailable(f"There was no whole answer within {seconds:.0f} seconds.") from error
        except OSError as error:
            raise Unavailable(f"The name cannot be resolved: {error.strerror or error}.") from error


def _next(place: Place, leads_to: str) -> Place:
    there = read(urljoin(place.url, leads_to))
    if place.scheme == "https" and there.scheme != "https":
        raise BadInput(f"{place.host} leads from https to {there.url[:200]}, which is not followed.")
    return there


async def _get(place: Place, address: str, most: int, seconds: float) -> Answer:
    """Read the answer of the machine at ``address``, which must be ``place.host`` by its certificate."""
    import httpx  # a tenth of a second, and only here

    headers = {
        "Host": place.end if place.port not in (80, 443) else place.host,
        "User-Agent": AGENT,
        "Accept-Encoding": "gzip",
    }
    there = httpx.URL(place.url).copy_with(host=address)
    client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=seconds, headers=headers)
    names = {"sni_hostname": place.host} if literal(place.host) is None else {}
    try:
        async with client, client.stream("GET", there, extensions=names) as answer:
            raw = bytearray()
            async for block in answer.aiter_raw():  # as it came: what it unpacks to is bounded below
                raw += block
                if len(raw) > most:
                    break
    except httpx.HTTPError as error:
        raise Unavailable(f"{place.end} could not be read: {error or type(error).__name__}.") from error
    redirect = answer.headers.get("location", "") if 300 <= answer.status_code < 400 else ""
    kind, _, more = answer.headers.get("content-type", "").partition(";")
    body = await asyncio.to_thread(unpacked, bytes(raw), answer.headers.get("content-encoding", ""), most)
    cut = len(raw) > most or len(body) > most
    return Answer(
        url=place.url,
        status=answer.status_code,
        kind=kind.strip().lower(),
        charset=charsets.header(more),
        body=body[:most],
        cut=cut,
        modified=_time(answer.headers.get("last-modified", "")),
        leads_to=redirect,
    )


def _time(said: str) -> float | None:
    try:
        return parsedate_to_datetime(said).timestamp() if said else None
    except (ValueError, OverflowError):
        return None
