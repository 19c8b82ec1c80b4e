"""The port of what can answer: one model, many answers at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Protocol

from aistack_backend.inference.models import Embeddings, Loaded, Piece, Request


class Engine(Protocol):
    """Loads one model and generates. Contract: ``tests/backend/inference/test_engine_contract.py``."""

    @property
    def adapter(self) -> str:
        """Name and version for the screen, e.g. ``llama-cpp-python 0.3.36``."""
        ...

    async def load(self, model: Path) -> Loaded:
        """Make ``model`` the one that answers; a model loaded before is let go.

        Raises:
            BadModel: the file cannot be used.
            Quarantined: it crashed three times.
            EngineDied: the engine ended while it loaded.
        """
        ...

    def generate(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Stream one answer; the last piece has ``finish``. Closing the iterator cancels, within 150 ms also while a
        prompt is read. Many may run at once; a person's is served before an agent's.

        Raises:
            BadInput: the request cannot be answered (too long, a schema outside the subset).
            EngineDied: the engine ended or hung meanwhile; it comes back by itself. A request that had not begun
                waits for that instead.
            Unavailable: no model is loaded, or it did not end ``within`` its seconds.
        """
        ...

    async def embed(self, model: Path, texts: Sequence[str]) -> Embeddings:
        """Turn texts into vectors of length one, in their order, with ``model``, which is loaded at its first use and
        beside the one that answers. The same text has the same vector, whatever it is asked with. Many may ask at
        once, and answers go on meanwhile. Contract: ``tests/backend/inference/test_embed_contract.py``.

        Raises:
            BadInput: no text, an empty one, or one that is too long (with its number of tokens); nothing is cut.
            BadModel: the file does not turn texts into vectors.
            Quarantined: it crashed three times.
            EngineDied: the engine ended while it was computing one of these texts.
            Unavailable: it does not fit into the memory that is free.
        """
        ...

    async def close(self) -> None:
        """End the engine and give its memory back."""
        ...


class Lookup(Protocol):
    """What a chat needs of the stack itself (``orchestration/ask``); not asked by anybody yet."""
