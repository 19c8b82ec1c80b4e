"""An OpenAI-compatible endpoint on loopback that says what a test wants it to, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def completion(text: str, read: int = 10, written: int = 3, reason: str = "stop") -> dict[str, Any]:
    """Return the answer of such an endpoint."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return {"id": "c", "object": "chat.completion", "choices": [choice], "usage": usage}


class Endpoint:
    """Answers each POST with the next of ``answers``, the last one again and again."""

    def __init__(self, *answers: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.answers = list(answers)
        self.status = status
        self.headers = headers or {}
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.url = ""

    def next(self, path: str, headers: dict[str, str], body: Any) -> bytes:
        """Keep the request; return what is answered."""
        self.asked.append((path, headers, body))
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        said = said(body) if callable(said) else said
        return said if isinstance(said, bytes) else json.dumps(said).encode()


@contextmanager
def endpoint(*answers: Any, status: int = 200, headers: dict[str, str] | None = None) -> Iterator[Endpoint]:
    """Serve it on a free port of loopback."""
    made = Endpoint(*answers, status=status, headers=headers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            said = made.next(self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(body))
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            try:
                self.wfile.write(said)
            except OSError:
                return  # whoever asked left

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
