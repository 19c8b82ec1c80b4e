"""Qdrant: a snapshot of each collection by its own API, with its points counted."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aistack_backend.containers.backup.carrier import written
from aistack_backend.containers.backup.inside import say
from aistack_backend.containers.backup.manifest import Piece
from aistack_backend.containers.backup.names import safe
from aistack_backend.containers.backup.tarstream import FILE, Member, Reader, ending, header
from aistack_backend.containers.port import Podman
from aistack_backend.containers.stack.models import ServiceDecl
from aistack_backend.errors import Unavailable

PORT = 6333
KEY = "QDRANT__SERVICE__API_KEY"
PATIENCE = 600.0
READY_WITHIN = 60.0
CHUNK = 1 << 18
BOUNDARY = "aistack-snapshot-6f1c"


class QdrantSnapshots:
    """Takes and puts the snapshots of all collections of a running container, over its published port."""

    kind = "qdrant"
    port = PORT

    def __init__(self, podman: Podman) -> None:
        self._podman = podman

    def wait(self, decl: ServiceDecl, container: str) -> None:
        """Wait, a minute at most, until it lists its collections.

        Raises:
            Unavailable: it does not.
        """
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                self._collections(self._api(decl, container))
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def take(self, decl: ServiceDecl, container: str, folder: Path) -> Piece:
        """Write one tar of all snapshots into ``folder``; the snapshots themselves are removed again.

        Raises:
            Unavailable: Qdrant does not answer as documented.
        """
        api, counts = self._api(decl, container), {}
        file = folder / f"{decl.id}.tar"
        with file.open("xb") as out:
            file.chmod(0o600)
            for name in self._collections(api):
                counts[name] = self._points(api, name)
                for block in self._snapshot(api, name, folder / "snapshot.part"):
                    out.write(block)
            out.write(ending())
        return Piece(kind=self.kind, service=decl.id, file=f"services/{file.name}", counts=counts)

    def put(self, decl: ServiceDecl, container: str, file: Path) -> None:
        """Make every collection of the backup what it was; others are left alone.

        Raises:
            BadArchive: the tar is not one of ``take``.
            Unavailable: Qdrant does not answer as documented.
        """
        api = self._api(decl, container)
        with file.open("rb") as source:
            reader = Reader(source)
            for member in reader:
                name = quote(safe(member.name), safe="")
                path = f"/collections/{name}/snapshots/upload?priority=snapshot&wait=true"
                api.send("POST", path, member.size, reader.blocks())

    def count(self, decl: ServiceDecl, container: str) -> dict[str, int]:
        """Return the points of each collection."""
        api = self._api(decl, container)
        return {name: self._points(api, name) for name in self._collections(api)}

    def _snapshot(self, api: Api, name: str, part: Path) -> Iterator[bytes]:
        base = f"/collections/{quote(name, safe='')}/snapshots"
        made = str(api.ask("POST", f"{base}?wait=true")["name"])
        where = f"{base}/{quote(made, safe='')}"
        try:
            size = written(api.fetch(where), part)
        finally:
            api.ask("DELETE", f"{where}?wait=true")
        yield header(Member(name=safe(name), kind=FILE, size=size))
        with part.open("rb") as source:
            while data := source.read(CHUNK):
                yield data
        yield bytes(-size % 512)
        part.unlink()

    def _collections(self, api: Api) -> list[str]:
        return sorted(str(one["name"]) for one in api.ask("GET", "/collections")["collections"])

    def _points(self, api: Api, name: str) -> int:
        body = json.dumps({"exact": True}).encode()
        return int(api.ask("POST", f"/collections/{quote(name, safe='')}/points/count", body)["count"])

    def _api(self, decl: ServiceDecl, container: str) -> Api:
        found = self._podman.inspect(container).container
        port = next((one.host_port for one in found.ports if one.container_port == PORT), 0)
        if not port:
            raise Unavailable(f"{found.name} does not publish its port {PORT}, so its snapshots cannot be reached.")
        return Api(port, self._key(decl, container))

    def _key(self, decl: ServiceDecl, container: str) -> str:
        if given := dict(decl.environment).get(KEY):
            return given
        if not decl.secrets:
            return ""
        return say(self._podman, container, 'cat "$1"', "read the key of Qdrant", decl.secrets[0].target).strip()


class Api:
    """Qdrant's HTTP API on a port of loopback."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._headers = {"api-key": key} if key else {}

    def ask(self, method: str, path: str, body: bytes = b"") -> Any:
        """Return the ``result`` of a call."""
        with closing(self._connection()) as connection:
            headers = self._headers | {"Content-Type": "application/json"}
            return _result(self._asked(connection, method, path, body, headers), path)

    def fetch(self, path: str) -> Iterator[bytes]:
        """Give a file in blocks."""
        with closing(self._connection()) as connection:
            answer = self._asked(connection, "GET", path, b"", self._headers)
            if answer.status != 200:
                _result(answer, path)
            while data := answer.read(CHUNK):
                yield data

    def send(self, method: str, path: str, size: int, blocks: Iterator[bytes]) -> Any:
        """Upload a file as multipart and return the ``result``."""
        kind = 'Content-Disposition: form-data; name="snapshot"; filename="snapshot"\r\n'
        before = f"--{BOUNDARY}\r\n{kind}Content-Type: application/octet-stream\r\n\r\n".encode()
        after = f"\r\n--{BOUNDARY}--\r\n".encode()
        headers = self._headers | {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Content-Length": str(len(before) + size + len(after)),
        }

        def body() -> Iterator[bytes]:
            yield before
            yield from blocks
            yield after

        with closing(self._connection()) as connection:
            return _result(self._asked(connection, method, path, body(), headers), path)

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)

    def _asked(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | Iterator[bytes],
        headers: dict[str, str],
    ) -> http.client.HTTPResponse:
        try:
            connection.request(method, path, body or None, headers)
            return connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"Qdrant does not answer {path} on port {self._port}: {error}.") from error


def _result(answer: http.client.HTTPResponse, path: str) -> Any:
    raw = answer.read(1 << 24)
    try:
        body = json.loads(raw)
        if answer.status == 200 and "result" in body:
            return body["result"]
    except (ValueError, TypeError):
        pass
    raise Unavailable(f"Qdrant answers {path} with {answer.status}: {raw[:200].decode(errors='replace')}")
