"""Streamed answers over the backend's Unix socket: h11 reads and writes them, one connection a stream.

httpx, which carries the calls, does this too and takes 100 ms to import: a fifth of the time to the first frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

CONNECT = 2.0
"""Seconds to wait for the socket to accept."""
PIECE = 65536
AHEAD = 4 << 20
"""Bytes of an answer that wait here while the console is busy, before the backend has to hold them."""


class Answer:
    """The answer to one request; its body comes as it arrives."""

    def __init__(self, connection: Any, reader: asyncio.StreamReader) -> None:
        self._connection = connection
        self._reader = reader
        self.status = 0
        """The HTTP status."""

    async def begin(self) -> None:
        """Wait for the status.

        Raises:
            OSError: the connection ended, or what came is no HTTP.
        """
        import h11

        event = await self._next()
        while isinstance(event, h11.InformationalResponse):
            event = await self._next()
        if not isinstance(event, h11.Response):
            raise ConnectionResetError("it closed the connection")
        self.status = event.status_code

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces of any size.

        Raises:
            OSError: it broke off.
        """
        import h11

        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the body's lines without their ends; a last one that has no end too."""
        rest = b""
        async for piece in self.pieces():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line.removesuffix(b"\r")
        if rest:
            yield rest

    async def read(self) -> bytes:
        """Return the whole body."""
        return b"".join([piece async for piece in self.pieces()])

    async def _next(self) -> Any:
        import h11

        try:
            while (event := self._connection.next_event()) is h11.NEED_DATA:
                self._connection.receive_data(await self._reader.read(PIECE))
        except h11.RemoteProtocolError as error:
            raise ConnectionError(str(error)) from error
        return event


@asynccontextmanager
async def exchange(
    socket_path: Path, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
) -> AsyncIterator[Answer]:
    """Send one request and give its answer; the connection ends with the block.

    Raises:
        OSError: nothing listens, or the connection broke; also ``TimeoutError`` after :data:`CONNECT` seconds.
    """
    import h11

    async with asyncio.timeout(CONNECT):
        reader, writer = await asyncio.open_unix_connection(str(socket_path), limit=AHEAD)
    try:
        connection = h11.Connection(h11.CLIENT)
        said = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(body)), **headers}
        request = h11.Request(method=method, target=target, headers=list(said.items()))
        parts = (request, h11.Data(data=body), h11.EndOfMessage())
        writer.write(b"".join(connection.send(part) or b"" for part in parts))
        answer = Answer(connection, reader)
        await answer.begin()
        yield answer
    finally:
        writer.close()


def target(path: str, params: Mapping[str, Any] | None = None) -> str:
    """Return a path with its query."""
    return f"{path}?{urlencode(params)}" if params else path
