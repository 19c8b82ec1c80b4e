"""A knowledge base on both kinds of store, with vectors of the in-memory engine's kind."""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.bed.postgres import emptied

from aistack_backend.clock import HandClock
from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference.models import Embeddings
from aistack_backend.knowledge.search import Search
from aistack_backend.knowledge.service import Knowledge
from aistack_backend.store.database import Database

SAME = {"harbour": "port", "halts": "stops", "store": "database"}
"""Words that mean the same to these vectors."""


@dataclass
class Meanings:
    """Vectors by words, where some words mean the same; deterministic, of length one."""

    model: str = "words-64"
    dimensions: int = 64
    there: bool = True
    longest: int = 1_000
    same: dict[str, str] = field(default_factory=lambda: SAME)
    asked: list[int] = field(default_factory=list)
    first: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at the first call."""

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """See ``Embeds``."""
        self.asked.append(len(texts))
        self.first.set()
        if not self.there:
            raise Unavailable("No embedding model is there.")
        if any(len(text) > self.longest for text in texts):
            raise BadInput("It has too many tokens.")
        vectors = tuple(self._vector(text) for text in texts)
        return Embeddings(model=self.model, dimensions=self.dimensions, vectors=vectors, tokens=1)

    def _vector(self, text: str) -> tuple[float, ...]:
        made = [0.0] * self.dimensions
        for word in re.findall(r"\w+", text.lower()) or [text]:
            digest = hashlib.sha256(self.same.get(word, word).encode()).digest()
            made[digest[0] % self.dimensions] += 1
        length = math.sqrt(sum(one * one for one in made))
        return tuple(one / length for one in made)


@dataclass
class Shelf:
    """Everything of one test."""

    database: Database
    clock: HandClock
    embeds: Meanings
    knowledge: Knowledge
    search: Search


@pytest.fixture(params=["sqlite", "postgresql"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    """Give an empty knowledge base."""
    made = f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else ""
    database = Database(made or emptied(request.getfixturevalue("postgres"), "knowledge"))
    clock, embeds = HandClock(), Meanings()
    knowledge = Knowledge(database, clock, embeds)
    yield Shelf(database, clock, embeds, knowledge, Search(database, clock, embeds, uses=knowledge.uses))
    database.close()
