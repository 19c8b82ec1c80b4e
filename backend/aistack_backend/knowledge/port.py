"""What a knowledge base needs of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aistack_backend.inference.models import Embeddings


class Embeds(Protocol):
    """Turns texts into vectors of one model."""

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Return one unit-length vector for each text.

        Raises:
            BadInput: a text cannot be embedded. Unavailable: no embedding model answers now.
        """
        ...
