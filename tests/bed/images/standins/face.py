"""What every stand-in is made of: routes over the standard library's HTTP server, and the word that it is one."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

WORD = "stand-in of the aistack test bed"
JSON, TEXT, HTML, BYTES = "application/json", "text/plain; charset=utf-8", "text/html", "application/octet-stream"


@dataclass(frozen=True)
class Request:
    """One request; header names are lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body's JSON; ``{}`` when there is none."""
        return json.loads(self.body or b"{}")


@dataclass(frozen=True)
class Answer:
    """One answer; what is not bytes or text is sent as JSON."""

    body: Any = None
    status: int = 200
    kind: str = JSON
    headers: dict[str, str] = field(default_factory=dict)

    def raw(self) -> bytes:
        """Return the bytes to send."""
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if self.kind != JSON else json.dumps(self.body).encode()


Route = tuple[str, str, Callable[..., Answer]]
"""Method, pattern of the whole path, and what answers: it gets the request and the pattern's groups."""


class Fault(Exception):
    """Ends a request with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def find(routes: Sequence[Route], request: Request) -> Answer:
    """Return the first matching route's answer; 404 or 405 when none matches."""
    known = False
    for method, pattern, act in routes:
        if match := re.fullmatch(pattern, request.path):
            known = True
            if method == request.method:
                return act(request, *match.groups())
    return Answer({"message": "Method not allowed" if known else "Not found"}, 405 if known else 404)


def handler(name: str, answer: Callable[[Request], Answer]) -> type[BaseHTTPRequestHandler]:
    """Return the handler class of one stand-in."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = f"{name} ({WORD})", ""

        def _serve(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(url.query).items()}
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {key.lower(): value for key, value in self.headers.items()}
            try:
                said = answer(Request(self.command, url.path, query, headers, body))
            except Fault as fault:
                said = fault.answer
            except Exception as error:
                said = Answer({"message": f"{type(error).__name__}: {error}"}, 500)
            raw = said.raw()
            self.send_response(said.status)
            for key, value in {"Content-Type": said.kind, "Content-Length": str(len(raw)), **said.headers}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's own name
            print(f"{self.command} {self.path} {args[1] if len(args) > 1 else ''}", flush=True)

    return Handler


def serve(name: str, faces: dict[int, Callable[[Request], Answer]]) -> None:
    """Serve each port's face until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print(f"{name}: this is a {WORD}, not the product; it serves {sorted(faces)}", flush=True)
    for port, face in faces.items():
        server = ThreadingHTTPServer(("", port), handler(name, face))
        threading.Thread(target=server.serve_forever).start()


def home(name: str) -> Answer:
    """Return the page that says what this is."""
    return Answer(f"<title>{name}</title><p>This is no {name}: it is a {WORD}.</p>", kind=HTML)
