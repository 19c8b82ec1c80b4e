"""Where a role's container has its engine and its models, and which file it takes."""

from __future__ import annotations

from pathlib import Path

from aistack_backend.errors import BackendError
from aistack_backend.inference.gguf import read_header
from aistack_backend.inference.process import Patience

PATIENCE = Patience(hello=120.0, silence=30.0)
"""A whole stack boots beside it: a starved worker is not a hung one, and no reason to put the model in quarantine."""
ENGINE, MODELS, DATA = "/opt/engine", "/models", "/data"


def first(folder: Path, *, vectors: bool) -> Path | None:
    """Return the first GGUF file that makes vectors, or the first that does not; None = there is none. A file that
    cannot be read counts as one that should chat: that role says what is wrong with it."""
    return next((file for file in sorted(folder.glob("*.gguf")) if _embeds(file) is vectors), None)


def _embeds(file: Path) -> bool:
    try:
        return read_header(file).embeds
    except BackendError:
        return False
