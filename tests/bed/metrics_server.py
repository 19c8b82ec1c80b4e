"""A Prometheus on loopback as far as its API is asked: alarms, rules and targets, right or wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Far:
    """What it answers; ``status`` and ``raw`` make it wrong."""

    def __init__(self) -> None:
        self.alerts: list[Any] = []
        self.rules: list[Any] = []
        self.targets: list[Any] = []
        self.status, self.raw = 200, b""
        self.where = ("127.0.0.1", 0)

    def answer(self, path: str) -> bytes:
        """Return the body of an answer."""
        data = {
            "/api/v1/alerts": {"alerts": self.alerts},
            "/api/v1/rules": {"groups": [{"name": "g", "rules": self.rules}]},
            "/api/v1/targets": {"activeTargets": self.targets},
        }[path.partition("?")[0]]
        return self.raw or json.dumps({"status": "success", "data": data}).encode()


def alarm(name: str, state: str = "firing", **labels: str) -> dict[str, Any]:
    """Return an alarm as Prometheus writes it."""
    return {
        "labels": {"alertname": name, "severity": "critical", **labels},
        "annotations": {"summary": f"{name} it is."},
        "state": state,
        "activeAt": "2026-11-27T20:00:00.123456789Z",
        "value": "1e+00",
    }


@contextmanager
def far() -> Iterator[Far]:
    """Serve one on loopback."""
    made = Far()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = made.answer(self.path)
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.where = ("127.0.0.1", server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
