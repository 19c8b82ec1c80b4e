"""Qdrant's HTTP API over the official client's local mode: its models check each request, its engine answers.

No image of the real server is on a test machine. The client's package has the whole API as models, and an engine of its
own that keeps points on disk; this server only carries between the two. It listens on loopback.
"""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from qdrant_client import QdrantClient
from qdrant_client.http import models

Answer = tuple[int, Any]


class QdrantServer:
    """One server on a folder; ``url`` leads to it while it runs, and the same port is taken again after a stop."""

    def __init__(self, folder: Path | None, key: str = "") -> None:
        """Without a folder the points are kept in memory: on disk each costs a transaction of its own."""
        self._folder, self._key = folder, key
        self._port = 0
        self.asked: list[str] = []
        self.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Open the folder and listen."""
        if self._folder is None:
            self._client = QdrantClient(":memory:")
        else:
            self._client = QdrantClient(path=str(self._folder), force_disable_check_same_thread=True)
        self._lock = lock = threading.Lock()
        client, key, asked = self._client, self._key, self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _do(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
                asked.append(f"{self.command} {self.path}")
                if key and self.headers.get("api-key") != key:
                    status, said = 401, "Must provide an API key or an Authorization bearer token"
                else:
                    with lock, warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        status, said = answer(client, self.command, urlsplit(self.path).path, body)
                whole = {"result": said, "status": "ok"} if status == 200 else {"status": {"error": said}}
                data = json.dumps(whole | {"time": 0.0}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_DELETE = _do

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening, and let the folder go."""
        self._server.shutdown()
        self._server.server_close()
        with self._lock:  # a request that nobody waits for any more may still be at work
            self._client.close()


def answer(client: QdrantClient, method: str, path: str, body: dict[str, Any]) -> Answer:
    """Return status and result of one request."""
    parts = path.strip("/").split("/")
    name = parts[1] if len(parts) > 1 else ""
    if (method != "PUT" or len(parts) > 2) and not client.collection_exists(name):
        return 404, f"Not found: Collection `{name}` doesn't exist!"
    try:
        return 200, ROUTES[(method, "/".join(parts[2:]))](client, name, body)
    except KeyError:
        return 404, f"no route {method} {path}"
    except ValidationError as error:
        return 400, f"Format error in JSON body: {error.errors()[0]['loc']}"
    except ValueError as error:
        return 400, f"Wrong input: {error}"


def _create(client: QdrantClient, name: str, body: dict[str, Any]) -> bool:
    wanted = models.CreateCollection.model_validate(body)
    return client.create_collection(name, vectors_config=wanted.vectors)


def _about(client: QdrantClient, name: str, _: dict[str, Any]) -> Any:
    return client.get_collection(name).model_dump(mode="json")


def _drop(client: QdrantClient, name: str, _: dict[str, Any]) -> bool:
    return client.delete_collection(name)


def _put(client: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    size = client.get_collection(name).config.params.vectors.size  # type: ignore[union-attr]
    points = models.PointsList.model_validate(body).points
    for point in points:
        if len(point.vector) != size:  # type: ignore[arg-type]
            raise ValueError(f"Vector dimension error: expected dim: {size}, got {len(point.vector)}")  # type: ignore[arg-type]
    client.upsert(name, points)
    return {"operation_id": 1, "status": "completed"}


def _delete(client: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    client.delete(name, models.PointIdsList.model_validate(body))
    return {"operation_id": 1, "status": "completed"}


def _scroll(client: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    asked = models.ScrollRequest.model_validate(body)
    points, following = client.scroll(
        name,
        limit=asked.limit or 10,
        offset=asked.offset,
        with_payload=bool(asked.with_payload),
        with_vectors=bool(asked.with_vector),
    )
    return {"points": [one.model_dump(mode="json") for one in points], "next_page_offset": following}


def _query(client: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    asked = models.QueryRequest.model_validate(body)
    size = client.get_collection(name).config.params.vectors.size  # type: ignore[union-attr]
    if len(asked.query) != size:  # type: ignore[arg-type]
        raise ValueError(f"Vector dimension error: expected dim: {size}")
    found = client.query_points(
        name, query=asked.query, query_filter=asked.filter, limit=asked.limit or 10, with_payload=False
    )
    return {"points": [one.model_dump(mode="json") for one in found.points]}


ROUTES: dict[tuple[str, str], Callable[[QdrantClient, str, dict[str, Any]], Any]] = {
    ("PUT", ""): _create,
    ("GET", ""): _about,
    ("DELETE", ""): _drop,
    ("PUT", "points"): _put,
    ("POST", "points/delete"): _delete,
    ("POST", "points/scroll"): _scroll,
    ("POST", "points/query"): _query,
}
