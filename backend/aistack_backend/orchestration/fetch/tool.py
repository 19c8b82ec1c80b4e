"""Fetches: the name is resolved once, every answer must be public, and the connection goes to that very address."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aistack_backend.address import Place, forbidden, literal, read
from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.wire.actions import Target

KIND = "http.fetch"
MOST = 1 << 20
"""Bytes that are read of an answer."""
SHOWN = 12_000
"""Characters of it that the task keeps."""
SECONDS = 20.0
"""Longest time for all of it."""
AGENT = "aistack-console (http.fetch)"
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a name.

    Raises:
        OSError: it has none, or nobody answers.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


class FetchPart:
    """Prepares ``http.fetch``; the target is the URL."""

    kinds = frozenset({KIND})

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Take the URL apart; nothing is resolved or sent.

        Raises:
            BadInput: it is not a plain http or https URL, or names an address that is not public.
        """
        place = read(target)
        if script:
            raise BadInput("A fetch carries no script: give the URL alone.")
        if literal(place.host) and (why := forbidden(place.host)):
            raise BadInput(why, "Addresses of this machine and of private networks are never fetched.")
        action = Action(
            kind=KIND,
            argv=("GET", place.url),
            network=place.end,
            limits=(("bytes", str(MOST)), ("seconds", f"{SECONDS:g}")),
            targets=(Target(type="url", id=place.url, name=place.host),),
            requester=requester,
            task_id=task_id,
        )
        evidence = Evidence(
            title=f"fetch from {place.host}",
            effect=f"sends one GET to {place.end}: that machine learns the address and the whole URL",
            undo="none: what was sent is known there",
            managed=True,
        )
        return action, evidence


class FetchTool:
    """Runs it, on any machine."""

    kinds = frozenset({KIND})

    def __init__(self, find: Resolve = resolve, allowed: Sequence[str] = ()) -> None:
        """``allowed`` are networks that may be fetched from although they are not public (none by default)."""
        self._find = find
        self._allowed = tuple(allowed)

    def nature(self, action: Action) -> Nature:
        """Say IDEMPOTENT: a GET may be repeated."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """Take the URL apart once more; names are resolved when it runs."""
        try:
            place = _place(action)
        except BadInput as error:
            return error.detail
        return forbidden(place.host, self._allowed) if literal(place.host) else ""

    async def run(self, key: str, action: Action) -> Outcome:
        """Fetch. A redirect is not followed: the answer says where it leads."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._fetch(_place(action))
        except TimeoutError:
            return Outcome(ok=False, text=f"There was no whole answer within {SECONDS:.0f} seconds.")
        except BackendError as error:
            return Outcome(ok=False, text=error.detail)
        except OSError as error:
            return Outcome(ok=False, text=f"The name cannot be resolved: {error.strerror or error}.")

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """A fetch leaves nothing behind that tells of it."""
        return Fate.NOT_DONE, None

    async def _fetch(self, place: Place) -> Outcome:
        addresses = (place.host,) if literal(place.host) else await self._find(place.host, place.port)
        for address in addresses:
            if why := forbidden(address, self._allowed):
                raise BadInput(f"{place.host} is not fetched: {why}")
        if not addresses:
            raise BadInput(f"{place.host} has no address.")
        return await _get(place, addresses[0])


async def _get(place: Place, address: str) -> Outcome:
    """Read the answer of the machine at ``address``, which must be ``place.host`` by its certificate."""
    import httpx  # a tenth of a second, and only here

    headers = {"Host": place.end if place.port not in (80, 443) else place.host, "User-Agent": AGENT}
    there = httpx.URL(place.url).copy_with(host=address)
    client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=SECONDS, headers=headers)
    names = {"sni_hostname": place.host} if literal(place.host) is None else {}
    try:
        async with client, client.stream("GET", there, extensions=names) as answer:
            body = bytearray()
            async for block in answer.aiter_bytes():
                body += block
                if len(body) > MOST:
                    break
            return _told(answer.status_code, answer.headers, bytes(body))
    except httpx.HTTPError as error:
        return Outcome(ok=False, text=f"{place.end} could not be read: {error or type(error).__name__}.")


def _told(status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    first = f"HTTP {status}, {kind or 'no content type'}, {min(len(body), MOST)} bytes"
    if len(body) > MOST:
        first += f" (cut off after {MOST})"
    if 300 <= status < 400 and (there := headers.get("location", "")):
        return Outcome(ok=False, text=f"{first}; it leads to {there[:500]}, which is not followed: ask for that URL.")
    readable = kind.startswith("text/") or kind.endswith(("json", "xml", "yaml", "javascript"))
    shown = body[:MOST].decode(errors="replace")[:SHOWN] if readable else f"sha256 {hashlib.sha256(body).hexdigest()}"
    return Outcome(ok=200 <= status < 300, text=f"{first}\n{shown}")


def _place(action: Action) -> Place:
    if len(action.argv) != 2 or action.argv[0] != "GET":
        raise BadInput("The action is no GET of one URL.")
    return read(action.argv[1])
