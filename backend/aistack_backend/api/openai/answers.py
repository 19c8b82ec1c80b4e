"""Who answers: the one face of a model towards these routes, and which requests it may be asked by."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol

from starlette.requests import Request

from aistack_backend.api.openai.errors import NoSuchModel
from aistack_backend.errors import Unavailable
from aistack_backend.inference.models import Piece, Rank, Turn
from aistack_backend.wire.models import EngineState, ModelStatus

ANSWERING = (EngineState.READY, EngineState.BUSY)
ANY = ("", "default")
"""Names by which a request asks for whichever model is loaded."""
CONSOLE = ("tui", "cli")
"""What the operator's console and command line say of themselves in ``X-Aistack-Via``."""


class Answers(Protocol):
    """A model that answers: the backend's, that of a role's own container, or one behind an endpoint."""

    def status(self) -> ModelStatus:
        """Return where it stands."""
        ...

    def answer(
        self,
        turns: Sequence[Turn],
        max_tokens: int,
        temperature: float,
        schema: str = "",
        *,
        rank: Rank = Rank.AGENT,
        prompt: str = "",
        stop: Sequence[str] = (),
    ) -> AsyncGenerator[Piece, None]:
        """Stream one answer; closing the iterator cancels. ``prompt`` is gone on with instead of ``turns``.

        Raises:
            BadInput: the prompt is too long, or the schema is outside the subset. Unavailable: it cannot answer now.
        """
        ...


GetModel = Callable[[Request], Answers]
"""Finds the model for a request; raises Unavailable while there is none."""


def loaded(model: Answers) -> str:
    """Return which model answers, as a sentence.

    Raises:
        Unavailable: none does now.
    """
    status = model.status()
    if status.engine not in ANSWERING:
        raise Unavailable(f"No model answers now ({status.engine}). {status.detail}".strip(), status.hint)
    return f"{status.model} answers, by {status.adapter}."


def named(model: Answers, wanted: str) -> str:
    """Return the name of the loaded model when that is the wanted one: by its name, its card's id, or any.

    Raises:
        Unavailable: none answers now. NoSuchModel: another is loaded.
    """
    loaded(model)
    status = model.status()
    if wanted not in (*ANY, status.model, *(card.id for card in status.cards if card.active)):
        raise NoSuchModel(f"The model {wanted[:200]!r} does not answer here: {status.model} is loaded.")
    return status.model


def rank_of(request: Request) -> Rank:
    """Return who goes first: a person at the console, by the kernel's word and the console's own, before all others."""
    known = request.scope.get("state", {}).get("peer") is not None
    return Rank.PERSON if known and request.headers.get("x-aistack-via") in CONSOLE else Rank.AGENT
