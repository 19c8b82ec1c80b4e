"""Who gets the model next."""

from __future__ import annotations

import asyncio

import pytest

from aistack_backend.errors import Unavailable
from aistack_backend.inference.line import LONGEST, Line, Rank


async def queue(line: Line, *ranks: Rank) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(line.take(rank)) for rank in ranks]
    await asyncio.sleep(0)
    return tasks


async def test_persons_go_before_agents_and_equals_in_order() -> None:
    line = Line()
    await line.take(Rank.AGENT)
    agent, first, second = await queue(line, Rank.AGENT, Rank.PERSON, Rank.PERSON)
    for turn in (first, second, agent):
        line.give()
        await asyncio.wait_for(turn, 1)
    line.give()
    await asyncio.wait_for(line.take(Rank.AGENT), 1)


async def test_who_gives_up_is_passed_over() -> None:
    line = Line()
    await line.take(Rank.PERSON)
    leaving, staying = await queue(line, Rank.PERSON, Rank.AGENT)
    leaving.cancel()
    line.give()
    await asyncio.wait_for(staying, 1)


async def test_a_turn_given_to_one_who_leaves_in_that_moment_is_passed_on() -> None:
    line = Line()
    await line.take(Rank.PERSON)
    leaving, staying = await queue(line, Rank.PERSON, Rank.AGENT)
    line.give()
    leaving.cancel()
    await asyncio.wait_for(staying, 1)


async def test_too_many_are_refused() -> None:
    line = Line()
    await line.take(Rank.PERSON)
    waiting = await queue(line, *[Rank.AGENT] * LONGEST)
    with pytest.raises(Unavailable):
        await line.take(Rank.PERSON)
    for turn in waiting:
        turn.cancel()
