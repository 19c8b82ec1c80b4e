"""An OpenAI-compatible endpoint on loopback that says what a test wants it to, also what no endpoint should."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def completion(text: str, read: int = 10, written: int = 3, reason: str = "stop") -> dict[str, Any]:
    """Return the answer of such an endpoint."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return {"id": "c", "object": "chat.completion", "choices": [choice], "usage": usage}


@dataclass(frozen=True, slots=True)
class Wire:
    """An answer byte by byte, head included; an event among the blocks is waited for before it goes on."""

    blocks: tuple[bytes | threading.Event, ...]
    reset: bool = False
    """It ends with a reset of the connection."""


def head(status: int = 200, kind: str = "text/event-stream", **more: str) -> bytes:
    """Return the head of an answer whose end is the connection's."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Type: {kind}", "Connection: close"]
    return "\r\n".join(
        [*lines, *(f"{name.replace('_', '-')}: {value}" for name, value in more.items()), "", ""]
    ).encode()


def piece(text: str | None = None, finish: str | None = None, **more: Any) -> bytes:
    """Return one event of a streamed completion."""
    delta = {} if text is None else {"content": text}
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: " + json.dumps({"object": "chat.completion.chunk", "choices": choices, **more}).encode() + b"\n\n"


def usage(read: int, written: int) -> bytes:
    """Return the last event of a stream that tells the tokens."""
    told = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return b"data: " + json.dumps({"choices": [], "usage": told}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def streamed(*words: str, read: int = 10, written: int = 3, reason: str = "stop") -> Wire:
    """Return a whole streamed answer."""
    return Wire((head(), *(piece(word) for word in words), piece(None, reason), usage(read, written), DONE))


class Endpoint:
    """Answers each request with the next of ``answers``, the last one again and again."""

    def __init__(self, *answers: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.answers = list(answers)
        self.status = status
        self.headers = headers or {}
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.url = ""
        self.left = threading.Event()
        """Whoever asked went away before the end of a ``Wire``."""

    def next(self, path: str, headers: dict[str, str], body: Any) -> bytes | Wire:
        """Keep the request; return what is answered."""
        self.asked.append((path, headers, body))
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        said = said(body) if callable(said) else said
        return said if isinstance(said, bytes | Wire) else json.dumps(said).encode()


def _write(handler: BaseHTTPRequestHandler, wire: Wire, left: threading.Event) -> None:
    try:
        for block in wire.blocks:
            if isinstance(block, threading.Event):
                block.wait(60)
            else:
                handler.wfile.write(block)
                handler.wfile.flush()
    except OSError:
        left.set()
    if wire.reset:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def endpoint(*answers: Any, status: int = 200, headers: dict[str, str] | None = None) -> Iterator[Endpoint]:
    """Serve it on a free port of loopback."""
    made = Endpoint(*answers, status=status, headers=headers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {k.lower(): v for k, v in self.headers.items()}
            said = made.next(self.path, headers, json.loads(body) if body else None)
            if isinstance(said, Wire):
                self.close_connection = True
                _write(self, said, made.left)
                return
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            try:
                self.wfile.write(said)
            except OSError:
                return  # whoever asked left

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
