"""Where the engine stands."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.models import EngineState


@dataclass(frozen=True, slots=True)
class Standing:
    """Its state, since when, one sentence on it and what would help."""

    state: EngineState
    since: float
    detail: str = ""
    hint: str = ""
