"""One answer at a time over an engine that generates: the first engine's way to serve many. Child only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol

from aistack_backend.inference.answers import CannotAnswer, Progress, Step
from aistack_backend.inference.protocol import Order
from aistack_backend.inference.seats import Seats
from aistack_backend.wire.models import Slot


class Generates(Protocol):
    """A model that makes one answer."""

    context_size: int
    used: int

    @property
    def description(self) -> str:
        """The engine's words for the model."""
        ...

    def answer(self, order: Order, progress: Progress) -> Iterator[str]:
        """Yield the text of one answer as it is made; raises CannotAnswer."""
        ...


class Serial:
    """See :class:`~aistack_backend.inference.answers.Answering`. ``current`` is the request that is answered."""

    layers, gpu_able = (0, 0), False

    def __init__(self, model: Generates, cancelled: Callable[[int], bool]) -> None:
        self._model, self._cancelled = model, cancelled
        self._seats = Seats(1, time.monotonic)
        self._pieces: Iterator[str] = iter(())
        self._progress = Progress()
        self._order: Order | None = None

    @property
    def context_size(self) -> int:
        """Tokens that one request may fill."""
        return self._model.context_size

    @property
    def description(self) -> str:
        """The engine's words for the model."""
        return self._model.description

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing waits."""
        return self._order is None and not len(self._seats)

    @property
    def waiting(self) -> int:
        """Requests that have not begun."""
        return len(self._seats)

    def places(self) -> dict[int, int]:
        """Return each request that waits, with how many others are served before it."""
        running = int(self._order is not None)
        return {number: running + at for at, number in enumerate(self._seats.places())}

    def shown(self) -> tuple[Slot, ...]:
        """Return nothing: this engine does not tell what it holds."""
        return ()

    def add(self, order: Order) -> None:
        """Take a request into the queue."""
        self._seats.add(order)

    def cancel(self, number: int) -> Iterator[Step]:
        """Drop a request that waits; the running one sees its cancel by itself."""
        if self._seats.remove(number):
            yield Step(number, Progress(finish="cancelled"))

    def unwanted(self) -> bool:
        """Whether the running answer was cancelled."""
        return self._order is not None and self._cancelled(self._order.id)

    def step(self) -> Iterator[Step]:
        """Take the next piece of the running answer, or begin the next."""
        if self._order is None:
            order = self._seats.next(0)
            if order is None:
                return
            self._seats.remove(order.id)
            self._order, self._progress = order, Progress()
            yield Step(order.id, self._progress, begun=True)
            self._pieces = self._model.answer(order, self._progress)
        order, refused, text = self._order, "", ""
        try:
            text = next(self._pieces)
        except StopIteration:
            self._order = None
        except CannotAnswer as error:
            self._order, refused = None, str(error)
        finish, self._progress.finish = self._progress.finish, ""
        if self._order is None:
            self._progress.finish = finish or "stop"
        yield Step(order.id, self._progress, text=text, refused=refused, used=self._model.used)
        if self._order is not None:
            self._progress.finish = finish
