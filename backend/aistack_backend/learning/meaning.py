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
KEPT = 20_000
"""Questions whose vectors are kept in memory."""
BLOCK = 256
"""Questions that are compared with all known ones at once."""
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


class Index:
    """Questions among which those that mean the same are found with one multiplication; belongs to one thread.

    They lie apart by model and by their deciding words, since only those of one such shelf can mean the same: a
    thousand questions that differ in a number cost a thousand short looks, not a million.
    """

    def __init__(self, senses: Sequence[Sense] = ()) -> None:
        self._count = 0
        self._by_key: dict[str, list[int]] = {}
        self._shelves: dict[tuple[str, int, frozenset[str]], _Shelf] = {}
        for sense in senses:
            self.add(sense)

    def add(self, sense: Sense) -> int:
        """Take one in and return its place, from 0."""
        at, self._count = self._count, self._count + 1
        self._by_key.setdefault(key(sense.text), []).append(at)
        if sense.vector is not None:
            self._shelves.setdefault(_shelf(sense, sense.vector), _Shelf()).add(at, _array(sense.vector))
        return at

    def alike(self, sense: Sense) -> list[int]:
        """Return the places of all that mean the same: the same words first, then the nearest."""
        found = list(self._by_key.get(key(sense.text), ()))
        if sense.vector is None or (shelf := self._shelves.get(_shelf(sense, sense.vector))) is None:
            return found
        known = set(found)
        return found + [at for at in shelf.near(_array(sense.vector)) if at not in known]


class _Shelf:
    """Vectors of one model, one row each, and the place of each."""

    def __init__(self) -> None:
        self._places: list[int] = []
        self._vectors: Vector = np.zeros((0, 0), "<f4")

    def add(self, place: int, vector: Vector) -> None:
        """Take one in."""
        count = len(self._places)
        if count == len(self._vectors):
            grown = np.zeros((max(4, 2 * count), len(vector)), "<f4")
            if count:
                grown[:count] = self._vectors
            self._vectors = grown
        self._vectors[count] = vector
        self._places.append(place)

    def near(self, vector: Vector) -> list[int]:
        """Return the places of those that are near, the nearest first."""
        scores = self._vectors[: len(self._places)] @ vector
        near = np.flatnonzero(scores >= NEAR)
        return [self._places[row] for row in near[np.argsort(-scores[near], kind="stable")]]


def _shelf(sense: Sense, vector: bytes) -> tuple[str, int, frozenset[str]]:
    return sense.model, len(vector), deciding(sense.text)


def nearest(senses: Sequence[Sense], known: Sequence[Sense]) -> list[float | None]:
    """Return how alike the nearest of the known ones is to each question, by ``likeness``; None = there is none."""
    if not known:
        return [None] * len(senses)
    words = {key(one.text) for one in known}
    held: dict[tuple[str, int], list[Vector]] = {}
    for one in known:
        if one.vector is not None:
            held.setdefault((one.model, len(one.vector)), []).append(_array(one.vector))
    found = [1.0 if key(one.text) in words else 0.0 for one in senses]
    for kind, vectors in held.items():
        matrix = np.stack(vectors)
        mine = [
            (at, _array(one.vector))
            for at, one in enumerate(senses)
            if one.vector is not None and (one.model, len(one.vector)) == kind
        ]
        for begin in range(0, len(mine), BLOCK):
            part = mine[begin : begin + BLOCK]
            best = (np.stack([vector for _, vector in part]) @ matrix.T).max(1)
            for (at, _), score in zip(part, best, strict=True):
                found[at] = max(found[at], min(1.0, float(score)))
    return list(found)


def grouped(senses: Sequence[Sense]) -> list[int]:
    """Return for each question the place of the first one that means the same; each group keeps to its first."""
    leaders, places, by_key = Index(), list[int](), dict[str, int]()
    found = []
    for at, sense in enumerate(senses):
        words = key(sense.text)
        if words not in by_key:
            near = leaders.alike(sense)
            by_key[words] = places[near[0]] if near else at
            if not near:
                leaders.add(sense)
                places.append(at)
        found.append(by_key[words])
    return found


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
