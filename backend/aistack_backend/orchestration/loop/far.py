"""The agent that is an HTTP endpoint: it gets the turn with the files, and answers with a diff or whole files."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from aistack_backend.containers.sandbox_box import Boxes, Broken, Ended
from aistack_backend.containers.workspace.walk import walk
from aistack_backend.errors import Unavailable
from aistack_backend.inference.remote import key
from aistack_backend.orchestration.loop.agents import BLOCKED, Turn
from aistack_backend.orchestration.routing.wayout import Passing, WayOut

SENT = 1 << 20
"""Bytes of the files' texts that are sent at most; what is over is left out, and named."""
LARGEST = 4 << 20
"""Bytes of an answer."""
SAID = 4_000
"""Characters of what it says beside its answer."""


class Far:
    """Asks the endpoint, and has a program of ours in the sandbox put in what it answers."""

    lasting = False

    def __init__(self, boxes: Boxes, way: WayOut | None = None) -> None:
        """``way`` holds back what would leave this machine; None = there is no lock here."""
        self._boxes, self._way = boxes, way

    def work(self, turn: Turn) -> Ended:
        """See ``Worker``. An answer ``blocked`` is the same as the exit code 2."""
        answer = self._ask(turn)
        said = str(answer.get("output", ""))[:SAID]
        if not answer.get("files") and not answer.get("diff"):
            code = BLOCKED if answer.get("blocked") else 0
            return Ended(code=code, output=said or "It answered without a change.", seconds=0.0)
        place = turn.told / "answer.json"
        place.write_text(json.dumps({"files": answer.get("files"), "diff": answer.get("diff")}))
        place.chmod(0o644)
        ended = self._boxes.run(turn.spec, turn.breaker, turn.look)
        code = BLOCKED if answer.get("blocked") and not ended.code else ended.code
        return replace(ended, code=code, output=f"{said}\n{ended.output}".strip())

    def _ask(self, turn: Turn) -> dict[str, Any]:
        place = urlsplit(turn.request.endpoint).netloc
        try:
            status, data, whole = self._post(turn)
        except (OSError, http.client.HTTPException) as error:
            if turn.breaker.broken:
                raise Broken from error
            why = str(error) or type(error).__name__
            raise Unavailable(f"The agent at {place} does not answer: {why}.") from error
        if turn.breaker.broken:
            raise Broken
        if not whole or len(data) > LARGEST:
            much = f"is over {LARGEST} bytes" if whole else f"did not come within {turn.request.limits.pass_seconds} s"
            raise Unavailable(f"The answer of the agent at {place} {much}.")
        if status != 200:
            raise Unavailable(f"The agent at {place} answers {status}.")
        try:
            found = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Unavailable(f"What the agent at {place} answers is no JSON: {error}.") from error
        if not isinstance(found, dict):
            raise Unavailable(f"What the agent at {place} answers is no JSON object.")
        return found

    def _post(self, turn: Turn) -> tuple[int, bytes, bool]:
        """Return status, body, and whether all of it came; the time of the pass is for all of it, not for each byte."""
        request, seconds = turn.request, turn.request.limits.pass_seconds
        parts = urlsplit(request.endpoint)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=seconds)
        late = threading.Timer(seconds, _cut, (connection,))
        turn.breaker.guard(lambda: _cut(connection))
        try:
            with self._may_leave(parts.hostname or "", connection) as passing:
                late.start()
                connection.connect()
                if passing is not None and passing.closed:  # while there was nothing yet that could be cut
                    raise passing.error()
                return _asked(connection, turn, parts.path or "/")
        finally:
            late.cancel()
            connection.close()

    @contextlib.contextmanager
    def _may_leave(self, host: str, connection: http.client.HTTPConnection) -> Iterator[Passing | None]:
        """Hold back what would leave this machine while the lock is closed, and cut it off when that is closed."""
        if self._way is None:
            yield None
            return
        with self._way.watched(host, lambda: _cut(connection)) as passing:
            if why := self._way.shut(host):
                raise Unavailable(why)
            try:
                yield passing
            except (OSError, http.client.HTTPException) as error:
                if passing.closed:
                    raise passing.error() from error
                raise
            if passing.closed:
                raise passing.error()


def _asked(connection: http.client.HTTPConnection, turn: Turn, path: str) -> tuple[int, bytes, bool]:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if turn.request.key_file:
        headers["Authorization"] = f"Bearer {key(turn.request.key_file)}"
    connection.request("POST", path, json.dumps(told(turn)).encode(), headers)
    answer = connection.getresponse()
    data = answer.read(LARGEST + 1)
    return answer.status, data, not answer.length or len(data) > LARGEST


def told(turn: Turn) -> dict[str, Any]:
    """Return what the endpoint is told: the goal, where it stands, and the texts of the copy."""
    files, left_out, room = {}, [], SENT
    for entry in walk(turn.tree):
        if not entry.is_file:
            continue
        data = entry.data() if entry.info.st_size <= room else None
        text = _text(data)
        if data is None or text is None or not _plain(entry.path):
            left_out.append(entry.path.encode(errors="backslashreplace").decode())
            continue
        room -= len(data)
        files[entry.path] = text
    request = turn.request
    return {
        "goal": request.goal,
        "proof": request.proof,
        "checks": request.checks,
        "point_at": request.files,
        "pass": turn.number,
        "guidance": turn.guidance,
        "last": turn.last,
        "files": files,
        "left_out": left_out[:1_000],
    }


def _text(data: bytes | None) -> str | None:
    try:
        return data.decode() if data is not None and b"\0" not in data else None
    except UnicodeDecodeError:
        return None


def _plain(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _cut(connection: http.client.HTTPConnection) -> None:
    with contextlib.suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)
