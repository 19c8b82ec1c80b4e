"""One contract for every store of vectors: exact over our table, pgvector (the stack's image), Qdrant by its API."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, text, update
from tests.backend.knowledge.conftest import Meanings
from tests.bed.pgvector import pgvector
from tests.bed.postgres import emptied
from tests.bed.qdrant import QdrantServer

from aistack_backend.clock import HandClock
from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.knowledge import rows
from aistack_backend.knowledge.chunking import Piece
from aistack_backend.knowledge.search import Search
from aistack_backend.knowledge.service import Knowledge
from aistack_backend.knowledge.stores.chosen import chosen
from aistack_backend.knowledge.stores.copied import REST, Copied
from aistack_backend.knowledge.stores.port import Found, Space, VectorStore
from aistack_backend.knowledge.stores.qdrant import Qdrant
from aistack_backend.knowledge.vectors import packed
from aistack_backend.store.database import Database
from aistack_backend.store.knowledge_tables import collection
from aistack_backend.wire.config import KnowledgeConfig
from aistack_backend.wire.knowledge import SearchMode

KINDS = [
    "exact-sqlite",
    "exact-postgresql",
    pytest.param("pgvector", marks=[pytest.mark.podman, pytest.mark.pgvector]),
    "qdrant",
]
DIMENSIONS = 16


@dataclass
class Bed:
    """A store of one kind over a database, and how to begin anew on both."""

    database: Database
    open: Callable[[], VectorStore]
    server: QdrantServer | None
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.opened: list[VectorStore] = []
        self.begin()

    def begin(self) -> None:
        """Open it anew, as after a restart."""
        self.store = self.open()
        self.opened.append(self.store)

    def collection(self, name: str, dimensions: int = DIMENSIONS) -> int:
        with self.database.tx() as connection:
            number = rows.opened(connection, name, self.clock.now())
            mine = collection.c.id == number
            connection.execute(update(collection).where(mine).values(model="m", dimensions=dimensions))
            return number

    def space(self, name: str) -> Space:
        with self.database.read() as connection:
            found = rows.space(rows.known(connection, name))
            assert found
            return found

    def put(self, name: str, source: str, vectors: Sequence[Sequence[float]]) -> list[int]:
        with self.database.tx() as connection:
            return keep(connection, rows.known(connection, name).id, source, vectors)

    def find(self, names: Sequence[str], wanted: Sequence[float], most: int = 10, **more: frozenset[int]) -> Found:
        with self.database.read() as connection:
            spaces = [space for name in names if (space := rows.space(rows.known(connection, name)))]
            return self.store.find(connection, spaces, wanted, most, **more)


def keep(connection: object, number: int, source: str, vectors: Sequence[Sequence[float]]) -> list[int]:
    pieces = [Piece(start=at, end=at + 1, heading="", text=f"{source} {at}") for at in range(len(vectors))]
    values = {"title": source, "source": source, "kind": "text", "sha256": "0", "size": 1, "characters": 1}
    values |= {"added_at": 1.0, "added_by": "t", "expires_at": None, "collection_id": number}
    held = rows.keep(connection, pieces, [packed(one) for one in vectors], **values)  # type: ignore[arg-type]
    wanted = text("SELECT id FROM knowledge_chunk WHERE document_id = :held ORDER BY ordinal")
    return list(connection.execute(wanted, {"held": held}).scalars())  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def vector_postgres() -> Iterator[str]:
    with pgvector() as url:
        yield url


@pytest.fixture(params=KINDS)
def bed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bed]:
    kind, server, clock = request.param, None, HandClock()
    url = f"sqlite:///{tmp_path}/a.db"
    if kind == "exact-postgresql":
        url = emptied(request.getfixturevalue("postgres"), "knowledge")
    if kind == "pgvector":
        url = emptied(request.getfixturevalue("vector_postgres"), "knowledge_vector")
    if kind == "qdrant":
        server = QdrantServer(tmp_path / "qdrant", key="the-key")
        (tmp_path / "key").write_text("the-key\n")
    config = KnowledgeConfig(
        vectors=kind.partition("-")[0],
        qdrant_url=server.url if server else "",
        qdrant_key_file=str(tmp_path / "key") if server else "",
    )
    database = Database(url)
    made = Bed(database, lambda: chosen(config, database, clock), server, clock)
    yield made
    for store in made.opened:
        store.close()
    database.close()
    if server:
        server.stop()


def unit(*numbers: float) -> list[float]:
    made = [*numbers, *[0.0] * (DIMENSIONS - len(numbers))]
    length = math.sqrt(sum(one * one for one in made))
    return [one / length for one in made]


def test_the_nearest_come_first_with_their_cosine(bed: Bed) -> None:
    chance = random.Random(7)
    vectors = [unit(*(chance.gauss(0, 1) for _ in range(DIMENSIONS))) for _ in range(300)]
    bed.collection("a")
    ids = bed.put("a", "many", vectors)
    for _ in range(5):
        wanted = unit(*(chance.gauss(0, 1) for _ in range(DIMENSIONS)))
        scores = np.asarray(vectors, dtype="<f4") @ np.asarray(wanted, dtype="<f4")
        found = bed.find(["a"], wanted, 20)
        assert [number for number, _ in found] == [ids[at] for at in np.argsort(-scores)[:20]]
        assert [cosine for _, cosine in found] == pytest.approx(sorted(scores.tolist(), reverse=True)[:20], abs=1e-5)
    assert len(bed.find(["a"], wanted, 1_000)) == 300


def test_only_what_is_asked_for_is_looked_in(bed: Bed) -> None:
    for name in ("a", "b", "empty"):
        bed.collection(name)
    one, two = bed.put("a", "x", [unit(1), unit(1, 1)])
    (three,) = bed.put("b", "x", [unit(1, 0.1)])
    assert [number for number, _ in bed.find(["a"], unit(1))] == [one, two]
    assert [number for number, _ in bed.find(["b", "empty"], unit(1))] == [three]
    assert [number for number, _ in bed.find(["a", "b"], unit(1), 2)] == [one, three]
    assert [number for number, _ in bed.find(["a", "b"], unit(1), only=frozenset({two, three}))] == [three, two]
    assert bed.find(["a"], unit(1), only=frozenset()) == []
    assert bed.find([], unit(1)) == []


def test_what_was_rolled_back_is_not_found_and_what_was_removed_no_more(bed: Bed) -> None:
    number = bed.collection("a")
    (one,) = bed.put("a", "stays", [unit(1)])
    assert bed.find(["a"], unit(1))[0][0] == one
    with bed.database.engine.connect() as connection, connection.begin() as begun:
        keep(connection, number, "goes", [unit(1)])
        begun.rollback()
    assert [found for found, _ in bed.find(["a"], unit(1))] == [one]
    bed.put("a", "later", [unit(0, 1)])
    assert len(bed.find(["a"], unit(1))) == 2
    with bed.database.tx() as connection:
        first = connection.execute(text("SELECT id FROM knowledge_document WHERE source = 'stays'")).scalar_one()
        rows.drop(connection, first, number)
    assert [cosine for _, cosine in bed.find(["a"], unit(1))] == pytest.approx([0.0], abs=1e-6)


def test_a_vector_of_another_length_is_an_error(bed: Bed) -> None:
    bed.collection("a")
    bed.put("a", "x", [unit(1)])
    with pytest.raises(BadInput, match="A vector of 3 numbers was looked for; the collection's have 16"):
        bed.find(["a"], [1.0, 0.0, 0.0])


def test_it_is_there_after_a_restart(bed: Bed) -> None:
    bed.collection("a")
    ids = bed.put("a", "x", [unit(1), unit(0, 1)])
    bed.find(["a"], unit(1))
    if bed.server:
        bed.server.stop()
        bed.server.start()
        bed.server.asked.clear()
    bed.begin()
    assert [number for number, _ in bed.find(["a"], unit(1))] == ids
    if bed.server:
        assert not [line for line in bed.server.asked if line.startswith("PUT") or "delete" in line]


def test_a_copy_that_another_changed_is_put_right(bed: Bed) -> None:
    """Another installation's points under our ids, as after a restored backup."""
    bed.collection("a")
    ids = bed.put("a", "x", [unit(1), unit(0, 1)])
    bed.find(["a"], unit(1))
    if isinstance(bed.store, Copied):
        space, copy = bed.space("a"), bed.store._copy
        copy.put(space, {ids[0]: packed(unit(0, 0, 1)), 900: packed(unit(1))})
        copy.drop(space, [ids[1], 12345])
        bed.begin()
    assert bed.find(["a"], unit(1)) == [(ids[0], pytest.approx(1)), (ids[1], pytest.approx(0, abs=1e-6))]


