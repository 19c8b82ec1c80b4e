"""``qdrant``: make a collection, write a vector, find it, remove the collection; by Qdrant's HTTP API."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from aistack_backend.containers.ladder.probes import http, web
from aistack_backend.containers.ladder.probes.finding import Finding, Options, Reach
from aistack_backend.containers.ladder.probes.options import TEXT, Key

KEYS: Mapping[str, Key] = {"port": Key((int,)), "secret": TEXT}
PORT = 6333
LEAST = 0.5
"""Seconds that removing the collection has when the time is over: otherwise it would stay for ever."""


class Refused(Exception):
    """Qdrant answered with another status than 200."""

    def __init__(self, what: str, status: int, said: str) -> None:
        super().__init__(f"{what} answers {status}: {said}")
        self.status = status


def run(options: Options, reach: Reach) -> Finding:
    """Write one vector and find it as its own nearest."""
    name = f"aistack-probe-{secrets.token_hex(4)}"
    client = _Client(options, reach)
    try:
        client.ask("PUT", f"/collections/{name}", {"vectors": {"size": 4, "distance": "Cosine"}})
        try:
            point = {"id": 7, "vector": [0.1, 0.9, 0.2, 0.4], "payload": {"probe": True}}
            client.ask("PUT", f"/collections/{name}/points?wait=true", {"points": [point]})
            found = client.ask("POST", f"/collections/{name}/points/search", {"vector": point["vector"], "limit": 1})
        finally:
            client.ask("DELETE", f"/collections/{name}", None)
    except Refused as refused:
        return Finding(ok=False, evidence=f"{refused}", next_step=http.hint(refused.status))
    except (OSError, HTTPException, ValueError) as error:
        return Finding(ok=False, evidence=f"Qdrant {web.said(error)}.", next_step="Read its log.")
    hits = [hit.get("id") for hit in found if isinstance(hit, Mapping)]
    if hits != [7]:
        return Finding(ok=False, evidence=f"It took point 7 and found {hits}.", next_step="Look at its storage.")
    return Finding(ok=True, evidence="It took a vector and found it.")


class _Client:
    def __init__(self, options: Options, reach: Reach) -> None:
        self._where = reach.address(int(options.get("port", PORT)))
        self._until = time.monotonic() + reach.seconds
        self._headers = {"api-key": reach.secret(options["secret"])} if options.get("secret") else {}

    def ask(self, method: str, path: str, body: object) -> list[Any]:
        """Return the result where it is a list; each request has what is left of the time, the last a little more."""
        left = max(LEAST, self._until - time.monotonic())
        answer = web.ask(self._where, path, left, method=method, body=body, headers=self._headers)
        if answer.status != 200:
            raise Refused(f"{method} {path.partition('?')[0]}", answer.status, " ".join(answer.text().split())[:160])
        said = answer.json()
        if not isinstance(said, Mapping) or "result" not in said:
            raise ValueError("its answer has no result")
        return said["result"] if isinstance(said["result"], list) else []
