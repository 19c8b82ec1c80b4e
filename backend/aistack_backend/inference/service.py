"""The local model as the rest of the backend meets it: answers, choices within a schema, vectors, its standing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from aistack_backend import tracing
from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.errors import Unavailable
from aistack_backend.inference import grammar
from aistack_backend.inference.catalogue import EMBEDDING
from aistack_backend.inference.embedder import IN_MEMORY
from aistack_backend.inference.models import Embeddings, InferenceSettings, Piece, Rank, Request, TooMany, Turn
from aistack_backend.inference.port import Engine
from aistack_backend.inference.room import EngineRoom
from aistack_backend.inference.shelf import Shelf
from aistack_backend.inference.stops import stopped
from aistack_backend.wire.chat import Finish
from aistack_backend.wire.models import ModelStatus

MOST = 32
"""Requests at once, running and waiting; one more is refused."""
MOST_VECTORS = 16
"""Requests for vectors at once, running and waiting."""
CHOICE_LIMIT = 180.0
"""Seconds until an agent's choice is given up, the wait for its turn included."""


class Inference:
    """See ``docs/codebase.md``. All but ``status`` belong to one event loop; that may be called from any thread."""

    def __init__(
        self,
        settings: InferenceSettings,
        bus: Bus,
        clock: Clock,
        data_dir: Path,
        cache_dir: Path,
        shelf: Shelf | None = None,
    ) -> None:
        held = shelf or Shelf(settings, data_dir, cache_dir)
        self._room = EngineRoom(settings, held, bus, clock, data_dir, cache_dir)
        self._asked, self._vectors, self._clock = 0, 0, clock
        self.on_answer: list[Callable[[str, str, Piece, float], None]] = []
        """Called with card id, engine, last piece (with its rate) and seconds to the first token of a whole answer."""

    async def start(self) -> None:
        """Begin to get ready; returns at once."""
        self._room.start()

    async def stop(self) -> None:
        """End preparation and engine."""
        await self._room.stop()

    def status(self) -> ModelStatus:
        """Return engine, models and preparation."""
        return self._room.status()

    def answering(self) -> str:
        """Return the name of the model that answers now.

        Raises:
            Unavailable: none does; says where it stands and what would help.
        """
        self._room.engine()
        return self._room.model_name

    async def fetch(self, card_id: str) -> ModelStatus:
        """Begin to fetch a model of the catalogue; NotFound or Conflict when that cannot be."""
        return await self._room.fetch(card_id)

    async def use(self, card_id: str) -> ModelStatus:
        """Begin to load a model that is on disk; NotFound or Conflict when that cannot be."""
        return await self._room.use(card_id)

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
        within: float = 0.0,
    ) -> AsyncGenerator[Piece, None]:
        """Answer a conversation that the caller keeps; nothing is stored. Closing the iterator cancels.

        ``prompt`` is raw text that is gone on with, instead of ``turns``; the answer ends before the first of the
        ``stop`` texts. Many may be asked at once: a person's goes before an agent's. A piece without text says how many
        are served before while it waits (``ahead``). After ``within`` seconds it is given up; 0 = never.

        Raises:
            BadInput: the prompt is too long, or the schema is outside the subset. Unavailable: no model can answer now.
        """
        engine = await self._room.awake()
        if self._asked >= MOST:
            raise TooMany(f"{MOST} requests wait for the model already.", "Try again in a moment.")
        asked = Request(turns=tuple(turns), max_tokens=max_tokens, temperature=temperature, schema=schema, rank=rank)
        request = replace(asked, prompt=prompt, stop=tuple(stop), within=within)
        async with aclosing(self._measured(engine, request)) as pieces:
            async for piece in pieces:
                yield piece

    async def _measured(self, engine: Engine, request: Request) -> AsyncGenerator[Piece, None]:
        rate, began, first = None, self._clock.mono(), 0.0
        alone = not self._asked and not self._vectors  # else the figures say nothing of the model
        self._asked += 1
        self._room.busy(True)
        made, piece = tracing.part("model.answer", model=self._room.active, engine=engine.adapter), Piece()
        try:
            async with aclosing(stopped(engine.generate(request), request.stop)) as pieces:
                async for piece in pieces:
                    rate = piece.tokens_per_second or rate
                    first = first or (self._clock.mono() - began if piece.text else 0.0)
                    alone = alone and self._asked == 1 and not self._vectors
                    if alone and piece.finish in (Finish.STOP, Finish.LENGTH) and rate and first:
                        self._tell(engine.adapter, replace(piece, tokens_per_second=rate), first)
                    yield piece
        finally:
            if piece.tokens:
                made.set_attributes({"tokens in": piece.prompt_tokens, "tokens out": piece.tokens})
            made.end()
            self._asked -= 1
            self._room.busy(False, rate)

    def _tell(self, adapter: str, last: Piece, first: float) -> None:
        for call in self.on_answer:
            call(self._room.active, adapter, last, first)

    async def choose(self, messages: Sequence[Turn], schema: str, max_tokens: int, *, rank: Rank = Rank.AGENT) -> str:
        """Return JSON that satisfies ``schema`` (the subset of :mod:`~aistack_backend.inference.grammar`).

        A choice that was cut by ``max_tokens`` is tried once more with twice as many. A person's goes first.

        Raises:
            BadInput: the schema is outside the subset, the prompt too long, or the answer was cut twice.
            Unavailable: no model can answer now, or not in time.
        """
        grammar.compile_schema(schema)
        try:
            async with asyncio.timeout(CHOICE_LIMIT):
                for limit in (max_tokens, 2 * max_tokens):
                    pieces = [piece async for piece in self.answer(messages, limit, 0.0, schema, rank=rank)]
                    if pieces[-1].finish is not Finish.LENGTH:
                        break
        except TimeoutError as error:
            raise Unavailable(f"The model did not choose within {CHOICE_LIMIT:.0f} s.") from error
        text = "".join([piece.text for piece in pieces])
        grammar.check(schema, text)
        return text

    async def embedder(self) -> str:
        """Return the name of the model that makes vectors.

        Raises:
            Unavailable: there is no engine, or no such model; says what would help.
        """
        _, path = await self._room.embedder()
        return IN_MEMORY if path.name == IN_MEMORY else EMBEDDING.id

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Return one unit-length vector for each text, in their order.

        Raises:
            BadInput: no text, an empty one, or one that is too long; says which, and how long it is.
            Unavailable: no model of vectors is there, too many ask at once, or the engine cannot now.
        """
        engine, path = await self._room.embedder()
        if self._vectors >= MOST_VECTORS:
            raise Unavailable(f"{MOST_VECTORS} requests wait for vectors already.", "Try again in a moment.")
        self._vectors += 1
        self._room.busy(True)
        try:
            with tracing.step("model.embed", texts=len(texts)):
                found = await engine.embed(path, texts)
        finally:
            self._vectors -= 1
            self._room.busy(False)
        if path.name != IN_MEMORY:
            found = replace(found, model=EMBEDDING.id, sha256=EMBEDDING.sha256)
        self._room.embedded(found)
        return found
