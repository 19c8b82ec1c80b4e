"""JSON, and streams of JSON lines: an error before the first line is a problem, a reader who leaves cancels."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from aistack_backend.api.problems import answer, problem_of
from aistack_backend.errors import BackendError

NDJSON = "application/x-ndjson"
FIRST = 0.5
"""Seconds to wait for the first line before the head is sent without it."""
log = logging.getLogger(__name__)


class Json(Response):
    """A wire object as JSON, encoded once and not validated again."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the bytes of a wire object."""
        return msgspec.json.encode(content)


class Lines(Response):
    """One JSON object a line, for as long as ``source`` gives objects and the client reads.

    ``farewell`` turns an error that comes after the head into a last line; without it the connection is cut,
    so that a reader can tell an end from a failure.
    """

    media_type = NDJSON

    def __init__(self, source: AsyncIterator[Any], farewell: Callable[[BackendError], Any] | None = None) -> None:
        super().__init__(media_type=NDJSON)
        del self.headers["content-length"]
        self._source = source
        self._farewell = farewell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the source ends or the client leaves, whichever is first."""
        stream = asyncio.create_task(self._stream(scope, receive, send))
        left = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({stream, left}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stream, left):
                task.cancel()
            results = await asyncio.gather(stream, left, return_exceptions=True)
        if isinstance(results[0], Exception):
            raise results[0]

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        first = asyncio.ensure_future(anext(self._source, None))
        try:
            await asyncio.wait({first}, timeout=FIRST)
            if first.done() and isinstance(error := first.exception(), BackendError):
                await answer(problem_of(error))(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if await self._body(first, send):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            first.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await first
            if close := getattr(self._source, "aclose", None):
                await close()

    async def _body(self, first: asyncio.Future[Any], send: Send) -> bool:
        """Send every line; return whether the stream came to its proper end."""
        try:
            item = await first
            while item is not None:
                await _line(item, send)
                item = await anext(self._source, None)
        except BackendError as error:
            if self._farewell is None:
                log.warning("A stream was cut: %s", error.detail)
                return False
            await _line(self._farewell(error), send)
        return True


async def _line(item: Any, send: Send) -> None:
    await send({"type": "http.response.body", "body": msgspec.json.encode(item) + b"\n", "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
