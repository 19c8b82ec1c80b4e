"""Chat sessions: what was said is kept, and what is said is answered by the local model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, BadInput, Conflict, Unavailable
from aistack_backend.inference.chats import Chats
from aistack_backend.inference.models import Piece, Rank, Turn
from aistack_backend.inference.service import Inference
from aistack_backend.store.database import Database
from aistack_backend.wire.chat import Chunk, Finish, Role, SayRequest, Session, SessionList, Transcript

SYSTEM = "You are a helpful assistant. Answer in few words."
LONGEST = 200_000
"""Characters of one message."""
MOST_TOKENS = 8192
TEMPERATURE = 0.3
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
    stop: asyncio.Event = field(default_factory=asyncio.Event)


class Talk:
    """See ``docs/codebase.md``. All but ``sessions``, ``transcript``, ``rename``, ``delete`` belong to one event
    loop; those may be called from any thread."""

    def __init__(self, model: Inference, database: Database, clock: Clock) -> None:
        self._model, self._clock = model, clock
        self._chats = Chats(database, clock)
        self._answers: dict[int, _Answer] = {}

    async def start(self) -> None:
        """Mark answers that a killed backend left open."""
        await _stored(self._chats.end_interrupted)

    async def stop(self) -> None:
        """End all answers."""
        for session_id in tuple(self._answers):
            await self.cancel(session_id)

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

    async def cancel(self, session_id: int) -> None:
        """Stop the answer of a session, or its wait, at once; what came so far is kept. No-op when there is none."""
        if answer := self._answers.get(session_id):
            answer.stop.set()

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
        model = self._model.answering()
        answer = _Answer(began=self._clock.mono())
        session = await _stored(self._chats.begin, request.session_id, request.text)
        self._answers[session] = answer
        try:
            answer.message_id = await _stored(self._chats.open_answer, session, model)
            async with aclosing(self._answer(session, answer, min(max(request.max_tokens, 1), MOST_TOKENS))) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            del self._answers[session]

    async def _answer(self, session: int, answer: _Answer, limit: int) -> AsyncGenerator[Chunk, None]:
        finish, detail = Finish.CANCELLED, ""
        try:
            yield self._chunk(session, answer, Piece())
            async with aclosing(self._pieces(session, answer, limit)) as pieces:
                async for piece in pieces:
                    finish = piece.finish or finish
                    if piece.text:
                        yield self._chunk(session, answer, piece)
        except BackendError as error:
            finish, detail = Finish.ERROR, f"{error.detail} {error.hint}".strip()
        finally:
            if trouble := await self._close(answer, finish):
                detail = detail or trouble
        yield self._chunk(session, answer, answer.last, finish, detail)

    async def _pieces(self, session: int, answer: _Answer, limit: int) -> AsyncGenerator[Piece, None]:
        turns = await _stored(self._turns, session)
        answers = self._model.answer(turns, limit, TEMPERATURE, rank=Rank.PERSON)
        async with aclosing(until(answers, answer.stop)) as pieces:
            async for piece in pieces:
                if piece.text and answer.first is None:
                    answer.first = self._clock.mono() - answer.began
                answer.text += piece.text
                answer.last = piece
                yield piece

    async def _close(self, answer: _Answer, finish: Finish) -> str:
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
        self, session: int, answer: _Answer, piece: Piece, finish: Finish | None = None, detail: str = ""
    ) -> Chunk:
        return Chunk(
            session_id=session,
            message_id=answer.message_id,
            text="" if finish else piece.text,
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


async def until(pieces: AsyncGenerator[Piece, None], stop: asyncio.Event) -> AsyncGenerator[Piece, None]:
    """Yield the pieces until ``stop`` is set, then close their source, wherever it waits."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        async with aclosing(pieces):
            while not stop.is_set():
                coming = asyncio.ensure_future(anext(pieces, None))
                try:
                    await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not coming.done():
                        coming.cancel()
                        await asyncio.gather(coming, return_exceptions=True)
                if coming.cancelled() or (piece := coming.result()) is None:
                    return
                yield piece
    finally:
        stopping.cancel()


async def _stored(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(call, *arguments, **named)
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", None) or error)
        raise Unavailable(f"The chat cannot be stored: {why}.", "Free some disk space.", kind="store-failed") from error
