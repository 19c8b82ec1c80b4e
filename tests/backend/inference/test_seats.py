"""Who gets the model next, and what ends an answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from aistack_backend.inference.models import Piece, Rank
from aistack_backend.inference.protocol import Do, Order
from aistack_backend.inference.seats import LONG, Seats
from aistack_backend.inference.stops import stopped
from aistack_backend.wire.chat import Finish


def order(number: int, rank: Rank) -> Order:
    return Order(do=Do.SAY, id=number, rank=int(rank))


def drain(seats: Seats, agents: int = 0) -> list[int]:
    found = []
    while (one := seats.next(agents)) is not None:
        seats.remove(one.id)
        found.append(one.id)
    return found


def test_persons_go_first_and_equals_in_order() -> None:
    seats = Seats(4, lambda: 0.0)
    for number, rank in enumerate((Rank.AGENT, Rank.PERSON, Rank.AGENT, Rank.PERSON), 1):
        seats.add(order(number, rank))
    assert drain(seats) == [2, 4, 1, 3]


def test_each_is_told_its_place() -> None:
    seats = Seats(4, lambda: 0.0)
    for number, rank in enumerate((Rank.AGENT, Rank.PERSON, Rank.AGENT, Rank.PERSON), 1):
        seats.add(order(number, rank))
    assert seats.places() == [2, 4, 1, 3]
    seats.remove(4)
    assert seats.places() == [2, 1, 3]


def test_an_agent_that_waited_long_goes_before_persons() -> None:
    now = [0.0]
    seats = Seats(4, lambda: now[0])
    seats.add(order(1, Rank.AGENT))
    now[0] = LONG
    seats.add(order(2, Rank.PERSON))
    assert drain(seats) == [1, 2]


def test_the_last_slot_is_a_persons_and_one_slot_is_anybodys() -> None:
    seats, single = Seats(4, lambda: 0.0), Seats(1, lambda: 0.0)
    for one in (seats, single):
        one.add(order(1, Rank.AGENT))
    assert drain(seats, agents=3) == []
    seats.add(order(2, Rank.PERSON))
    assert drain(seats, agents=3) == [2]
    assert drain(single) == [1]
    assert not single.remove(1)


async def said(*texts: str) -> AsyncGenerator[Piece, None]:
    yield Piece(ahead=2)
    for text in texts:
        yield Piece(text=text)
    yield Piece(finish=Finish.LENGTH)


@pytest.mark.parametrize(
    ("texts", "stops", "wanted", "finish"),
    [
        (("one ", "two"), (), "one two", Finish.LENGTH),
        (("one E", "ND two"), ("END",), "one ", Finish.STOP),
        (("one E", "N two"), ("END", ""), "one EN two", Finish.LENGTH),
        (("one E",), ("END",), "one E", Finish.LENGTH),
        (("a|b;c",), (";", "|"), "a", Finish.STOP),
    ],
)
async def test_an_answer_ends_before_a_stop(
    texts: tuple[str, ...], stops: tuple[str, ...], wanted: str, finish: Finish
) -> None:
    pieces = [piece async for piece in stopped(said(*texts), stops)]
    assert pieces[0].ahead == 2
    assert "".join([piece.text for piece in pieces]) == wanted
    assert [piece.finish for piece in pieces if piece.finish] == [finish]
