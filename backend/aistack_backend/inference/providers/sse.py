"""Server-sent events of an endpoint that is not trusted: the data of each event, within a limit."""

from __future__ import annotations

from collections.abc import Iterator

LINE = 1 << 20
"""Bytes of one event."""


class TooLong(ValueError):
    """An event is longer than ``LINE``."""


class Events:
    """Takes blocks as they come and gives the data of whole events; comments and other fields are passed over."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._size = 0

    def take(self, block: bytes) -> Iterator[bytes]:
        """Yield the data of each event that this block ends.

        Raises:
            TooLong: one is over the limit.
        """
        self._rest += block
        while (end := self._rest.find(b"\n")) >= 0:
            line = bytes(self._rest[:end]).removesuffix(b"\r")
            del self._rest[: end + 1]
            if data := self._line(line):
                yield data
        if len(self._rest) + self._size > LINE:
            raise TooLong(f"one event is over {LINE} bytes")

    def _line(self, line: bytes) -> bytes:
        """Keep a line of data; return the whole event at the empty line that ends it."""
        if not line:
            data, self._data, self._size = b"\n".join(self._data), [], 0
            return data
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._size += len(value)
            if self._size > LINE:
                raise TooLong(f"one event is over {LINE} bytes")
        return b""
