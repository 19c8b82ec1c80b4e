"""Fetch one file over the network: what came is kept and gone on from where the file is still the same; it is whole and
verified in its place, or not there at all.

The rules of ``http.fetch`` hold (R4.6): every name is resolved once, each of its addresses must be public, and the
connection goes to that very address; a redirect is looked at in the same way, and from elsewhere never leads here.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from aistack_backend.address import Place, forbidden, literal
from aistack_backend.errors import BadInput, NotFound, Unavailable
from aistack_backend.inference import gguf
from aistack_backend.inference.fetch import SPARE, sync_folder
from aistack_backend.inference.halves import Half
from aistack_backend.inference.models import BadModel
from aistack_backend.inference.packages import Stopper
from aistack_backend.inference.progress import Tell
from aistack_backend.inference.source import Source, check
from aistack_backend.wire.providerconfig import is_here

BLOCK = 1 << 20
HOPS = 6
"""Addresses asked for one file, redirects included."""
TRIES = 4
"""Times that a fetch is taken up again without getting further."""
PAUSE = 2.0
"""Seconds before each of them."""
SILENCE = 30.0
"""Seconds without a byte until a connection counts as broken."""
AGENT = "aistack-console (models)"
LOOPBACK = ("127.0.0.0/8", "::1/128")
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How far a fetch may go."""

    most: int
    """Bytes of one file."""
    pause: float = PAUSE
    silence: float = SILENCE


class _BrokenError(Exception):
    """The connection did not hold; what came is kept."""


def download(source: Source, target: Path, rules: Rules, tell: Tell, stopper: Stopper) -> Path:
    """Return the file, fetching it or the rest of it; what was fetched before lies beside it.

    Raises:
        Unavailable: not reachable, broken off, no room, too large, wrong sha256, or stopped; one sentence says which.
        NotFound: the server has no such file. BadInput: an address that may not be asked.
        BadModel: what came is no GGUF file.
    """

    async def run() -> Path:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101
        with stopper.telling(lambda: loop.call_soon_threadsafe(task.cancel)):
            return await _Download(source, target, rules, tell).run()

    try:
        return asyncio.run(run())
    except asyncio.CancelledError as error:
        raise Unavailable(
            f"The fetch of {source.file} was stopped.", "Fetch it again: it goes on from there.", kind="stopped"
        ) from error
    except OSError as error:
        raise Unavailable(f"{source.file} cannot be stored: {error.strerror or error}.", "Free some space.") from error


