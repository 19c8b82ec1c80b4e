"""Which questions mean the same: by the vectors of whatever model embeds now, else by their words alone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aistack_backend.errors import BackendError
from aistack_backend.knowledge.making import made_of
from aistack_backend.knowledge.port import Embeds
from aistack_backend.learning.words import deciding, key

NEAR = 0.92
"""From which cosine on two questions mean the same, when their numbers and negations are the same too."""
CANDIDATES = 8
"""Nearest questions whose words are looked at."""
KEPT = 20_000
"""Questions whose vectors are kept in memory."""
Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sense:
    """A question as it is compared."""

    text: str
    vector: bytes | None = None
    model: str = ""
    """Whose vector it is; empty = it has none."""


def likeness(one: Sense, other: Sense) -> float:
    """Return how alike two questions are: 1 = the same words; else the cosine of vectors of one model; else 0."""
    if key(one.text) == key(other.text):
        return 1.0
    if one.vector is None or other.vector is None or one.model != other.model:
        return 0.0
    return min(1.0, float(_array(one.vector) @ _array(other.vector)))


def same(one: Sense, other: Sense) -> bool:
    """Tell whether two questions mean the same, so that one may get the other's answer."""
    if key(one.text) == key(other.text):
        return True
    return likeness(one, other) >= NEAR and deciding(one.text) == deciding(other.text)


class Leaders:
    """The first question of each group, so that thousands are compared with one multiplication."""

    def __init__(self) -> None:
        self._senses: list[Sense] = []
        self._places: list[int] = []
        self._by_key: dict[str, int] = {}
        self._vectors: Vector = np.zeros((0, 0), "<f4")
        self._count = 0

    def place(self, at: int, sense: Sense) -> int:
        """Return the place of the first question that means the same; ``at``, which then leads, when none does."""
        words = key(sense.text)
        if words not in self._by_key:
            found = self._nearest(sense)
            self._by_key[words] = at if found is None else found
            if found is None:
                self._add(at, sense)
        return self._by_key[words]

    def _nearest(self, sense: Sense) -> int | None:
        if sense.vector is None or not self._count:
            return None
        wanted = _array(sense.vector)
        if self._vectors.shape[1] != len(wanted):
            return None
        scores = self._vectors[: self._count] @ wanted
        near = [int(one) for one in np.argsort(-scores)[:CANDIDATES] if scores[one] >= NEAR]
        return next((self._places[one] for one in near if same(sense, self._senses[one])), None)

    def _add(self, at: int, sense: Sense) -> None:
        if sense.vector is None:
            return  # it is found by its words alone
        vector = _array(sense.vector)
        if self._count == len(self._vectors):
            grown = np.zeros((max(64, 2 * self._count), len(vector)), "<f4")
            grown[: self._count] = self._vectors if self._count else grown[:0]
            self._vectors = grown
        self._vectors[self._count] = vector
        self._count += 1
        self._senses.append(sense)
        self._places.append(at)


def grouped(senses: Sequence[Sense]) -> list[int]:
    """Return for each question the place of the first one that means the same; each group keeps to its first."""
    leaders = Leaders()
    return [leaders.place(at, sense) for at, sense in enumerate(senses)]


class Meaning:
    """Makes senses of questions, and keeps those it made. Belongs to one event loop."""

    def __init__(self, embeds: Embeds | None) -> None:
        self._embeds = embeds
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self.model = ""
        """Whose vectors were made last; empty = there were none."""

    async def senses(self, texts: Sequence[str]) -> list[Sense]:
        """Return the sense of each text; without a model, and for what it cannot embed, by words alone."""
        new = list(dict.fromkeys(text for text in texts if text not in self._kept)) or list(texts[:1])
        await self._embed(new)
        return [Sense(text, self._kept.get(text), self.model if text in self._kept else "") for text in texts]

    async def _embed(self, texts: Sequence[str]) -> None:
        """Embed these; even when all are known one is asked for again: the model may be another now."""
        if self._embeds is None or not texts:
            return
        try:
            made = await made_of(self._embeds, texts)
        except BackendError:  # the model changed in between: this once by words
            self._kept.clear()
            self.model = ""
            return
        if made.model != self.model:
            self._kept.clear()
            self.model = made.model
        for text, vector in zip(texts, made.vectors, strict=True):
            if vector is not None:
                self._kept[text] = vector
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _array(vector: bytes) -> Vector:
    return np.frombuffer(vector, dtype="<f4")
