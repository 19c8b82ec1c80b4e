"""The Knowledge screen: collections, documents, a search with its ranks, surplus, and removal that asks; both sizes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from tests.console.knowledge_scene import COPY, FOUND, HITS, REDIS, knowing
from tests.console.shell import Shell
from tests.console.stage import NOW, Stage, rest, stage, until

from aistack_backend.wire.knowledge import Collection, Collections, SearchAnswer, SearchMode
from aistack_console.present import knowledge as words
from aistack_console.present.units import many
from aistack_console.screens.knowledge import KnowledgeScreen
from aistack_console.widgets.question import Question

SIZES = [(80, 24), (160, 45)]


@asynccontextmanager
async def shown(size: tuple[int, int], **more: bool) -> AsyncIterator[tuple[Stage, Shell, Any]]:
    async with stage() as on:
        knowing(on)
        app = Shell(on, KnowledgeScreen, **more)
        async with app.run_test(size=size) as pilot:
            await until(lambda: "2 collections" in app.text)
            yield on, app, pilot


@pytest.mark.parametrize("size", SIZES)
async def test_collections_with_their_model_and_what_lacks_vectors(size: tuple[int, int]) -> None:
    async with shown(size) as (_, app, _):
        await until(lambda: "1 piece is found by words only" in app.text)
        for said in ("2 collections, 3 documents, 5 pieces", "all-MiniLM-L6-v2", "384", "none: by words", "docs"):
            assert said in app.text, said


@pytest.mark.parametrize("size", SIZES)
async def test_a_collection_is_opened_and_a_document_read(size: tuple[int, int]) -> None:
    async with shown(size) as (_, app, pilot):
        await pilot.press("enter")
        await until(lambda: "Redis, again" in app.text)
        await pilot.press("down")
        await until(lambda: "/home/ann/docs/redis.md" in app.text)
        await pilot.press("enter")
        await until(lambda: any("characters 0 to 28" in line for line in app.lines) or size[1] < 30)
        if size[1] < 30:
            await pilot.press("end")
        await until(lambda: "It stops when its memory is full." in app.text)
        await until(lambda: "no vector" in app.text)
        await pilot.press("escape", "escape")
        await until(lambda: "2 collections" in app.text)


@pytest.mark.parametrize("size", SIZES)
async def test_a_search_shows_scores_ranks_and_why_not_otherwise(size: tuple[int, int]) -> None:
    async with shown(size) as (_, app, pilot):
        await pilot.press("slash", *"port", "enter")
        await until(lambda: "2 hits of 4 pieces, by words and meaning (exact), in 12 ms" in app.text)
        row = next(line for line in app.lines if " .0325" in line)
        assert row.removeprefix(">").split()[:5] == ["1", ".0325", "1", "2", "0.71"]
        other = next(line for line in app.lines if " .0164" in line)
        assert other.split()[:5] == ["2", ".0164", "-", "1", "0.80"]
        assert "Not by meaning in notes" in app.text
        assert "1. by words; 2. by meaning, cosine 0.71" in app.text
        await pilot.press("t")
        await until(lambda: "/ looks by words" in app.text)
        await pilot.press("enter")
        await until(lambda: app.screen._text is not None)  # type: ignore[attr-defined]
        await pilot.press("escape", "escape")
        await until(lambda: "2 collections" in app.text)


async def test_removing_asks_first() -> None:
    async with shown((80, 24)) as (one, app, pilot):
        await pilot.press("X")
        await until(lambda: any("No document is chosen" in said for said in app.said))
        await pilot.press("enter")
        await until(lambda: "Redis, again" in app.text)
        await pilot.press("down", "X")
        await until(lambda: isinstance(app.screen, Question))
        assert "Remove Redis from docs?" in app.text
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, KnowledgeScreen))
        await pilot.press("X")
        await until(lambda: isinstance(app.screen, Question))
        assert "POST /v1/documents/12/remove" not in dict(one.asked), "nobody has said yes yet"
        rest(app.screen._guard)  # type: ignore[attr-defined]
        await pilot.press("y")
        await until(lambda: "POST /v1/documents/12/remove" in dict(one.asked))
        await until(lambda: isinstance(app.screen, KnowledgeScreen))


async def test_surplus_is_shown_with_what_stays() -> None:
    async with shown((160, 45)) as (_, app, pilot):
        await pilot.press("u")
        await until(lambda: "what could go of docs" in app.text)
        await until(lambda: "document 12, Redis (/home/ann/docs/redis.md)" in app.text)
        assert "0.973 at least" in app.text
        await pilot.press("X")
        await until(lambda: isinstance(app.screen, Question))
        assert "Remove Redis, again?" in app.text


async def test_view_only_changes_nothing() -> None:
    async with shown((80, 24), view_only=True) as (_, app, pilot):
        await pilot.press("enter")
        await until(lambda: "Redis, again" in app.text)
        await pilot.press("X")
        await until(lambda: any("--view-only" in said for said in app.said))


async def test_a_fault_is_said_and_the_list_stays() -> None:
    async with shown((80, 24)) as (on, app, pilot):
        del on.answers["POST /v1/search"]
        await pilot.press("slash", *"x", "enter")
        await until(lambda: "no POST /v1/search" in app.text)
        await pilot.press("escape")
        await until(lambda: "2 collections" in app.text)


@pytest.mark.parametrize("size", SIZES)
async def test_an_empty_base_says_how_to_add(size: tuple[int, int]) -> None:
    async with stage() as on:
        on.answers["GET /v1/collections"] = Collections(collections=())
        app = Shell(on, KnowledgeScreen)
        async with app.run_test(size=size):
            await until(lambda: "aistack-console knowledge add README.md guides" in app.text)
            assert "No document is here yet." in app.text


def test_unknown_is_a_dash() -> None:
    bare = replace(HITS.hits[0], words_rank=None, meaning_rank=None, cosine=None)
    (hit,) = words.hit_rows(replace(HITS, hits=(bare,)))
    assert hit.cells[2:5] == ("-", "-", "-")
    assert words.collection_rows(None) == ()
    assert words.surplus_rows(None) == ()
    assert words.collection_rows(FOUND)[1].cells[4] == "-"
    assert words.document_rows((REDIS, COPY), NOW)[0].cells[0] == "12"
    assert words.hit_rows(SearchAnswer(hits=(), mode=SearchMode.WORDS, searched=0, took=0.0)) == ()


def test_one_of_a_thing_is_written_as_one() -> None:
    assert [many(number, "piece") for number in (0, 1, 2, 1_200)] == ["0 pieces", "1 piece", "2 pieces", "1,200 pieces"]
    assert [many(number, "entry", "entries") for number in (1, 2)] == ["1 entry", "2 entries"]
    one = Collection(name="docs", documents=1, chunks=1, characters=1, model="m", dimensions=2, without_vector=1)
    line = words.head(words.COLLECTIONS, "", Collections(collections=(one,)), SearchMode.BOTH)
    assert "1 collection, 1 document, 1 piece" in line