class _Download:
    def __init__(self, source: Source, target: Path, rules: Rules, tell: Tell) -> None:
        self.source, self.target, self.rules = source, target, rules
        self._half = Half(target)
        self._teller = tell
        self._here = is_here(check(source.url).host)
        self._answered = False

    async def run(self) -> Path:
        """Return the file, whole and checked; BackendError when it cannot be had."""
        if self.target.is_file():
            return self.target
        self._half.settle()
        best, tries = self._half.size, 0
        while True:
            try:
                await self._once()
                break
            except _BrokenError as error:
                size = self._half.size
                best, tries = (size, 0) if size > best else (best, tries + 1)
                if not self._answered or tries >= TRIES:
                    raise Unavailable(str(error), self._what_now(), kind="offline") from error
                self._tell(size, self._half.total, f"{error} It is tried again.")
                await asyncio.sleep(self.rules.pause)
        self._finish()
        return self.target

    def _tell(self, done: int, total: int | None, words: str) -> None:
        self._teller(f"model {self.source.file}", done, total, "bytes", words)

    def _what_now(self) -> str:
        kept = self._half.size
        if not kept:
            return "Connect to the network and try again, or put the file into a folder of model.folders."
        return f"{kept:,} bytes are kept: fetch it again, and it goes on from there."

    async def _once(self) -> None:
        """Ask once, from where the file ends, through every redirect."""
        half = self._half
        if half.total is not None and half.size == half.total:
            return
        url, headers = self.source.url, {"User-Agent": AGENT, "Accept-Encoding": "identity"}
        if half.size and (half.etag or self.source.sha256 or half.linked):
            headers |= {"Range": f"bytes={half.size}-"} | ({"If-Range": half.etag} if half.etag else {})
        elif half.size:
            half.begin_anew()  # nothing tells that the file there is still the same
        for _ in range(HOPS):
            place = self._allowed(url)
            there = await self._ask(place, headers)
            if not there:
                return
            url = urljoin(url, there)
        raise Unavailable(f"{self.source.url} leads from one address to the next without end.", "Give another URL.")

    def _allowed(self, url: str) -> Place:
        place = check(url)
        if is_here(place.host) and not self._here:
            raise BadInput(f"{self.source.url} leads to {place.host}, which is this machine: that is not followed.")
        return place

    async def _ask(self, place: Place, headers: dict[str, str]) -> str:
        """Take the answer of one host; return where it leads, empty = the file was read to its end."""
        import httpx  # a tenth of a second, and only here

        named = {**headers, "Host": place.end if place.port not in (80, 443) else place.host}
        names = {"sni_hostname": place.host} if literal(place.host) is None else {}
        said = "no connection"
        for address in await self._addresses(place):
            client = httpx.AsyncClient(trust_env=False, timeout=self.rules.silence, headers=named)
            there = httpx.URL(place.url).copy_with(host=address)
            try:
                async with client, client.stream("GET", there, extensions=names) as answer:
                    return await self._heard(place, answer)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                said = str(error) or said
            except httpx.HTTPError as error:
                raise _BrokenError(f"{place.host} broke off: {error or type(error).__name__}.") from error
        raise _BrokenError(f"{place.host} could not be reached: {said}.")

    async def _heard(self, place: Place, answer: Any) -> str:
        self._answered = True
        self._half.link(answer.headers)
        if answer.status_code in (301, 302, 303, 307, 308) and (there := answer.headers.get("location")):
            return str(there)
        await self._take(place, answer)
        return ""

    async def _addresses(self, place: Place) -> Sequence[str]:
        found: Sequence[str] = (place.host,)
        if literal(place.host) is None:
            try:
                found = await resolve(place.host, place.port)
            except OSError as error:
                raise _BrokenError(f"{place.host} could not be reached: its name cannot be resolved.") from error
        for one in found:
            if why := forbidden(one, LOOPBACK if self._here and is_here(place.host) else ()):
                raise BadInput(f"Nothing is fetched from {place.host}: {why}")
        return found

    async def _take(self, place: Place, answer: Any) -> None:
        half, status = self._half, answer.status_code
        if status == 416 or (status == 206 and not half.goes_on(answer.headers)):
            half.begin_anew()
            raise _BrokenError(f"{place.host} has another file there now.")
        if status == 429 or status >= 500:
            raise _BrokenError(f"{place.host} does not give it now (HTTP {status}).")
        if status in (401, 403):
            raise Unavailable(
                f"{place.host} asks for an account before it gives this file (HTTP {status}).",
                "Fetch it with a browser, and put it into a folder of model.folders.",
            )
        if status in (404, 410):
            raise NotFound(f"{place.host} has no {self.source.file} there (HTTP {status}).", "Look at the name again.")
        if status not in (200, 206) or answer.headers.get("content-encoding", "identity") != "identity":
            raise Unavailable(f"{place.host} gave an answer that is no file (HTTP {status}).", "Give another URL.")
        if status == 200:
            half.begin(answer.headers)
        self._fits(place)
        await self._read(place, answer)

    def _fits(self, place: Place) -> None:
        half, total = self._half, self._half.total
        if total is None:
            return
        if half.linked_size is not None and half.linked_size != total:
            raise Unavailable(f"{place.host} gives {total:,} bytes of a file that has {half.linked_size:,}.")
        self._within(total)
        free = shutil.disk_usage(self.target.parent).free
        if free < total - half.size + SPARE:
            raise Unavailable(
                f"{self.source.file} needs {(total - half.size + SPARE) // 1_000_000} MB on the disk of "
                f"{self.target.parent}; {free // 1_000_000} MB are free.",
                "Free some space, or set AISTACK_CACHE_DIR to another disk.",
                kind="disk-full",
            )

    def _within(self, size: int) -> None:
        if size > self.rules.most:
            raise Unavailable(
                f"{self.source.file} has {size / 1e9:.1f} GB, and at most {self.rules.most / 1e9:.1f} GB are fetched.",
                "Raise model.fetch_most when that is right.",
                kind="too-large",
            )

    async def _read(self, place: Place, answer: Any) -> None:
        half = self._half
        with half.open() as out:
            try:
                async for block in answer.aiter_raw():  # as it comes: a break loses nothing
                    if half.size < 4 and not b"GGUF".startswith((half.head + block)[:4]):
                        half.begin_anew()
                        raise BadModel(f"What {place.host} gives is no GGUF file.", "Look at the URL in a browser.")
                    half.add(out, block)
                    self._within(half.size)
                    self._tell(half.size, half.total, "")
            finally:
                out.flush()
                os.fsync(out.fileno())
        if half.total is not None and half.size < half.total:
            raise _BrokenError(f"{place.host} broke off at {half.size:,} of {half.total:,} bytes.")

    def _finish(self) -> None:
        half = self._half
        wanted = self.source.sha256 or half.linked
        found = self._digest() if wanted else ""
        if found != wanted:
            half.forget()
            raise Unavailable(
                f"{self.source.file} has the sha256 {found[:16]}… and must have {wanted[:16]}…: thrown away.",
                "Try again, or give another sha256.",
                kind="wrong-hash",
            )
        try:
            gguf.check(half.path)
        except BadModel as error:
            half.forget()
            raise BadModel(error.detail.replace(half.path.name, self.source.file), "It was thrown away.") from error
        half.path.rename(self.target)
        half.forget()
        sync_folder(self.target.parent)
        self._tell(self.target.stat().st_size, self.target.stat().st_size, "")

    def _digest(self) -> str:
        digest, done = hashlib.sha256(), 0
        with self._half.path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
                done += len(block)
                self._tell(done, self._half.size, "Verifying.")
        return digest.hexdigest()


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a name.

    Raises:
        OSError: it has none, or nobody answers.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))
