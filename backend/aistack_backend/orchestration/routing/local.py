"""Models on this machine as the coordinator asks them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing

from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.inference.models import Rank, Turn
from aistack_backend.inference.providers.models import Ask
from aistack_backend.inference.providers.service import Providers
from aistack_backend.inference.service import Inference
from aistack_backend.orchestration.routing.models import Said
from aistack_backend.wire.chat import Finish


class Loaded:
    """The model that the backend's own worker holds."""

    def __init__(self, inference: Callable[[], Inference], seconds: float) -> None:
        """``inference`` raises Unavailable while there is none; ``seconds``: until an answer is given up."""
        self._inference, self._seconds = inference, seconds

    @property
    def name(self) -> str:
        """See ``Model``."""
        try:
            return self._inference().answering()
        except BackendError:
            return "local model"

    def ready(self) -> None:
        """Raise Unavailable, with where it stands, when no model answers now."""
        self._inference().answering()

    async def say(self, turns: Sequence[Turn], max_tokens: int, temperature: float) -> Said:
        """See ``Model``."""
        inference = self._inference()
        model = inference.answering()
        text, last = [], None
        pieces = inference.answer(turns, max_tokens, temperature, rank=Rank.AGENT, within=self._seconds)
        async with aclosing(pieces):
            async for piece in pieces:
                text.append(piece.text)
                last = piece
        if last is None or last.finish not in (Finish.STOP, Finish.LENGTH):
            raise Unavailable(f"{model} broke off in the middle of its answer.")
        return Said(
            text="".join(text).strip(),
            model=model,
            tokens_in=last.prompt_tokens or None,
            tokens_out=last.tokens or None,
            cut=last.finish is Finish.LENGTH,
        )


class Near:
    """An endpoint that stands on this very machine, or beside the role in the stack's own network."""

    def __init__(self, providers: Providers, name: str) -> None:
        self._providers, self.name = providers, name

    async def say(self, turns: Sequence[Turn], max_tokens: int, temperature: float) -> Said:
        """See ``Model``."""
        ask = Ask(turns=tuple(turns), max_tokens=max_tokens, temperature=temperature)
        part = await self._providers.whole(self.name, ask)
        return Said(
            text=part.text.strip(),
            model=self._providers.status(self.name).model,
            tokens_in=part.tokens.read if part.tokens else None,
            tokens_out=part.tokens.written if part.tokens else None,
            cut=part.finish is Finish.LENGTH,
        )
