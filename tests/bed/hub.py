"""A hub of model files on loopback that can break off, forget what a range is, change the file, and lie."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hub:
    """What it gives, and how it misbehaves; every request is noted."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.leads: dict[str, str] = {}
        """Redirects: path to URL."""
        self.breaks: list[int] = []
        """Bytes after which the next answers end early; one each."""
        self.ranges = True
        self.etags = True
        self.etag = ""
        """What every file's ETag is; empty = its own."""
        self.minds_etag = True
        """It looks at ``If-Range``."""
        self.length: int | None = None
        """What it says the length is, whatever it is."""
        self.chunked = False
        self.status = 0
        """Answered to everything; 0 = as it should be."""
        self.headers: dict[str, str] = {}
        self.hold = threading.Event()
        """Answers wait for it after their first byte."""
        self.hold.set()
        self.asked: list[tuple[str, str]] = []
        """Path and Range of each request."""
        self.begun = threading.Event()
        self.url = ""


@contextmanager
def hub() -> Iterator[Hub]:
    """Serve one."""
    one = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(one))
    server.daemon_threads = True
    one.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield one
    finally:
        one.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(one: Hub) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Answer,), {"hub": one})


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        one, path = self.hub, self.path.partition("?")[0]
        one.asked.append((path, self.headers.get("Range", "")))
        self.close_connection = True
        if path in one.leads and not one.status:
            self._head(302, {"Location": one.leads[path], "Content-Length": "0", **one.headers})
        elif path in one.files and not one.status:
            self._give(one.files[path])
        else:
            self._head(one.status or 404, {"Content-Length": "0"})

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _give(self, data: bytes) -> None:
        one = self.hub
        tag = one.etag or f'"{hashlib.sha256(data).hexdigest()}"'
        begin = self._begin(data, tag)
        if begin is None:
            self._head(416, {"Content-Length": "0"})
            return
        headers = {} if one.leads else dict(one.headers)
        headers |= {"ETag": tag} if one.etags else {}
        headers |= {"Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}"} if begin else {}
        length = str(len(data) - begin if one.length is None else one.length)
        headers |= {"Transfer-Encoding": "chunked"} if one.chunked else {"Content-Length": length}
        self._head(206 if begin else 200, headers)
        body = data[begin:][: one.breaks.pop(0)] if one.breaks else data[begin:]
        self._write(body[:1000])
        one.begun.set()
        one.hold.wait()
        self._write(body[1000:])
        if one.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _begin(self, data: bytes, tag: str) -> int | None:
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if found is None or not self.hub.ranges:
            return 0
        if self.hub.minds_etag and self.headers.get("If-Range", tag) != tag:
            return 0
        return int(found[1]) if int(found[1]) < len(data) else None

    def _write(self, data: bytes) -> None:
        try:
            framed = f"{len(data):x}\r\n".encode() + data + b"\r\n"
            self.wfile.write(framed if self.hub.chunked and data else data)
            self.wfile.flush()
        except OSError:
            return  # whoever asked has gone
