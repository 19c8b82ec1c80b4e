"""Words are found alike on SQLite and on PostgreSQL: any of them, the rare ones first, and none is a command."""

from __future__ import annotations

import random
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, delete, event, func, select, text
from tests.backend.knowledge.conftest import Shelf
from tests.bed.postgres import emptied

from aistack_backend.errors import BadInput
from aistack_backend.knowledge import folding, rows, word_index, words
from aistack_backend.knowledge.chunking import Piece
from aistack_backend.knowledge.filters import Filters
from aistack_backend.store.database import Database
from aistack_backend.store.knowledge_tables import chunk
from aistack_backend.store.knowledge_word_tables import piece_words, word
from aistack_backend.wire.knowledge import SearchMode

COMMON = ("the", "of", "stack", "service", "port", "memory", "agent", "file")
TEXTS = st.text(st.characters(codec="utf-8", max_codepoint=0x17E, exclude_characters="\0µ"), max_size=60)


def put(connection: Connection, name: str, source: str, *texts: str, heading: str = "", kind: str = "text") -> int:
    """Keep a document of these pieces, without vectors."""
    held = rows.opened(connection, name, 0.0)
    pieces = [Piece(start=0, end=len(one), heading=heading, text=one) for one in texts]
    about = {"title": source, "source": source, "kind": kind, "sha256": "", "size": 1, "characters": 1}
    about |= {"collection_id": held, "added_at": 0.0, "added_by": "t", "expires_at": None}
    return rows.keep(connection, pieces, [None] * len(texts), **about)


async def found(shelf: Shelf, question: str, most: int = 10, filters: Filters | None = None) -> list[str]:
    """Return the sources that a question finds by words, the best first."""
    answer = await shelf.search.find(question, (), most, SearchMode.WORDS, filters)
    return [hit.source for hit in answer.hits]


async def test_any_of_the_words_and_the_rare_ones_first(shelf: Shelf) -> None:
    with shelf.database.tx() as connection:
        for number in range(30):
            put(connection, "docs", f"common-{number}", "the port of the service " * 3)
        put(connection, "docs", "rare", "nobody speaks of a quagga here, or of anything else that one may ask")
        put(connection, "docs", "short", "a quagga")
        put(connection, "docs", "headed", "a striped animal", heading="Quagga")
    assert (await found(shelf, "which port of the service has the quagga"))[:3] == ["headed", "short", "rare"]
    assert (await found(shelf, "quagga"))[:3] == ["headed", "short", "rare"]
    assert await found(shelf, "nothing-like-it zebra") == []


async def test_case_and_accents_do_not_matter(shelf: Shelf) -> None:
    with shelf.database.tx() as connection:
        put(connection, "docs", "a", "Größe des Änderungsprotokolls: CAFÉ, naïve, İstanbul")
        put(connection, "docs", "b", "漢字 и кириллица, мой")
    for question in ("grosse größe", "anderungsprotokolls", "Cafe", "cafe\u0301", "NAIVE"):
        assert await found(shelf, question) == ["a"], question
    for question in ("漢字", "КИРИЛЛИЦА", "МОЙ", "мой"):
        assert await found(shelf, question) == ["b"], question
    assert await found(shelf, "мои") == []


async def test_the_order_is_that_of_fts5(shelf: Shelf) -> None:
    some = random.Random(7)
    names = [*COMMON, *(f"word{number}" for number in range(200))]
    weights = [40] * len(COMMON) + [1] * 200
    texts = [" ".join(some.choices(names, weights, k=some.randint(5, 60))) for _ in range(400)]
    plain = sqlite3.connect(":memory:")
    plain.execute("CREATE VIRTUAL TABLE w USING fts5(heading, text, tokenize='unicode61 remove_diacritics 2')")
    with shelf.database.tx() as connection:
        for number, one in enumerate(texts):
            heading = names[number % len(names)] if number % 3 == 0 else ""
            put(connection, "docs", str(number), one, heading=heading)
            plain.execute("INSERT INTO w(rowid, heading, text) VALUES (?, ?, ?)", (number, heading, one))
    for _ in range(20):
        asked = some.choices(names, k=some.randint(1, 8))
        query = " OR ".join(dict.fromkeys(asked))
        sql = "SELECT rowid, bm25(w, 2.0, 1.0) FROM w WHERE w MATCH ? ORDER BY bm25(w, 2.0, 1.0), rowid LIMIT 60"
        wanted = [str(number) for number, _ in plain.execute(sql, (query,))]
        assert await found(shelf, " ".join(asked), most=60) == wanted, query
    plain.close()


async def test_filters_and_collections_are_looked_into_beyond_the_best(shelf: Shelf) -> None:
    with shelf.database.tx() as connection:
        for number in range(300):
            put(connection, "docs", f"note:{number}", "quagga quagga quagga")
        put(connection, "docs", "web:page", "the animal is called quagga, they say", kind="html")
        put(connection, "other", "there", "a quagga of another collection")
    assert await found(shelf, "quagga", filters=Filters(source="web:")) == ["web:page"]
    assert await found(shelf, "quagga", filters=Filters(kind="html")) == ["web:page"]
    answer = await shelf.search.find("quagga", ("other",), 10, SearchMode.WORDS)
    assert [hit.source for hit in answer.hits] == ["there"]


