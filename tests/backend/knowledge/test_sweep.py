"""What a collection holds too much of is shown with its reason, and goes only when a person names it."""

from __future__ import annotations

import random

import numpy as np
import pytest
from tests.backend.knowledge.conftest import Shelf

from aistack_backend.errors import BadInput, NotFound
from aistack_backend.knowledge import alike
from aistack_backend.knowledge.sweep import Bounds
from aistack_backend.wire.knowledge import Surplus, Why

DAY = 86_400.0
LONG = "Redis is a store of keys and values. It listens on the port 6379 and keeps what it has in memory, {}."


async def looked(shelf: Shelf, **bounds: float) -> dict[str, Surplus]:
    found = shelf.knowledge.look_over("docs", Bounds(**bounds))
    return {one.document.source: one for one in found.surplus}


async def test_what_is_over_is_named(shelf: Shelf) -> None:
    await shelf.knowledge.add("docs", b"stays", "note:stays", "root")
    await shelf.knowledge.add("docs", b"goes", "note:goes", "root", keep_days=1)
    assert await looked(shelf) == {}
    shelf.clock.advance(3 * DAY)
    found = await looked(shelf)
    assert {source: (one.why, one.detail) for source, one in found.items()} == {
        "note:goes": (Why.EXPIRED, "Its time was over 2 days ago.")
    }


async def test_what_nobody_finds_is_named_once_it_was_counted_for_long_enough(shelf: Shelf) -> None:
    await shelf.knowledge.add("docs", b"Redis listens on 6379", "note:redis", "root")
    await shelf.knowledge.add("docs", b"zebras are striped", "note:zebra", "root")
    shelf.clock.advance(60 * DAY)
    await shelf.search.find("redis", most=1)
    assert await looked(shelf) == {}
    shelf.clock.advance(40 * DAY)
    found = await looked(shelf)
    assert list(found) == ["note:zebra"]
    assert found["note:zebra"].detail == "No search found it in 100 days (counted for 100 days)."
    assert found["note:zebra"].found == 0
    shelf.clock.advance(60 * DAY)
    again = await looked(shelf)
    assert again["note:redis"].detail == "No search found it in 100 days (found 1 times before)."


async def test_what_was_never_counted_is_not_taken_for_unused(shelf: Shelf) -> None:
    await shelf.knowledge.add("docs", b"from an older version", "note:old", "root")
    with shelf.database.tx() as connection:
        connection.exec_driver_sql("DELETE FROM knowledge_document_use")
    shelf.clock.advance(400 * DAY)
    assert await looked(shelf) == {}
    shelf.clock.advance(91 * DAY)
    assert list(await looked(shelf)) == ["note:old"]


async def test_near_duplicates_are_named_with_the_one_that_stays(shelf: Shelf) -> None:
    one = await shelf.knowledge.add("docs", LONG.format("always").encode(), "note:one", "root")
    await shelf.knowledge.add("docs", LONG.format("forever").encode(), "note:two", "root")
    await shelf.knowledge.add("docs", b"nginx listens on 8443 for the web", "note:other", "root")
    await shelf.knowledge.add("docs", LONG.format("always").encode(), "copy:one", "root")
    for _ in range(2):
        await shelf.search.find("always", most=1)
    shelf.knowledge.uses.write()
    found = await looked(shelf, alike=0.9)
    assert set(found) in ({"note:two", "copy:one"}, {"note:two", "note:one"})
    two = found["note:two"]
    assert two.like is not None
    assert two.like.source in ("note:one", "copy:one")
    assert two.cosine is not None
    assert 0.9 <= two.cosine < 1
    assert f"{two.like.source} says the same: each piece alike by a cosine of at least" in two.detail
    (copied,) = [one for source, one in found.items() if source != "note:two"]
    assert (copied.cosine, "the same bytes" in copied.detail) == (None, True)
    assert set(await looked(shelf, alike=1.0)) < set(found)
    assert one.outcome == "added"


async def test_only_the_named_go_and_only_while_they_are_surplus(shelf: Shelf) -> None:
    numbers = {}
    for source, text in (("note:a", b"the same"), ("note:b", b"the same"), ("note:c", b"another thing")):
        numbers[source] = (await shelf.knowledge.add("docs", text, source, "root")).document.id
    (gone,) = await looked(shelf)
    done = shelf.knowledge.sweep("docs", [numbers[gone], numbers["note:c"], 999], Bounds())
    assert [one.source for one in done.removed] == [gone]
    assert done.stayed == (numbers["note:c"], 999)
    assert await looked(shelf) == {}
    assert len(shelf.knowledge.documents("docs")) == 2
    assert len((await shelf.search.find("same")).hits) == 2


async def test_without_vectors_bytes_alone_are_compared_and_it_is_said(shelf: Shelf) -> None:
    shelf.embeds.there = False
    await shelf.knowledge.add("docs", b"the same", "note:a", "root")
    await shelf.knowledge.add("docs", b"the same", "note:b", "root")
    found = shelf.knowledge.look_over("docs", Bounds())
    assert [one.why for one in found.surplus] == [Why.ALIKE]
    assert found.detail == "2 documents have no vectors and were compared by their bytes alone."


async def test_bad_bounds(shelf: Shelf) -> None:
    await shelf.knowledge.add("docs", b"x", "note:x", "root")
    for bounds in (Bounds(unused_days=0), Bounds(unused_days=1e9), Bounds(alike=0.4), Bounds(alike=1.1)):
        with pytest.raises(BadInput):
            shelf.knowledge.look_over("docs", bounds)
    with pytest.raises(BadInput, match="No document is named"):
        shelf.knowledge.sweep("docs", [], Bounds())
    with pytest.raises(NotFound):
        shelf.knowledge.look_over("none", Bounds())


def test_many_alike_cost_one_comparison_each() -> None:
    chance = np.random.default_rng(random.Random(1).randrange(99))
    base = chance.normal(size=(3, 64)).astype("<f4")
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    pieces = dict.fromkeys(range(2_000), base)
    pieces[5_000] = -base
    found = alike.surplus(pieces, [*range(2_000), 5_000], 0.95)
    assert (len(found), {stays for stays, _ in found.values()}) == (1_999, {0})
    assert alike.surplus({}, [], 0.95) == {}
    assert alike.surplus({1: base}, [1], 0.95) == {}


def test_a_part_of_another_is_not_the_same() -> None:
    one, other = np.eye(4, dtype="<f4")[:1], np.eye(4, dtype="<f4")[:2]
    assert alike.both_ways(one, other) == 0
    assert alike.both_ways(other, other) == 1
