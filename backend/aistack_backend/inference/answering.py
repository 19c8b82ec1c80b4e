"""One answer on its way to a person: what is read for it, what the rules tell of that, then the words of the model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.inference.lookup import Found
from aistack_backend.inference.models import Piece, Rank, Turn
from aistack_backend.wire.chat import OWN, Chunk, Cite, Finish
from aistack_backend.wire.models import ModelStatus

MOST_TOKENS = 8192
TEMPERATURE = 0.3
LOCAL, RULES = "local", "rules"
"""Routes: who wrote the answer."""
T = TypeVar("T")


class Speaks(Protocol):
    """A model that answers conversations, many at once."""

    def status(self) -> ModelStatus:
        """Return where it stands."""
        ...

    def answering(self) -> str:
        """Return the name of the model that answers now; Unavailable when none does."""
        ...

    def answer(
        self, turns: Sequence[Turn], max_tokens: int, temperature: float, schema: str = "", *, rank: Rank = Rank.AGENT
    ) -> AsyncGenerator[Piece, None]:
        """Stream one answer; closing the iterator cancels."""
        ...


class NoModel:
    """What stands for a model that is switched off."""

    def __init__(self, standing: ModelStatus) -> None:
        self._standing = standing

    def status(self) -> ModelStatus:
        """See ``Speaks``."""
        return self._standing

    def answering(self) -> str:
        """See ``Speaks``."""
        raise Unavailable(self._standing.detail)

    async def answer(
        self, turns: Sequence[Turn], max_tokens: int, temperature: float, schema: str = "", *, rank: Rank = Rank.AGENT
    ) -> AsyncGenerator[Piece, None]:
        """See ``Speaks``."""
        raise Unavailable(self._standing.detail)
        yield Piece()


@dataclass(frozen=True, slots=True)
class Without:
    """Why no model answers, and what is looked up without one."""

    why: BackendError
    can: str

    def says(self, found: Sequence[str]) -> str:
        """Return the answer in the words of the rules."""
        if not found:
            return f"{self.reason} {self.can}"
        return "\n\n".join((f"{self.reason} This was looked up without it.", *found))

    @property
    def reason(self) -> str:
        """Why no model answers, in one sentence."""
        return f"The local model does not answer now: {self.why.detail}"


Keep = Callable[["Answer", Finish], Awaitable[str]]
"""Stores how an answer ended; returns why that could not be, or ""."""


class Answer:
    """See the module. ``stop`` ends it wherever it is; what came so far is kept."""

    def __init__(self, speaks: Speaks, clock: Clock) -> None:
        self._speaks, self._clock = speaks, clock
        self._began = clock.mono()
        self._says: list[str] = []
        self._final = self._spoke = False
        self.stop = asyncio.Event()
        self.session_id = self.message_id = 0
        self.model = self.route = self.text = self.question = ""
        self.alone = False
        """The question stands by itself: see ``noted.Ended``."""
        self.attached: tuple[Cite, ...] = ()
        self.read: list[Cite] = []
        self.task_id: int | None = None
        self.first: float | None = None
        self.last = Piece()
        self.without: Without | None = None
        """Set when no model is there to answer."""

    @property
    def seconds(self) -> float:
        """Since it was asked for."""
        return self._clock.mono() - self._began

    @property
    def cites(self) -> tuple[Cite, ...]:
        """All that was read for it."""
        return (*self.attached, *self.read)

    async def chunks(
        self,
        steps: AsyncGenerator[Found, None] | None,
        turns: Callable[[], Sequence[Turn]],
        limit: int,
        keep: Keep,
    ) -> AsyncGenerator[Chunk, None]:
        """Yield the answer; the last chunk has ``finish``. ``turns`` is called when everything was read."""
        finish, detail = Finish.CANCELLED, ""
        try:
            yield self._chunk(cites=self.cites)
            if steps is not None:
                async with aclosing(until(steps, self.stop)) as found:
                    async for step in found:
                        yield self._took(step)
            if not self.stop.is_set():
                async with aclosing(self._words(turns, limit)) as pieces:
                    async for piece in pieces:
                        finish = piece.finish or finish
                        if piece.text or piece.ahead is not None:
                            yield self._chunk(piece.text)
        except BackendError as error:
            finish, detail = Finish.ERROR, f"{error.detail} {error.hint}".strip()
        finally:
            if trouble := await keep(self, finish):
                detail = detail or trouble
        yield self._chunk(finish=finish, detail=detail, cites=self.cites)

    def _took(self, step: Found) -> Chunk:
        if step.cite:
            self.read.append(replace(step.cite, told=bool(step.says)))
        if step.says:
            self._says.append(step.says)
        self.task_id = step.task_id or self.task_id
        self._final = self._final or step.final
        return self._chunk(looking=step.looking, cites=self.cites if step.cite else ())

    async def _words(self, turns: Callable[[], Sequence[Turn]], limit: int) -> AsyncGenerator[Piece, None]:
        """Yield what the rules tell, which was measured, then the model's own words, marked as such; where the model
        has nothing to add, or cannot, only the first."""
        if self._final:
            yield self._by_rules("\n\n".join(self._says))
            return
        if self.without is None:
            self.route = LOCAL
            if self._says:
                yield self._tell("\n\n".join(self._says))
            try:
                async with aclosing(self._by_model(turns(), limit)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except Unavailable as error:
                if self._spoke or not self._says:
                    raise
                yield self._by_rules(f"\n\n{Without(error, '').reason}")
                return
        yield self._by_rules(self.without.says(self._says))

    async def _by_model(self, turns: Sequence[Turn], limit: int) -> AsyncGenerator[Piece, None]:
        answers = self._speaks.answer(turns, limit, TEMPERATURE, rank=Rank.PERSON)
        async with aclosing(until(answers, self.stop)) as pieces:
            async for piece in pieces:
                yield self._heard(piece)

    def _by_rules(self, text: str) -> Piece:
        self.route, self.model = RULES, ""
        self.last = Piece(finish=Finish.STOP)
        return self._tell(text, Finish.STOP)

    def _tell(self, text: str, finish: Finish | None = None) -> Piece:
        """Return words of the rules."""
        self.text += text
        return Piece(text=text, finish=finish)

    def _heard(self, piece: Piece) -> Piece:
        """Return a piece of the model, its first word after the line that says whose words these are."""
        if piece.text and not self._spoke:
            self._spoke, self.first = True, self._clock.mono() - self._began
            if self._says:
                piece = replace(piece, text=f"\n\n{OWN}\n\n{piece.text.lstrip()}")
        self.text += piece.text
        self.last = piece
        return piece

    def _chunk(
        self,
        text: str = "",
        finish: Finish | None = None,
        detail: str = "",
        looking: str = "",
        cites: tuple[Cite, ...] = (),
    ) -> Chunk:
        return Chunk(
            session_id=self.session_id,
            message_id=self.message_id,
            text=text,
            finish=finish,
            tokens=self.last.tokens,
            tokens_per_second=self.last.tokens_per_second,
            first_token_after=self.first,
            context_used=self.last.context_used or None,
            context_size=self.last.context_size or None,
            detail=detail,
            ahead=self.last.ahead,
            looking=looking,
            cites=cites,
            route=self.route,
            task_id=self.task_id,
        )


async def until(source: AsyncGenerator[T, None], stop: asyncio.Event) -> AsyncGenerator[T, None]:
    """Yield what ``source`` gives until ``stop`` is set, then close it, wherever it waits."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        async with aclosing(source):
            while not stop.is_set():
                coming = asyncio.ensure_future(anext(source, None))
                try:
                    await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not coming.done():
                        coming.cancel()
                        await asyncio.gather(coming, return_exceptions=True)
                if coming.cancelled() or (item := coming.result()) is None:
                    return
                yield item
    finally:
        stopping.cancel()
