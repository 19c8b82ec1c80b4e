"""The local model as the rest of the backend meets it: chat sessions, choices within a schema, its standing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, BadInput, Conflict, Unavailable
from aistack_backend.inference import grammar
from aistack_backend.inference.chats import Chats
from aistack_backend.inference.line import Line, Rank
from aistack_backend.inference.models import InferenceSettings, Piece, Request, Turn
from aistack_backend.inference.room import EngineRoom
from aistack_backend.inference.shelf import Shelf
from aistack_backend.store.database import Database
from aistack_backend.wire.chat import Chunk, Finish, Role, SayRequest, Session, SessionList, Transcript
from aistack_backend.wire.models import ModelStatus

SYSTEM = "You are a helpful assistant. Answer in few words."
LONGEST = 200_000
"""Characters of one message."""
MOST_TOKENS = 8192
CHOICE_LIMIT = 180.0
"""Seconds until an agent's choice is given up, the wait for its turn included."""
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class _Answer:
    """An answer on its way to a person."""

    began: float
    message_id: int = 0
    text: str = ""
    first: float | None = None
    last: Piece = field(default_factory=Piece)
    cancelled: bool = False
    running: bool = False
    waiting: asyncio.Task[None] | None = None


class Inference:
    """See ``docs/codebase.md``. All but ``status``, ``sessions``, ``transcript``, ``rename``, ``delete`` belong to
    one event loop; those may be called from any thread."""

    def __init__(
        self,
        settings: InferenceSettings,
        database: Database,
        bus: Bus,
        clock: Clock,
        data_dir: Path,
        cache_dir: Path,
        shelf: Shelf | None = None,
    ) -> None:
        self._clock = clock
        self._chats = Chats(database, clock)
        self._room = EngineRoom(
            settings, shelf or Shelf(settings, data_dir, cache_dir), bus, clock, data_dir, cache_dir
        )
        self._line = Line()
        self._answers: dict[int, _Answer] = {}

    async def start(self) -> None:
        """Mark answers of a backend that was killed, and begin to get ready; returns at once."""
        await _stored(self._chats.end_interrupted)
        self._room.start()

    async def stop(self) -> None:
        """End answers, preparation and engine."""
        for session_id in tuple(self._answers):
            await self.cancel(session_id)
        await self._room.stop()

    def status(self) -> ModelStatus:
        """Return engine, models and preparation."""
        return self._room.status()

    def sessions(self) -> SessionList:
        """Return every chat, last used first."""
        return self._chats.sessions()

    def transcript(self, session_id: int) -> Transcript:
        """Return one chat; NotFound when there is none of that id."""
        return self._chats.transcript(session_id)

    def rename(self, session_id: int, title: str) -> Session:
        """Give a chat another title; NotFound or BadInput when that cannot be."""
        return self._chats.rename(session_id, title)

    def delete(self, session_id: int) -> None:
        """Remove a chat.

        Raises:
            NotFound: there is none of that id.
            Conflict: an answer is being written in it.
        """
        if session_id in self._answers:
            raise Conflict("An answer is being written in this chat.", "Cancel it first.")
        self._chats.delete(session_id)

    async def fetch(self, card_id: str) -> ModelStatus:
        """Begin to fetch a model of the catalogue; NotFound or Conflict when that cannot be."""
        return await self._room.fetch(card_id)

    async def use(self, card_id: str) -> ModelStatus:
        """Begin to load a model that is on disk; NotFound or Conflict when that cannot be."""
        return await self._room.use(card_id)

    async def cancel(self, session_id: int) -> None:
        """Stop the answer of a session, or its wait; silence follows within 300 ms. No-op when there is none."""
        answer = self._answers.get(session_id)
        if answer is None:
            return
        answer.cancelled = True
        if answer.waiting:
            answer.waiting.cancel()
        elif answer.running:
            self._room.cancel()

    async def say(self, request: SayRequest) -> AsyncGenerator[Chunk, None]:
        """Say something; stream the answer. The last chunk has ``finish``, with a sentence when it is ERROR.

        Raises:
            BadInput: empty or far too long. NotFound: no such session. Conflict: this session is being answered.
            Unavailable: no model can answer now, or the store cannot be written.
        """
        if not request.text.strip() or len(request.text) > LONGEST:
            raise BadInput(f"A message needs 1 to {LONGEST} characters.")
        if request.session_id in self._answers:
            raise Conflict("This chat is being answered already.", "Wait, or cancel the answer.")
        self._room.engine()
        answer = _Answer(began=self._clock.mono())
        session = await _stored(self._chats.begin, request.session_id, request.text)
        self._answers[session] = answer
        try:
            answer.message_id = await _stored(self._chats.open_answer, session, self._room.model_name)
            async with aclosing(self._answer(session, answer, min(max(request.max_tokens, 1), MOST_TOKENS))) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            del self._answers[session]

    async def _answer(self, session: int, answer: _Answer, limit: int) -> AsyncGenerator[Chunk, None]:
        finish, detail = Finish.CANCELLED, ""
        try:
            yield Chunk(session_id=session, message_id=answer.message_id)
            if await self._turn(answer):
                async with aclosing(self._pieces(session, answer, limit)) as pieces:
                    async for piece in pieces:
                        finish = piece.finish or finish
                        if piece.text:
                            yield self._chunk(session, answer, piece, piece.text)
        except BackendError as error:
            finish, detail = Finish.ERROR, f"{error.detail} {error.hint}".strip()
        finally:
            if trouble := await self._close(answer, finish):
                detail = detail or trouble
        yield self._chunk(session, answer, answer.last, "", finish, detail)

    async def _turn(self, answer: _Answer) -> bool:
        if answer.cancelled:
            return False
        answer.waiting = asyncio.ensure_future(self._line.take(Rank.PERSON))
        try:
            await answer.waiting
        except asyncio.CancelledError:
            if not answer.cancelled:
                if not answer.waiting.cancel() and not answer.waiting.cancelled():
                    self._line.give()  # the turn came in the very moment the reader left
                raise
            return False
        finally:
            answer.waiting = None
        answer.running = True
        return not answer.cancelled

    async def _pieces(self, session: int, answer: _Answer, limit: int) -> AsyncGenerator[Piece, None]:
        turns = await _stored(self._turns, session)
        if answer.cancelled:
            return
        engine = self._room.engine()
        self._room.busy(True)
        async with aclosing(engine.generate(Request(turns=turns, max_tokens=limit))) as pieces:
            async for piece in pieces:
                if piece.text and answer.first is None:
                    answer.first = self._clock.mono() - answer.began
                answer.text += piece.text
                answer.last = piece
                yield piece

    async def _close(self, answer: _Answer, finish: Finish) -> str:
        if answer.running:
            answer.running = False
            self._line.give()
            self._room.busy(False, answer.last.tokens_per_second)
        try:
            await _stored(
                self._chats.close_answer,
                answer.message_id,
                text=answer.text,
                finish=finish.value,
                tokens=answer.last.tokens,
                tokens_per_second=answer.last.tokens_per_second,
                first_token_after=answer.first,
            )
        except Unavailable as error:
            return error.detail
        return ""

    def _chunk(
        self, session: int, answer: _Answer, piece: Piece, text: str, finish: Finish | None = None, detail: str = ""
    ) -> Chunk:
        return Chunk(
            session_id=session,
            message_id=answer.message_id,
            text=text,
            finish=finish,
            tokens=piece.tokens,
            tokens_per_second=piece.tokens_per_second,
            first_token_after=answer.first,
            context_used=piece.context_used or None,
            context_size=piece.context_size or None,
            detail=detail,
        )

    def _turns(self, session: int) -> tuple[Turn, ...]:
        said = self._chats.transcript(session).messages
        kept = (Turn(role=message.role, text=message.text) for message in said if message.text)
        return (Turn(role=Role.SYSTEM, text=SYSTEM), *kept)

    async def answer(
        self, turns: Sequence[Turn], max_tokens: int, temperature: float, schema: str = ""
    ) -> AsyncGenerator[Piece, None]:
        """Answer a conversation that the caller keeps; nothing is stored. Closing the iterator cancels.

        Raises:
            BadInput: the prompt is too long, or the schema is outside the subset. Unavailable: no model can answer now.
        """
        await self._line.take(Rank.AGENT)
        try:
            engine = self._room.engine()
            self._room.busy(True)
            rate = None
            request = Request(turns=tuple(turns), max_tokens=max_tokens, temperature=temperature, schema=schema)
            try:
                async with aclosing(engine.generate(request)) as pieces:
                    async for piece in pieces:
                        rate = piece.tokens_per_second or rate
                        yield piece
            finally:
                self._room.busy(False, rate)
        finally:
            self._line.give()

    async def choose(self, messages: Sequence[Turn], schema: str, max_tokens: int) -> str:
        """Return JSON that satisfies ``schema`` (the subset of :mod:`~aistack_backend.inference.grammar`).

        A choice that was cut by ``max_tokens`` is tried once more with twice as many.

        Raises:
            BadInput: the schema is outside the subset, the prompt too long, or the answer was cut twice.
            Unavailable: no model can answer now, or not in time.
        """
        grammar.compile_schema(schema)
        try:
            async with asyncio.timeout(CHOICE_LIMIT):
                await self._line.take(Rank.AGENT)
                try:
                    return await self._choice(tuple(messages), schema, max_tokens)
                finally:
                    self._line.give()
        except TimeoutError as error:
            raise Unavailable(f"The model did not choose within {CHOICE_LIMIT:.0f} s.") from error

    async def _choice(self, turns: tuple[Turn, ...], schema: str, max_tokens: int) -> str:
        engine = self._room.engine()
        self._room.busy(True)
        rate = None
        try:
            for limit in (max_tokens, 2 * max_tokens):
                request = Request(turns=turns, max_tokens=limit, temperature=0.0, schema=schema)
                pieces = [piece async for piece in engine.generate(request)]
                rate = pieces[-1].tokens_per_second
                if pieces[-1].finish is not Finish.LENGTH:
                    break
            text = "".join([piece.text for piece in pieces])
            grammar.check(schema, text)
            return text
        finally:
            self._room.busy(False, rate)


async def _stored(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(call, *arguments, **named)
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", None) or error)
        raise Unavailable(f"The chat cannot be stored: {why}.", "Free some disk space.", kind="store-failed") from error
