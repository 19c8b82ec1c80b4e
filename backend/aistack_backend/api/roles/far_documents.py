"""Documents of the role aidb for a question, asked over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import msgspec

from aistack_backend.errors import Unavailable
from aistack_backend.orchestration.routing.models import Piece
from aistack_backend.wire.knowledge import SearchAnswer

WITHIN = 10.0
"""Seconds for one search."""
LARGEST = 4 << 20
"""Bytes of an answer."""


class FarDocuments:
    """See ``Finds``. Belongs to one event loop."""

    def __init__(self, url: str) -> None:
        """``url`` empty = there are none."""
        self._url = url.rstrip("/")
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(WITHIN, connect=2.0), trust_env=False)

    async def find(self, question: str, most: int) -> Sequence[Piece]:
        """See ``Finds``."""
        if not self._url or most < 1:
            return ()
        try:
            answer = await self._client.post(f"{self._url}/search", json={"query": question, "limit": most})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(f"aidb at {self._url} does not answer: {str(error) or type(error).__name__}.") from error
        if answer.status_code != 200 or len(answer.content) > LARGEST:
            raise Unavailable(f"aidb at {self._url} answered {answer.status_code} to a search.")
        try:
            found = msgspec.json.decode(answer.content, type=SearchAnswer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unavailable(f"aidb at {self._url} answered something else: {error}.") from error
        return tuple(
            Piece(
                id=str(hit.chunk_id),
                source=hit.source,
                title=hit.title,
                heading=hit.heading,
                text=hit.text,
                collection=hit.collection,
                cosine=hit.cosine,
            )
            for hit in found.hits[:most]
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
