"""What is personal is found by its form, and nothing that belongs to machines is."""

from __future__ import annotations

import time

import pytest
from tests.backend.learning.personal import NONE, PERSONAL

from aistack_backend.learning import privacy


@pytest.mark.parametrize(("text", "piece"), PERSONAL)
def test_what_is_personal_is_taken_out(text: str, piece: str) -> None:
    clean = privacy.without(text)
    assert clean.finds
    assert piece not in clean.text
    assert privacy.without(clean.text).finds == ()


def test_there_are_fifty() -> None:
    assert len(PERSONAL) == 50


@pytest.mark.parametrize("text", NONE)
def test_what_belongs_to_machines_stays(text: str) -> None:
    assert privacy.without(text) == privacy.Clean(text, ())


@pytest.mark.parametrize("text", ["4111 1111 1111 1112", "DE89370400440532013001", "756.9217.0769.86"])
def test_a_wrong_check_digit_is_no_number_of_a_person(text: str) -> None:
    assert privacy.found(text) == ()


def test_what_is_around_a_find_stays_and_finds_say_where() -> None:
    text = "Mail a@example.com, or ring +41 79 123 45 67."
    assert privacy.without(text).text == "Mail [email], or ring [phone]."
    assert [text[one.start : one.end] for one in privacy.found(text)] == ["a@example.com", "+41 79 123 45 67"]


def test_empty_long_and_hostile_texts_end_in_time() -> None:
    assert privacy.without("") == privacy.Clean("", ())
    began = time.perf_counter()
    for unit in ("a", "1 ", "a@", "1.1.", "name: ", "0041 ", "A-", "via Aa ", "::1", "born on ", "é"):
        privacy.without(unit * (privacy.LONGEST // len(unit) + 1))
    assert time.perf_counter() - began < 60
    assert len(privacy.without("x" * (privacy.LONGEST + 9)).text) == privacy.LONGEST