async def test_a_new_index_replaces_every_vector(bed: Bed) -> None:
    embeds = Meanings()
    knowledge = Knowledge(bed.database, bed.clock, embeds, bed.store)
    search = Search(bed.database, bed.clock, embeds, bed.store)
    await knowledge.add("docs", b"The harbour of redis", "note:a", "t")
    await knowledge.add("docs", b"nginx listens", "note:b", "t")
    assert (await search.find("port", mode=SearchMode.MEANING)).hits[0].source == "note:a"
    embeds.model, embeds.dimensions = "words-32", 32
    await knowledge.reindex("docs")
    found = await search.find("port", mode=SearchMode.MEANING)
    assert (found.hits[0].source, found.vectors) == ("note:a", bed.store.name)
    first = found.hits[0].cosine
    embeds.model, embeds.same = "no-synonyms", {}
    await knowledge.reindex("docs")
    again = await search.find("port", mode=SearchMode.MEANING)
    assert first != pytest.approx(again.hits[0].cosine, abs=1e-3)


async def test_while_it_is_away_words_are_searched_and_it_says_so(tmp_path: Path) -> None:
    server, clock, embeds = QdrantServer(tmp_path / "q"), HandClock(), Meanings()
    database = Database(f"sqlite:///{tmp_path}/a.db")
    store = Copied(Qdrant(server.url), clock)
    knowledge, search = Knowledge(database, clock, embeds, store), Search(database, clock, embeds, store)
    kept = await knowledge.add("docs", b"The harbour of redis", "note:a", "t")
    assert kept.detail == ""
    server.stop()
    late = await knowledge.add("docs", b"The harbour of nginx", "note:b", "t")
    assert late.detail.startswith(f"It is not in qdrant yet: Qdrant at {server.url} does not answer")
    found = await search.find("harbour")
    assert (found.mode, len(found.hits), found.vectors) == (SearchMode.WORDS, 2, "")
    assert found.detail.startswith("By words only: Qdrant at")
    with pytest.raises(Unavailable, match="does not answer"):
        await search.find("port", mode=SearchMode.MEANING)
    knowledge.remove(kept.document.id)
    server.start()
    clock.advance(REST + 1)
    assert [hit.source for hit in (await search.find("port", mode=SearchMode.MEANING)).hits] == ["note:b"]
    store.close()
    database.close()
    server.stop()


