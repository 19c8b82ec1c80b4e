"""A receiver of OTLP over HTTP on loopback, which decodes what comes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Collector:
    """What came, span by span; ``status`` is what it answers."""

    def __init__(self) -> None:
        self.status, self.url, self.asked = 200, "", 0
        self.spans: queue.Queue[tuple[str, Any]] = queue.Queue()

    def take(self, body: bytes) -> bytes:
        """Decode one request; return the answer's body."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = {one.key: one.value.string_value for one in resource.resource.attributes}["service.name"]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.put((service, span))
        return ExportTraceServiceResponse().SerializeToString()

    def next(self) -> tuple[str, Any]:
        """Wait for the next span."""
        return self.spans.get(timeout=60)


@contextmanager
def collector(port: int = 0) -> Iterator[Collector]:
    """Serve one on loopback."""
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.asked += 1
            body = self.rfile.read(int(self.headers["Content-Length"]))
            right = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
            status = made.status if right else 400
            answer = made.take(body) if status == 200 else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
