"""Who can be asked in a workflow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference.models import Piece, Turn
from aistack_backend.wire.chat import Finish, Role
from aistack_backend.wire.models import EngineState, ModelStatus

NOTES = "qwen-coder"
"""The note's name for the local model."""
ANSWERING = frozenset({EngineState.READY, EngineState.BUSY})
COMING = frozenset({EngineState.LOADING, EngineState.CRASHED})
"""It will answer in a moment."""
PATIENCE, LOOK = 45.0, 0.25
"""Seconds that a model which is being loaded is waited for, and between two looks at it."""
LONGEST = 300.0
"""Seconds of one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an engine is asked."""

    prompt: str
    system: str = ""
    tokens: int = 400
    """The most that the answer has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What it said."""

    text: str
    engine: str
    model: str = ""
    cut: bool = False
    """The limit of tokens ended it."""


class Engine(Protocol):
    """Somebody who answers questions; asking changes nothing."""

    name: str
    about: str

    def standing(self) -> str:
        """Return one sentence on who answers now.

        Raises:
            Unavailable: nobody does; one sentence.
        """
        ...

    async def answer(self, question: Question) -> Answer:
        """Return the answer.

        Raises:
            Unavailable: nobody answers. BadInput: the question is too long.
        """
        ...


class Speaks(Protocol):
    """A model that answers whole conversations."""

    def status(self) -> ModelStatus:
        """Return where it stands."""
        ...

    def answer(self, turns: Sequence[Turn], max_tokens: int, temperature: float) -> AsyncGenerator[Piece, None]:
        """Stream one answer; closing the iterator cancels."""
        ...


class LocalModel:
    """The model that is loaded here, whichever it is."""

    def __init__(self, model: Callable[[], Speaks], name: str = NOTES, about: str = "") -> None:
        """``model`` raises Unavailable while there is none."""
        self.name = name
        self.about = about or "the local model that is loaded"
        self._model = model

    def standing(self) -> str:
        """See ``Engine``."""
        status = self._model().status()
        if status.engine not in ANSWERING:
            said = f"No local model is loaded ({status.engine.value}). {status.detail}"
            raise Unavailable(said.strip(), status.hint)
        return f"{status.model} is loaded."

    async def answer(self, question: Question) -> Answer:
        """See ``Engine``; a model that is being loaded is waited for."""
        for _ in range(round(PATIENCE / LOOK)):
            if self._model().status().engine not in COMING:
                break
            await asyncio.sleep(LOOK)
        self.standing()
        model, text, cut = self._model(), "", False
        said = [Turn(role=Role.SYSTEM, text=question.system)] if question.system else []
        try:
            async with asyncio.timeout(LONGEST):
                turns = (*said, Turn(role=Role.USER, text=question.prompt))
                async with aclosing(model.answer(turns, question.tokens, 0.2)) as pieces:
                    async for piece in pieces:
                        text += piece.text
                        cut = piece.finish is Finish.LENGTH
        except TimeoutError:
            raise Unavailable(f"The model did not end its answer within {LONGEST:.0f} s.") from None
        return Answer(text=text.strip(), engine=self.name, model=model.status().model, cut=cut)


def known(names: Sequence[str], engines: Mapping[str, Engine]) -> None:
    """Refuse names of engines that are not there.

    Raises:
        BadInput: one is unknown; the hint names those that are.
    """
    for name in names:
        if name not in engines:
            raise BadInput(f"There is no engine {name!r}.", f"Known engines: {', '.join(engines)}.")