async def test_a_wrong_key_and_a_wrong_answer_are_told(tmp_path: Path) -> None:
    server, database = QdrantServer(tmp_path / "q", key="k"), Database(f"sqlite:///{tmp_path}/a.db")
    embeds, clock = Meanings(), HandClock()
    for config, why in [
        (KnowledgeConfig(vectors="qdrant", qdrant_url=server.url), "says to GET /collections/"),
        (KnowledgeConfig(vectors="qdrant", qdrant_url=server.url, qdrant_key_file="/none"), "key file /none"),
        (KnowledgeConfig(vectors="pgvector"), "pgvector is a part of PostgreSQL"),
    ]:
        store = chosen(config, database, clock)
        added = await Knowledge(database, clock, embeds, store).add("docs", why.encode(), f"note:{why}", "t")
        assert why in added.detail
        found = await Search(database, clock, embeds, store).find("says")
        assert (found.mode, why in found.detail) == (SearchMode.WORDS, True)
        store.close()
    database.close()
    server.stop()


async def test_a_postgresql_without_the_extension_is_told(postgres: str) -> None:
    url = emptied(postgres, "knowledge_vector")
    engine = create_engine(url)
    with engine.connect() as connection:
        there = text("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
        has = connection.execute(there).scalar_one()
    engine.dispose()
    database, clock, embeds = Database(url), HandClock(), Meanings()
    store = chosen(KnowledgeConfig(vectors="pgvector"), database, clock)
    await Knowledge(database, clock, embeds, store).add("docs", b"a harbour", "note:a", "t")
    found = await Search(database, clock, embeds, store).find("harbour")
    expected = "" if has else "By words only: This PostgreSQL has not the extension vector."
    assert (found.detail, len(found.hits)) == (expected, 1)
    database.close()
