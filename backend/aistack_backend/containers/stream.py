"""Streams of Podman's API on a socket of our own, so that any thread can end them at any moment.

Why not podman-py here: 4.3 sends the headers of ``logs?follow`` only with the first log line, so that there is no
response to close yet, and closing a ``requests`` response from another thread deadlocks; shutting our own socket
down ends the reader in about a millisecond. HTTP/1.0 makes the body one plain byte stream: in HTTP/1.1 Podman sends
every log line as a chunk of its own, which costs more to take apart than the line.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from aistack_backend.containers import failures, sockets
from aistack_backend.containers.parse import when
from aistack_backend.errors import BackendError
from aistack_backend.wire.containers import LogLine, LogStream
from aistack_backend.wire.sources import SourceState

T = TypeVar("T")
BLOCK = 1 << 18
HEADERS = 3.0
"""Seconds for the headers of events and stats, which both versions send at once."""
FRAME = struct.Struct(">BxxxL")
LONGEST = 1 << 20
"""A line longer than this is handed on in pieces: a program that never ends its line must not fill memory."""
STAMPS = 4_096
"""Stamps remembered by the parser; whole seconds repeat for thousands of lines."""


class _Plain(http.client.HTTPConnection):
    _http_vsn = 10
    _http_vsn_str = "HTTP/1.0"


class Stream(Generic[T]):
    """One call whose answer is read until it ends; ``decode`` turns its blocks into items.

    ``endless``: the end of the body is a failure (events, stats), not the end of a log. With a ``body`` it is a POST
    of that content type; ``what`` completes "Podman refused to …".
    """

    def __init__(
        self,
        path: str,
        target: str,
        decode: Callable[[Iterator[bytes]], Iterator[T]],
        *,
        endless: bool,
        body: tuple[str, bytes] | None = None,
        what: str = "stream",
    ) -> None:
        self._path = path
        self._target = target
        self._decode = decode
        self._endless = endless
        self._body = body
        self._what = what
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._closed = False

    def __iter__(self) -> Iterator[T]:
        """Connect and read.

        Raises:
            PodmanDown: it cannot be reached, answers rubbish, or an endless stream ended by itself.
            NotFound, PodmanSays: Podman's answer is an error.
        """
        try:
            yield from self._decode(self._blocks())
        except BackendError:
            if not self._closed:
                raise
        except (OSError, http.client.HTTPException) as error:
            if not self._closed:
                raise failures.from_exception(error, self._path) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if not self._closed:
                raise failures.not_podman("stream", self._path) from error
        finally:
            self.close()

    def close(self) -> None:
        """End the reader, from any thread; may be called twice."""
        with self._lock:
            self._closed = True
            if self._socket is not None:
                try:
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    return

    def _blocks(self) -> Iterator[bytes]:
        connected = sockets.knock(self._path)
        with self._lock:
            self._socket = connected
            if self._closed:
                connected.close()
                return
        connection = _Plain("podman")
        connection.sock = connected
        try:
            connected.settimeout(HEADERS if self._endless else None)
            if self._body is None:
                connection.request("GET", self._target)
            else:
                kind, content = self._body
                connection.request("POST", self._target, content, {"Content-Type": kind})
            answer = connection.getresponse()
            with answer:
                if answer.status >= 400:
                    raise failures.from_answer(answer.status, answer.read(), self._what, self._path)
                connected.settimeout(None)
                while block := answer.read1(BLOCK):
                    yield block
        finally:
            with self._lock:
                self._socket = None
            connection.close()
            connected.close()
        if self._endless and not self._closed:
            raise failures.PodmanDown(f"Podman on {self._path} ended its stream.", SourceState.FAILED, self._path)


def objects(make: Callable[[dict[str, object]], T]) -> Callable[[Iterator[bytes]], Iterator[T]]:
    """Return a decoder of one JSON object a line."""

    def decode(blocks: Iterator[bytes]) -> Iterator[T]:
        rest = b""
        for block in blocks:
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                if line.strip():
                    yield make(json.loads(line))

    return decode


def log_lines(blocks: Iterator[bytes]) -> Iterator[Sequence[LogLine]]:
    """Take the frames of a log apart: a list of whole lines for each block that held any.

    A frame without a newline is a piece of a longer line (both log drivers cut at 8 kB); pieces are joined, per
    stream. Bytes that are not UTF-8 become U+FFFD.
    """
    parser = LogParser()
    rest = b""
    for block in blocks:
        lines, rest = parser.feed(rest + block if rest else block)
        if lines:
            yield lines
    if lines := parser.flush():
        yield lines


class LogParser:
    """Podman's log frames (8 bytes of head: stream, length) to lines."""

    def __init__(self) -> None:
        self._pieces: dict[LogStream, tuple[float | None, bytes]] = {}
        self._stamps: dict[bytes, float | None] = {}

    def feed(self, data: bytes) -> tuple[list[LogLine], bytes]:
        """Return the lines of all whole frames, and the bytes of the last, unfinished frame."""
        lines: list[LogLine] = []
        at, end = 0, len(data)
        while end - at >= 8:
            kind, size = FRAME.unpack_from(data, at)
            if kind > 3:
                raise ValueError("not a log frame")
            if end - at - 8 < size:
                break
            self._frame(LogStream.STDERR if kind == 2 else LogStream.STDOUT, data[at + 8 : at + 8 + size], lines)
            at += 8 + size
        return lines, data[at:]

    def flush(self) -> list[LogLine]:
        """Return what was written without a newline at its end."""
        lines = [LogLine(at=at, stream=stream, text=_text(body)) for stream, (at, body) in self._pieces.items()]
        self._pieces.clear()
        return lines

    def _frame(self, stream: LogStream, frame: bytes, lines: list[LogLine]) -> None:
        stamp, space, body = frame.partition(b" ")
        at = self._stamp(stamp)
        if at is None or not space:
            body = frame
        if self._pieces and stream in self._pieces:
            at, before = self._pieces.pop(stream)
            body = before + body
        if body.endswith(b"\n"):
            lines.append(LogLine(at=at, stream=stream, text=_text(body[:-1])))
        elif len(body) > LONGEST:
            lines.append(LogLine(at=at, stream=stream, text=_text(body)))
        else:
            self._pieces[stream] = (at, body)

    def _stamp(self, stamp: bytes) -> float | None:
        known = self._stamps
        if stamp not in known:
            if len(known) >= STAMPS:
                known.clear()
            known[stamp] = when(stamp.decode("ascii", "replace")) if len(stamp) >= 20 else None
        return known[stamp]


def demux(body: bytes) -> tuple[bytes, bytes]:
    """Take the framed output of an exec apart: (stdout, stderr)."""
    parts: dict[int, list[bytes]] = {1: [], 2: []}
    at = 0
    while len(body) - at >= 8:
        kind, size = FRAME.unpack_from(body, at)
        parts.setdefault(kind, []).append(body[at + 8 : at + 8 + size])
        at += 8 + size
    return b"".join(parts[1]), b"".join(parts[2])


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace").removesuffix("\r")
