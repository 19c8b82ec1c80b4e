"""How an answer is made for one reader: at the model's own pace, and not at all once the reader has left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from aistack_backend.inference.models import Piece

T = TypeVar("T")


async def apart(pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """Yield the pieces of an answer that is made at the model's own pace: who asks and does not read holds nobody up.
    What is kept meanwhile is at most one answer. Closing it ends the answer."""
    kept: asyncio.Queue[Piece | BaseException | None] = asyncio.Queue()

    async def make() -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if piece.ahead is None:  # a place in the queue is no part of an answer in this form
                        kept.put_nowait(piece)
            kept.put_nowait(None)
        except BaseException as error:
            kept.put_nowait(error)
            raise

    making = asyncio.create_task(make())
    try:
        while (one := await kept.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one
    finally:
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)


async def begun(request: Request, source: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Return ``source`` once it has given its first, so that what it raises before is told as a status.

    Raises:
        ClientDisconnect: the reader left meanwhile.
    """

    async def first_of() -> T | None:
        return await anext(source, None)

    first = await present(request, first_of())

    async def again() -> AsyncGenerator[T, None]:
        async with aclosing(source):
            if first is not None:
                yield first
                async for one in source:
                    yield one

    return again()


async def present(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` gives while the client is there; its leaving cancels the work. The body was read before.

    Raises:
        ClientDisconnect: it left.
    """
    working, left = asyncio.create_task(work), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({working, left}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        for task in (working, left):
            task.cancel()
        await asyncio.gather(working, left, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class Events(StreamingResponse):
    """Server-sent events, each one JSON object, and ``[DONE]``; a reader who leaves ends their source."""

    media_type = "text/event-stream"

    def __init__(self, source: AsyncGenerator[Any, None]) -> None:
        super().__init__(_lines(source))
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the source ends or the reader leaves, then close the source."""
        async with aclosing(self._source):
            await super().__call__(scope, receive, send)


async def _lines(source: AsyncGenerator[Any, None]) -> AsyncGenerator[str, None]:
    async for one in source:
        yield f"data: {json.dumps(one)}\n\n"
    yield "data: [DONE]\n\n"
