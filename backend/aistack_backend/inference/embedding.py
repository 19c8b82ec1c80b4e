"""Texts into vectors beside the answers: one text at a time, between two steps of the answers. Child only.

While answers run, vectors take half of the time at most: after each text the answers go on for as long as it took.
"""

from __future__ import annotations

import base64
import math
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from aistack_backend.inference.answers import CannotAnswer
from aistack_backend.inference.protocol import Is, Order, Report


class AbortedError(Exception):
    """The computation was stopped because nobody wants it any more."""


class Embeds(Protocol):
    """A loaded model that turns texts into vectors."""

    path: str
    window: int
    """Tokens of one text at most."""

    def embed(self, text: str, unwanted: Callable[[], bool]) -> tuple[Sequence[float], int]:
        """Return the vector of a text, of whatever length, and how many tokens the text has. ``unwanted`` is asked
        meanwhile and says True to abort.

        Raises:
            CannotAnswer: the text is too long, or llama.cpp failed; the sentence goes on after the text's name.
            AbortedError: it was aborted.
        """
        ...


class Embedding:
    """The queue of texts. ``load`` makes the model of an order, at the first text for it; ``cancelled`` says whether a
    request is wanted no more, and may be asked from within a computation."""

    def __init__(self, load: Callable[[Order], Embeds], cancelled: Callable[[int], bool]) -> None:
        self._load, self._cancelled = load, cancelled
        self._model: Embeds | None = None
        self._took = 0.0
        """Seconds that loading it took."""
        self._orders: deque[Order] = deque()
        self._at = 0
        """Texts of the first order that are done."""
        self._rest = 0.0
        """Monotonic seconds until which answers go first."""

    @property
    def idle(self) -> bool:
        """Nothing waits."""
        return not self._orders

    def __contains__(self, number: int) -> bool:
        """Whether a request is not over."""
        return any(one.id == number for one in self._orders)

    def add(self, order: Order) -> None:
        """Take a request into the queue; it has one text at least."""
        self._orders.append(order)

    def cancel(self, number: int) -> bool:
        """Forget a request; say whether it was here."""
        found = next((one for one in self._orders if one.id == number), None)
        if found is None:
            return False
        if found is self._orders[0]:
            self._at = 0
        self._orders.remove(found)
        return True

    def step(self, beside: bool) -> Iterator[Report]:
        """Compute one text; with ``beside``, answers run too, and it may be their turn."""
        began = time.monotonic()
        if not self._orders or (beside and began < self._rest):
            return
        order = self._orders[0]
        yield Report(what=Is.EMBEDDING, id=order.id)  # now: what is being read may be what kills
        at = 0  # of the text that is to blame, from 1; 0 = the model itself is
        try:
            model = self._loaded(order)
            at = self._at + 1
            values, tokens = model.embed(order.texts[self._at], lambda: self._cancelled(order.id))
            vector = encoded(values)
        except AbortedError:
            return
        except CannotAnswer as error:
            self.cancel(order.id)
            yield Report(what=Is.REFUSED, id=order.id, detail=str(error), count=at)
            return
        self._rest = 2 * time.monotonic() - began
        self._at += 1
        if self._at == len(order.texts):
            self.cancel(order.id)
        made = Report(what=Is.VECTOR, id=order.id, vector=vector, tokens=tokens)
        yield replace(made, window=model.window, loaded_in=self._took)

    def _loaded(self, order: Order) -> Embeds:
        if self._model is None or self._model.path != order.path:
            self._model = None  # its memory goes first
            began = time.monotonic()
            self._model = self._load(order)
            self._took = time.monotonic() - began
        return self._model


def encoded(values: Sequence[float]) -> str:
    """Return a vector of length one in that direction: base64 of little-endian 32-bit floats.

    Raises:
        CannotAnswer: it has no direction.
    """
    length = math.sqrt(sum(one * one for one in values))
    if not math.isfinite(length) or length == 0:
        raise CannotAnswer("gets no vector from the model.")
    return base64.b64encode(array("f", [one / length for one in values]).tobytes()).decode()


def decoded(vector: str) -> tuple[float, ...]:
    """Read what ``encoded`` wrote.

    Raises:
        ValueError: it is no such text.
    """
    return tuple(array("f", base64.b64decode(vector, validate=True)))
