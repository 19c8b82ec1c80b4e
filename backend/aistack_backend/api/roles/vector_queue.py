"""A queue in front of what makes vectors: requests that wait are joined into one, and each gets its own back."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.inference.models import Embeddings, TooMany
from aistack_backend.inference.vectors import checked

JOINED = 32
"""Texts of one batch, unless one request has more."""
DEPTH = 48
"""Requests that wait; one more is refused."""
TEXTS = 4_096
"""Texts that wait; a request that would make more is refused unless none waits."""
WITHIN = 30.0
"""Seconds until a request is given up."""


class QueueFull(TooMany):
    """As many wait as are taken; ``again`` is in how many seconds a try makes sense."""

    def __init__(self, detail: str, again: int) -> None:
        super().__init__(detail, f"Try again in {again} s.")
        self.again = again


class TooLate(BackendError):
    """A request was not answered in its time."""

    type, status, title = "too-late", 504, "Not in time"


@dataclass(slots=True)
class _Asked:
    texts: tuple[str, ...]
    done: asyncio.Future[Embeddings]
    at: float


class VectorQueue:
    """Makes vectors of whatever waits, one batch at a time. Belongs to one event loop.

    ``on_batch`` is told of every batch: requests, texts, and the seconds that each of those requests had waited.
    """

    def __init__(
        self,
        embed: Callable[[Sequence[str]], Coroutine[Any, Any, Embeddings]],
        clock: Clock,
        *,
        joined: int = JOINED,
        depth: int = DEPTH,
        texts: int = TEXTS,
        within: float = WITHIN,
    ) -> None:
        self._embed, self._clock = embed, clock
        self._joined, self._most, self._most_texts, self._within = joined, depth, texts, within
        self._waiting: deque[_Asked] = deque()
        self._work: asyncio.Task[None] | None = None
        self._batch: Sequence[_Asked] = ()
        self._making: asyncio.Future[Embeddings] | None = None
        self._a_text: float | None = None
        """Seconds that a text took in the last batch."""
        self.on_batch: Callable[[int, int, Sequence[float]], None] = lambda requests, texts, waits: None
        self.last: Embeddings | None = None
        """The newest vectors, without the vectors: which model, how wide, how long a text may be."""

    @property
    def depth(self) -> int:
        """Requests that wait now, the running batch not among them."""
        return len(self._waiting)

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Return one vector of length one for each text, in their order.

        Raises:
            BadInput: a text is empty or too long; says which of this request. QueueFull: too many wait.
            TooLate: it took too long. Unavailable: nothing makes vectors now.
        """
        mine = checked(texts)
        held = sum(len(one.texts) for one in self._waiting)
        if len(self._waiting) >= self._most or (held and held + len(mine) > self._most_texts):
            again = 1 if self._a_text is None else max(1, math.ceil(held * self._a_text))
            raise QueueFull(f"{len(self._waiting)} requests with {held} texts wait for vectors already.", again)
        asked = _Asked(mine, asyncio.get_running_loop().create_future(), self._clock.mono())
        self._waiting.append(asked)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._batches())
        try:
            async with asyncio.timeout(self._within):
                return await asked.done
        except TimeoutError as error:
            hint = "Send fewer texts at once, or ask again when it is less busy."
            raise TooLate(f"There were no vectors within {self._within:g} s.", hint) from error
        finally:
            asked.done.cancel()
            if asked in self._waiting:
                self._waiting.remove(asked)
            self._give_up()

    async def _batches(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # who came in the same moment is in this batch, too
            batch = self._next()
            if not batch:
                continue
            now = self._clock.mono()
            texts = sum(len(one.texts) for one in batch)
            self.on_batch(len(batch), texts, [now - one.at for one in batch])
            await self._answer(batch)
            self._a_text = (self._clock.mono() - now) / texts

    def _next(self) -> list[_Asked]:
        batch, texts = list[_Asked](), 0
        while self._waiting and (not batch or texts + len(self._waiting[0].texts) <= self._joined):
            one = self._waiting.popleft()
            batch.append(one)
            texts += len(one.texts)
        return batch

    async def _answer(self, batch: Sequence[_Asked]) -> None:
        self._batch = batch
        self._making = asyncio.ensure_future(self._embed([text for one in batch for text in one.texts]))
        try:
            found = await self._making
        except asyncio.CancelledError:
            if not all(one.done.done() for one in batch):
                raise
            return None  # nobody waited for it any more
        except BadInput as error:
            if len(batch) == 1:
                return _failed(batch, error)
            for one in batch:  # one text is to blame: the others have done nothing, and it is told in its own words
                if not one.done.done():
                    await self._answer([one])
            return None
        except Exception as error:  # whatever it is, nobody may wait for ever
            return _failed(batch, error)
        self.last = replace(found, vectors=(), counts=())
        begin = 0
        for one in batch:
            mine = slice(begin, begin + len(one.texts))
            begin += len(one.texts)
            if not one.done.done():
                counts = found.counts[mine]
                part = replace(found, vectors=found.vectors[mine], counts=counts, tokens=sum(counts))
                one.done.set_result(part)
        return None

    def _give_up(self) -> None:
        """End the batch that runs when nobody waits for it any more."""
        if self._making is not None and all(one.done.done() for one in self._batch):
            self._making.cancel()


def _failed(batch: Sequence[_Asked], error: Exception) -> None:
    for one in batch:
        if not one.done.done():
            one.done.set_exception(error)
