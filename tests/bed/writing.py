"""A model that writes what a test gives it, behind the routes of OpenAI's API as a role serves them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from aistack_backend.api.openai.answers import Answers
from aistack_backend.api.openai.routes import endpoints
from aistack_backend.api.roles.catalogue import named
from aistack_backend.api.roles.site import build
from aistack_backend.errors import BackendError
from aistack_backend.inference.models import Piece, Rank, Request, Turn
from aistack_backend.inference.stops import stopped
from aistack_backend.wire.chat import Finish
from aistack_backend.wire.models import EngineState, ModelCard, ModelStatus


class Writes:
    """Writes ``text`` in pieces of ``size`` characters, whatever it is asked, and keeps what it was asked."""

    def __init__(
        self, text: str = "", size: int = 3, *, then: str = "", error: BackendError | None = None, after: int = 0
    ) -> None:
        """``then`` is what it writes from the second answer on; ``error`` is raised after ``after`` pieces."""
        self._texts, self._size = (text, then or text), size
        self.engine, self.asked = EngineState.READY, list[Request]()
        self.begun, self.closed = asyncio.Event(), asyncio.Event()
        self.endless = False
        """Waits for ever after its last piece."""
        self._error, self._after = error, after

    def status(self) -> ModelStatus:
        cards = [
            ModelCard(id="card-1", name="tiny", licence="", origin="here", size=1, path="/m", active=True),
            ModelCard(id="other", name="other", licence="", origin="there", size=1, path="/o"),
            ModelCard(id="offered", name="offered", licence="", origin="there", size=1),
        ]
        return ModelStatus(engine=self.engine, since=0.0, detail="It is so.", model="tiny.gguf", cards=tuple(cards))

    async def answer(
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
        asked = Request(
            turns=tuple(turns),
            max_tokens=max_tokens,
            temperature=temperature,
            schema=schema,
            rank=rank,
            prompt=prompt,
            stop=tuple(stop),
        )
        self.asked.append(asked)
        self.begun.set()
        try:
            async for piece in stopped(self._written(max_tokens), stop):
                yield piece
        finally:
            self.closed.set()

    def _pieces(self) -> list[str]:
        text = self._texts[len(self.asked) > 1]
        return [text[at : at + self._size] for at in range(0, len(text), self._size)]

    async def _written(self, most: int) -> AsyncGenerator[Piece, None]:
        made = 0
        pieces = self._pieces()
        for made, text in enumerate(pieces[:most], 1):
            if self._error and made > self._after:
                raise self._error
            await asyncio.sleep(0)
            yield Piece(text=text, tokens=made, prompt_tokens=5)
        if self._error:
            raise self._error
        if self.endless:
            await asyncio.Event().wait()
        cut = len(pieces) > most
        yield Piece(finish=Finish.LENGTH if cut else Finish.STOP, tokens=made, prompt_tokens=5, reused_tokens=2)


@asynccontextmanager
async def client_of(model: Answers, peer: object = None) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the role ``llama-cpp`` over that model; ``peer``: whom the kernel told at the door."""
    site: Any = build(named("llama-cpp"), endpoints(lambda _: model, lambda: 7.0), (), "container")

    async def known(scope: Any, receive: Any, send: Any) -> None:
        await site({**scope, "state": {"peer": peer}}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(known), base_url="http://localhost") as client:
        yield client
