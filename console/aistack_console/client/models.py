"""The calls about models on disk: the list, one in full, fetching, measuring and removing."""

from __future__ import annotations

from urllib.parse import quote

from aistack_backend.wire.shelf import FetchRequest, Measured, ModelDetail, ModelShelf, RemoveRequest
from aistack_console.client.calls import LONG, Calls


class ModelCalls(Calls):
    """See :class:`~aistack_console.client.api.Client`."""

    async def shelf(self, *, fresh: bool = False) -> ModelShelf:
        """Return every model on disk or offered; ``fresh`` has the stores looked through anew first."""
        params = {"fresh": "true"} if fresh else {}
        return await self._get("/v1/shelf", ModelShelf, params=params, patience=LONG)

    async def model(self, card_id: str) -> ModelDetail:
        """Return one model and what was measured of it."""
        return await self._get(_path(card_id), ModelDetail, patience=LONG)

    async def fetch_from(self, source: str, sha256: str = "") -> ModelDetail:
        """Begin to fetch a model by URL or hub name."""
        return await self._post("/v1/models", FetchRequest(source=source, sha256=sha256), ModelDetail)

    async def cancel_fetch(self, card_id: str) -> ModelShelf:
        """Stop a fetch; what came so far is kept."""
        return await self._post(f"{_path(card_id)}/cancel", None, ModelShelf)

    async def bench_model(self, card_id: str) -> Measured:
        """Measure the loaded model with one short answer."""
        return await self._post(f"{_path(card_id)}/bench", None, Measured, LONG)

    async def remove_model(self, card_id: str, typed_name: str) -> ModelShelf:
        """Remove a model from our own cache."""
        return await self._post(f"{_path(card_id)}/remove", RemoveRequest(typed_name=typed_name), ModelShelf)


def _path(card_id: str) -> str:
    return f"/v1/models/{quote(card_id, safe='')}"
