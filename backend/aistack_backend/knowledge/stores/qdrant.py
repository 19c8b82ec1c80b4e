"""Vectors in Qdrant, by its HTTP API: a collection there for each of ours, a point for each chunk, and no text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import httpx
import numpy as np

from aistack_backend.errors import Unavailable
from aistack_backend.knowledge.stores.port import Found, Space, Vector
from aistack_backend.knowledge.vectors import mark

WITHIN = 10.0
"""Seconds for one answer."""
WRITING = 60.0
"""Seconds for one batch to be written."""
PAGE = 1_000
"""Points of one page."""


class Qdrant:
    """See ``Copy``. ``key`` gives the API key when it is needed; empty = none."""

    name = "qdrant"

    def __init__(self, url: str, key: Callable[[], str] = lambda: "") -> None:
        self._url, self._key = url.rstrip("/"), key
        self._client = httpx.Client(base_url=self._url, trust_env=False)

    def marks(self, space: Space) -> dict[int, str]:
        """See ``Copy``."""
        place = f"/collections/{space.name}"
        about = self._ask("GET", place, missing=True)
        if about is not None and about["config"]["params"]["vectors"].get("size") != space.dimensions:
            self._ask("DELETE", place)
            about = None
        if about is None:
            self._ask("PUT", place, {"vectors": {"size": space.dimensions, "distance": "Cosine"}})
            return {}
        found: dict[int, str] = {}
        page: dict[str, Any] = {"limit": PAGE, "with_payload": True, "with_vector": False}
        while True:
            said = self._ask("POST", f"{place}/points/scroll", page)
            found |= {int(one["id"]): str((one.get("payload") or {}).get("mark", "")) for one in said["points"]}
            if said.get("next_page_offset") is None:
                return found
            page["offset"] = said["next_page_offset"]

    def put(self, space: Space, vectors: Mapping[int, bytes]) -> None:
        """See ``Copy``."""
        points = [
            {"id": number, "vector": np.frombuffer(vector, "<f4").tolist(), "payload": {"mark": mark(vector)}}
            for number, vector in vectors.items()
        ]
        if points:
            self._ask("PUT", f"/collections/{space.name}/points?wait=true", {"points": points}, within=WRITING)

    def drop(self, space: Space, ids: Sequence[int]) -> None:
        """See ``Copy``."""
        self._ask("POST", f"/collections/{space.name}/points/delete?wait=true", {"points": list(ids)})

    def find(self, space: Space, wanted: Vector, most: int, only: AbstractSet[int] | None) -> Found:
        """See ``Copy``."""
        body: dict[str, Any] = {"query": wanted.tolist(), "limit": most, "with_payload": False}
        if only is not None:
            body["filter"] = {"must": [{"has_id": sorted(only)}]}
        said = self._ask("POST", f"/collections/{space.name}/points/query", body)
        return [(int(one["id"]), float(one["score"])) for one in said["points"]]

    def close(self) -> None:
        """See ``Copy``."""
        self._client.close()

    def _ask(
        self, method: str, path: str, body: object = None, *, missing: bool = False, within: float = WITHIN
    ) -> Any:
        """Return the result of one request; None where it is not there and may be ``missing``."""
        key = self._key()
        try:
            head = {"api-key": key} if key else {}
            limit = httpx.Timeout(within, connect=2.0)
            answer = self._client.request(method, path, json=body, headers=head, timeout=limit)
            if answer.status_code == 404 and missing:
                return None
            said = answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(f"Qdrant at {self._url} does not answer: {error or type(error).__name__}.") from error
        if not isinstance(said, dict) or "result" not in said:
            why = f"{answer.status_code} {answer.text[:200]}".strip()
            raise Unavailable(f"Qdrant at {self._url} says to {method} {path.partition('?')[0]}: {why}.")
        return said["result"]
