"""The role nixos-docs: search of packages, options and manuals, within the limits of a caller. Nothing here changes
the index.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from aistack_backend.api.lines import Json
from aistack_backend.api.roles.asked import body_of, client_of, read
from aistack_backend.api.roles.site import Endpoint, Endpoints
from aistack_backend.clock import Clock, SystemClock
from aistack_backend.errors import BadInput
from aistack_backend.knowledge.nixos.service import NixIndex
from aistack_backend.orchestration.routing import limits
from aistack_backend.wire.nixos import NixAnswer, NixKind, NixQuestion, NixSources

USUAL = 10
WORDS = {"packages": NixKind.PACKAGE, "options": NixKind.OPTION, "manuals": NixKind.MANUAL}
GetIndex = Callable[[], NixIndex]
"""Finds the index; raises Unavailable while there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchWish:
    """The body of ``POST /search``; whatever else is in it is ignored."""

    query: str
    sources: tuple[str, ...] = ()
    """Of ``packages``, ``options``, ``manuals``; empty = all."""
    channel: str = ""
    limit: int = USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageWish:
    """The body of ``POST /packages/search``."""

    name: str
    channel: str = ""
    """Empty = every channel that is here."""
    limit: int = USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionWish:
    """The body of ``POST /options/search``."""

    option: str
    channel: str = ""
    limit: int = USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What ``GET /cache/stats`` says: nothing is kept beside the index itself."""

    sources: int
    entries: int
    skipped: int
    bytes: int
    """Of the files, as they came."""
    oldest_imported_at: float | None
    newest_imported_at: float | None
    detail: str


class Finds(Protocol):
    """What the tools of MCP ask."""

    def find(self, asked: NixQuestion) -> NixAnswer:
        """See ``NixIndex``."""
        ...

    def sources(self) -> NixSources:
        """See ``NixIndex``."""
        ...


class Within:
    """An index as one caller asks it by a tool: each question is counted and looked over first."""

    def __init__(self, index: NixIndex, count: Callable[[], None]) -> None:
        self._index, self._count = index, count

    def find(self, asked: NixQuestion) -> NixAnswer:
        """See ``Finds``."""
        self._count()
        _looked_over(asked.question)
        return self._index.find(asked)

    def sources(self) -> NixSources:
        """See ``Finds``."""
        return self._index.sources()


class Passed(Response):
    """Lets the MCP SDK answer the request; it is loaded with the first one, since it takes a second."""

    def __init__(self, index: Callable[[], Finds]) -> None:
        super().__init__()
        self._index = index

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        tools = await asyncio.to_thread(importlib.import_module, "aistack_backend.api.mcp.nixos")
        await tools.answered(self._index, scope, receive, send)


def endpoints(index: GetIndex, clock: Clock | None = None) -> Endpoints:
    """Return what answers each route over the index that ``index`` finds. What asks is counted, by its caller."""
    rates = limits.Rates(clock or SystemClock(), limits.A_MINUTE, limits.AN_HOUR)

    def counted_first(asking: Endpoint) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            rates.count(client_of(request))
            return await asking(request)

        return endpoint

    async def mcp(request: Request) -> Response:
        return Passed(lambda: Within(index(), lambda: rates.count(client_of(request))))

    return {
        "/mcp": mcp,
        "/search": counted_first(_everything(index)),
        "/packages/search": counted_first(_packages(index)),
        "/options/search": counted_first(_options(index)),
        "/sources": _sources(index),
        "/cache/stats": _stats(index),
    }


def _everything(index: GetIndex) -> Endpoint:
    async def everything(request: Request) -> Response:
        wish: SearchWish = read(await body_of(request), SearchWish)
        if unknown := [one for one in wish.sources if one not in WORDS]:
            raise BadInput(f"There is no source {unknown[0][:80]!r}.", f"Use one of {', '.join(WORDS)}.")
        kinds = tuple(WORDS[one] for one in wish.sources)
        return await _found(index, wish.query, kinds, wish.channel, wish.limit)

    return everything


def _sources(index: GetIndex) -> Endpoint:
    async def sources(_: Request) -> Response:
        return Json(await asyncio.to_thread(index().sources))

    return sources


def _stats(index: GetIndex) -> Endpoint:
    async def stats(_: Request) -> Response:
        return Json(counted(await asyncio.to_thread(index().sources)))

    return stats


def counted(found: NixSources) -> Stats:
    """Return the counts of an index."""
    times = [one.imported_at for one in found.sources]
    return Stats(
        sources=len(found.sources),
        entries=sum(one.entries for one in found.sources),
        skipped=sum(one.skipped for one in found.sources),
        bytes=sum(one.size for one in found.sources),
        oldest_imported_at=min(times, default=None),
        newest_imported_at=max(times, default=None),
        detail=found.detail,
    )


def _packages(index: GetIndex) -> Endpoint:
    async def packages(request: Request) -> Response:
        wish: PackageWish = read(await body_of(request), PackageWish)
        return await _found(index, wish.name, (NixKind.PACKAGE,), wish.channel, wish.limit)

    return packages


def _options(index: GetIndex) -> Endpoint:
    async def options(request: Request) -> Response:
        wish: OptionWish = read(await body_of(request), OptionWish)
        return await _found(index, wish.option, (NixKind.OPTION,), wish.channel, wish.limit)

    return options


def _looked_over(words: str) -> None:
    limits.refuse_patterns(words[: limits.QUERY])  # the index itself takes no longer ones


async def _found(index: GetIndex, words: str, kinds: tuple[NixKind, ...], channel: str, most: int) -> Response:
    _looked_over(words)
    asked = NixQuestion(question=words, kinds=kinds, channel=channel, most=most)
    answer: NixAnswer = await asyncio.to_thread(index().find, asked)
    return Json(answer)