HOSTILE = (
    *("':*", "quagga:*", "!quagga", "quagga <-> zebra", "'quagga' & !", '"', "\\' OR 1=1 --", "{quagga}", "%s %(x)s"),
    *(":use ?| ?", "🦓", "🦓 quagga", "\u202e", "quagga " * 1_400, "é" * 5_000, "a" * 10_240, "_"),
)


@pytest.mark.parametrize("question", HOSTILE)
async def test_no_question_is_a_command(shelf: Shelf, question: str) -> None:
    with shelf.database.tx() as connection:
        put(connection, "docs", "a", "a quagga", "x" * 790, "🦓 only a picture", "% ' : ? | & \\")
    hits = await found(shelf, question)
    assert (hits[:1] == ["a"]) is ("quagga" in question)
    assert await found(shelf, "quagga") == ["a"]
    with pytest.raises(BadInput):
        await found(shelf, "quagga\0")


async def test_common_words_are_bounded_work(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_index, "WEIGHED", 50)
    with shelf.database.tx() as connection:
        for number in range(120):
            put(connection, "docs", f"{number}", f"the service {'of' if number < 40 else ''} number")
        put(connection, "docs", "rare", "the service of a quagga")
    with shelf.database.read() as connection:
        assert len(words.find(connection, "the service", [1], 100)) <= 100
        first = words.find(connection, "the service of quagga", [1], 100)
        assert rows.text(connection, 121).document.source == "rare"
    own = shelf.database.engine.dialect.name == "postgresql"  # FTS5 weighs every piece that has a word
    assert len(first) == len(set(first)) == (41 + 50 if own else 100)
    assert (await found(shelf, "the service of quagga"))[0] == "rare"


def state(database: Database) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Return everything that the index of words holds."""
    with database.read() as connection:
        pieces = connection.execute(select(piece_words).order_by(piece_words.c.chunk_id)).all()
        counted = connection.execute(select(word).where(word.c.pieces > 0).order_by(word.c.word)).all()
    return [tuple(row) for row in pieces], [tuple(row) for row in counted]


def older(url: str) -> Database:
    """Return a database as an older version left it: chunks, and no index of words."""
    database = Database(emptied(url, "knowledge"))
    with database.tx() as connection:
        for number in range(1_203):
            put(connection, "docs", f"{number}", f"piece number{number} of the older version", heading="Old")
    with database.tx() as connection:
        connection.execute(delete(piece_words))
        connection.execute(delete(word))
        line = "CREATE INDEX knowledge_chunk_words ON knowledge_chunk USING gin (to_tsvector('simple', text))"
        connection.execute(text(line))
    return database


def test_an_older_installation_is_taken_in_once_also_when_it_is_cut_off(postgres: str) -> None:
    database = older(postgres)
    batches: list[int] = []

    def cut(connection: Connection) -> None:
        batches.append(1)
        if len(batches) == 3:  # the first takes no chunk
            raise KeyboardInterrupt

    event.listen(database.engine, "commit", cut)
    with pytest.raises(KeyboardInterrupt):
        word_index.catch_up(database)
    event.remove(database.engine, "commit", cut)
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(piece_words)).scalar() == word_index.BATCH
        assert len(words.find(connection, "number7", [1], 10)) == 1
    database.close()
    again = Database(postgres)
    assert word_index.catch_up(again) == 1_203 - word_index.BATCH
    assert word_index.catch_up(again) == 0
    pieces, counted = state(again)
    assert len(pieces) == 1_203
    assert ("", 1_203, 7 * 1_203) in counted
    assert ("number7", 1, 7) in counted
    with again.read() as connection:
        assert len(words.find(connection, "number1202", [1], 10)) == 1
        assert not connection.execute(text("SELECT 1 FROM pg_indexes WHERE indexname='knowledge_chunk_words'")).all()
    again.close()


def test_what_an_older_version_removed_is_counted_anew(postgres: str) -> None:
    database = Database(emptied(postgres, "knowledge"))
    with database.tx() as connection:
        put(connection, "docs", "a", "a quagga")
        put(connection, "docs", "b", "a zebra")
    engine = create_engine(postgres)
    with engine.begin() as connection:
        connection.execute(delete(chunk).where(chunk.c.document_id == 1))
    engine.dispose()
    assert word_index.catch_up(database) == 0
    assert state(database)[1] == [("", 1, 2), ("a", 1, 2), ("zebra", 1, 2)]
    database.close()


def test_what_is_kept_and_dropped_leaves_what_a_new_index_would_hold(postgres: str) -> None:
    database = Database(emptied(postgres, "knowledge"))
    for number in range(6):
        with database.tx() as connection:
            put(connection, "docs", f"{number}", f"a quagga {number}", "and a zebra", heading="Animals é")
    with database.tx() as connection:
        for number in (2, 5):
            rows.drop(connection, number, 1)
    before = state(database)
    with database.tx() as connection:
        connection.execute(delete(piece_words))
        connection.execute(delete(word))
    assert word_index.catch_up(database) == 8
    assert state(database) == before
    database.close()


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_a_latin_text_has_the_words_that_fts5_takes(given_text: str) -> None:
    with sqlite3.connect(":memory:") as plain:
        plain.execute("CREATE VIRTUAL TABLE w USING fts5(t, tokenize='unicode61 remove_diacritics 2')")
        plain.execute("CREATE VIRTUAL TABLE v USING fts5vocab(w, 'instance')")
        plain.execute("INSERT INTO w VALUES (?)", (given_text,))
        taken = [one for (one,) in plain.execute('SELECT term FROM v ORDER BY "offset"')]
    plain.close()
    assert folding.words(given_text) == taken
