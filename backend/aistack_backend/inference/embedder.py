"""Who turns texts into vectors now: the engine that is there, and the file of the model."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aistack_backend.errors import Unavailable
from aistack_backend.inference.catalogue import EMBEDDING
from aistack_backend.inference.memory import MemoryEngine
from aistack_backend.inference.port import Engine
from aistack_backend.inference.shelf import Shelf

IN_MEMORY = "in-memory"
"""What the engine without a model has as its models."""


async def embedder(engine: Engine | None, detail: str, hint: str, shelf: Shelf) -> tuple[Engine, Path]:
    """Return the engine with the model of vectors, whether a model that answers is there or not. ``detail`` and
    ``hint`` say how the engine stands.

    Raises:
        Unavailable: there is no engine yet, or no such model on this machine.
    """
    if engine is None:
        raise Unavailable(f"There is no engine yet. {detail}".strip(), hint, kind="model-not-ready")
    if isinstance(engine, MemoryEngine):
        return engine, Path(IN_MEMORY)
    path = await asyncio.to_thread(shelf.path, EMBEDDING.id)
    if path is None:
        raise Unavailable(
            "No model of vectors is on this machine.",
            f"Fetch it: aistack-console models fetch {EMBEDDING.id}",
            kind="no-embedding-model",
        )
    return engine, path
