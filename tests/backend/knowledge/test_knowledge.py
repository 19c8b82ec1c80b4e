"""Documents are kept whole, replaced, removed and searched, alike on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from tests.backend.knowledge.conftest import Shelf

from aistack_backend.errors import BackendError, BadInput, Conflict, NotFound, Unavailable
from aistack_backend.store.knowledge_tables import chunk
from aistack_backend.wire.knowledge import Added, SearchMode

REDIS = b"# Redis\n\nThe port of redis is 6379.\n\n# Stopping\n\nRedis stops when its memory is full."
NGINX = b"# nginx\n\nThe proxy listens on 8443 with a certificate of our own."


async def filled(shelf: Shelf) -> tuple[Added, Added]:
    one = await shelf.knowledge.add("docs", REDIS, "/d/redis.md", "root")
    return one, await shelf.knowledge.add("docs", NGINX, "/d/nginx.md", "root")


async def test_a_document_is_kept_and_counted(shelf: Shelf) -> None:
    redis, nginx = await filled(shelf)
    assert (redis.outcome, redis.detail, redis.document.title, redis.document.chunks) == ("added", "", "Redis", 2)
    assert [one.id for one in shelf.knowledge.documents("docs")] == [nginx.document.id, redis.document.id]
    (docs,) = shelf.knowledge.collections()
    assert (docs.name, docs.documents, docs.chunks, docs.without_vector) == ("docs", 2, 3, 0)
    assert (docs.model, docs.dimensions) == ("words-64", 64)


async def test_words_and_meaning_find_it_and_say_why(shelf: Shelf) -> None:
    await filled(shelf)
    found = await shelf.search.find("port of redis")
    best = found.hits[0]
    assert (best.title, best.heading, best.source) == ("Redis", "Redis", "/d/redis.md")
    assert (best.words_rank, best.meaning_rank) == (1, 1)
    assert best.cosine
    assert best.cosine > 0.5
    assert (found.mode, found.searched, found.detail) == (SearchMode.BOTH, 3, "")
    halts = await shelf.search.find("halts", mode=SearchMode.MEANING, most=1)
    assert [one.heading for one in halts.hits] == ["Stopping"]
    assert not (await shelf.search.find("halts", mode=SearchMode.WORDS)).hits
    assert not (await shelf.search.find("?!", mode=SearchMode.WORDS)).hits


async def test_the_same_source_is_replaced_and_the_same_bytes_are_left(shelf: Shelf) -> None:
    await filled(shelf)
    calls = len(shelf.embeds.asked)
    same = await shelf.knowledge.add("docs", REDIS, "/d/redis.md", "root")
    assert (same.outcome, len(shelf.embeds.asked)) == ("unchanged", calls)
    new = await shelf.knowledge.add("docs", b"# Redis\n\nIt moved to 6380.", "/d/redis.md", "root")
    assert new.outcome == "replaced"
    assert not (await shelf.search.find("6379", mode=SearchMode.WORDS)).hits
    assert [one.document_id for one in (await shelf.search.find("6380")).hits][:1] == [new.document.id]


async def test_what_is_removed_is_found_no_more(shelf: Shelf) -> None:
    redis, _ = await filled(shelf)
    assert (await shelf.search.find("redis")).hits[0].title == "Redis"
    assert shelf.knowledge.remove(redis.document.id).title == "Redis"
    assert {one.title for one in (await shelf.search.find("redis port 6379")).hits} <= {"nginx"}
    with shelf.database.read() as connection:
        assert len(connection.execute(select(chunk)).all()) == 1
    with pytest.raises(NotFound, match="There is no document"):
        shelf.knowledge.remove(redis.document.id)


async def test_what_is_over_is_not_found_and_is_collected(shelf: Shelf) -> None:
    await shelf.knowledge.add("docs", REDIS, "note:redis", "root", keep_days=1)
    assert (await shelf.search.find("redis")).hits
    shelf.clock.advance(86_401)
    assert not (await shelf.search.find("redis")).hits
    assert [one.source for one in shelf.knowledge.collect_expired()] == ["note:redis"]
    assert shelf.knowledge.collect_expired() == ()
    assert shelf.knowledge.collections()[0].documents == 0


async def test_without_a_model_it_is_found_by_words_until_it_is_indexed(shelf: Shelf) -> None:
    shelf.embeds.there = False
    added = await shelf.knowledge.add("docs", REDIS, "/d/redis.md", "root")
    assert added.detail == "It is found by words only: No embedding model is there."
    found = await shelf.search.find("6379")
    assert (found.mode, found.detail) == (SearchMode.WORDS, "By words only: No embedding model is there.")
    assert found.hits[0].cosine is None
    with pytest.raises(Unavailable, match="No embedding model"):
        await shelf.search.find("6379", mode=SearchMode.MEANING)
    with pytest.raises(Unavailable, match="No embedding model"):
        await shelf.knowledge.reindex("docs")
    shelf.embeds.there = True
    again = await shelf.knowledge.reindex("docs")
    assert (again.computed, again.collection.without_vector, again.collection.model) == (2, 0, "words-64")
    assert (await shelf.search.find("halts", mode=SearchMode.MEANING)).hits


async def test_another_model_is_an_error_until_it_is_indexed_anew(shelf: Shelf) -> None:
    await filled(shelf)
    shelf.embeds.model, shelf.embeds.dimensions = "words-32", 32
    with pytest.raises(Conflict, match=r"has vectors of words-64 \(64\); words-32 \(32\) embeds now"):
        await shelf.knowledge.add("docs", b"x", "note:x", "root")
    found = await shelf.search.find("redis port")
    assert found.hits[0].cosine is None
    assert found.detail == "Not by meaning in docs (words-64): words-32 embeds now. Index anew to change that."
    with pytest.raises(Unavailable, match="Not by meaning in docs"):
        await shelf.search.find("redis", mode=SearchMode.MEANING)
    assert (await shelf.knowledge.reindex("docs")).collection.dimensions == 32
    assert (await shelf.search.find("halts", mode=SearchMode.MEANING)).hits[0].heading == "Stopping"


async def test_a_piece_that_is_too_dense_is_found_by_words(shelf: Shelf) -> None:
    shelf.embeds.longest = 60
    added = await shelf.knowledge.add("docs", REDIS + b" dense" * 20, "/d/redis.md", "root")
    assert added.detail == "1 of 2 pieces are found by words only: they are too dense for the model."
    assert shelf.knowledge.collections()[0].without_vector == 1
    assert (await shelf.search.find("dense", mode=SearchMode.WORDS)).hits[0].heading == "Stopping"


async def test_a_vector_without_a_length_is_never_kept(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf.embeds, "_vector", lambda _: (0.0,) * 64)
    with pytest.raises(BackendError, match="length 0"):
        await shelf.knowledge.add("docs", REDIS, "/d/redis.md", "root")
    assert shelf.knowledge.collections() == ()


@pytest.mark.parametrize(
    "question",
    [
        '"',
        "a OR b",
        "NEAR(a b)",
        "redis*",
        "heading:redis",
        "'); DROP TABLE knowledge_chunk; --",
        "& | ! <-> :*",
        "é ß 漢字",
        "a " * 900,
    ],
)
async def test_a_question_is_words_and_nothing_else(shelf: Shelf, question: str) -> None:
    await filled(shelf)
    await shelf.search.find(question, mode=SearchMode.WORDS)
    assert (await shelf.search.find("redis", mode=SearchMode.WORDS)).hits


async def test_bad_input(shelf: Shelf) -> None:
    await filled(shelf)
    for name, source, days in (("Docs", "a", None), ("", "a", None), ("docs", " ", None), ("docs", "a", 0.0)):
        with pytest.raises(BadInput):
            await shelf.knowledge.add(name, b"x", source, "root", keep_days=days)
    for question, most in (("", 1), (" ", 1), ("x" * 10_241, 1), ("x", 0), ("x", 101), ("a\0", 1)):
        with pytest.raises(BadInput):
            await shelf.search.find(question, most=most)
    with pytest.raises(NotFound, match="There is no collection other") as none:
        await shelf.search.find("x", ["other"])
    assert none.value.hint == "There are: docs."
    with pytest.raises(NotFound):
        shelf.knowledge.documents("other")


async def test_what_finds_words_follows_every_change(shelf: Shelf) -> None:
    await filled(shelf)
    for number in range(20):
        await shelf.knowledge.add("docs", f"version {number} of it".encode(), "note:v", "root")
    assert [one.text for one in (await shelf.search.find("version", most=50)).hits if one.words_rank] == [
        "version 19 of it"
    ]
    if shelf.database.engine.dialect.name == "sqlite":
        with shelf.database.tx() as connection:
            connection.execute(text("INSERT INTO knowledge_words(knowledge_words, rank) VALUES ('integrity-check', 1)"))
