"""Vectors of the role embeddings, asked over HTTP by OpenAI's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference.models import Embeddings

WITHIN = 60.0
"""Seconds for one batch."""
LOOK = 1.0
"""Seconds for a look at it."""


class FarVectors:
    """See ``Embeds``. Belongs to one event loop."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(WITHIN, connect=2.0), trust_env=False)

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """See ``Embeds``."""
        if not self._url:
            raise Unavailable("No embeddings service is configured.", "Set EMBEDDINGS_URL.", kind="no-embedding-model")
        try:
            body = {"input": list(texts), "model": ""}
            answer = await self._client.post(f"{self._url}/v1/embeddings", json=body)
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            why = str(error) or type(error).__name__
            raise Unavailable(f"The embeddings service at {self._url} does not answer: {why}.") from error
        if answer.status_code in (400, 422):
            raise BadInput(f"The embeddings service takes it not: {_why(said)}")
        if answer.status_code != 200:
            raise Unavailable(f"The embeddings service makes no vectors: {_why(said)}", kind="no-embedding-model")
        return self._read(said, len(texts))

    async def standing(self) -> str:
        """Return a sentence on whether it makes vectors; that it does not is no fault of who asks."""
        try:
            answer = await self._client.get(f"{self._url}/info", timeout=LOOK)
            said = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            why = str(error) or type(error).__name__
            return f"Search is by words only: the embeddings service {self._url} does not answer: {why}."
        if answer.status_code != 200 or not isinstance(said, dict):
            return f"Search is by words only: {_why(said)}"
        return f"{said.get('model')} makes vectors of {said.get('dimensions')} numbers."

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _read(self, said: Any, count: int) -> Embeddings:
        try:
            rows = sorted(said["data"], key=lambda one: int(one["index"]))
            vectors = tuple(tuple(float(one) for one in row["embedding"]) for row in rows)
            sizes = {len(vector) for vector in vectors}
            if len(vectors) != count or len(sizes) != 1 or not sizes.isdisjoint({0}):
                raise ValueError(f"{len(vectors)} vectors for {count} texts")
            tokens = int((said.get("usage") or {}).get("prompt_tokens", 0))
            return Embeddings(model=str(said["model"]), dimensions=sizes.pop(), vectors=vectors, tokens=tokens)
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable(f"The embeddings service at {self._url} answered something else: {error}.") from error


def _why(said: Any) -> str:
    if isinstance(said, dict):
        error = said.get("error")
        return str(error.get("message") if isinstance(error, dict) else said.get("detail", said))[:300]
    return "its answer is no JSON object."
