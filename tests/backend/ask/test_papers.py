"""Documents as facts: where a piece stands, how near it is, and nothing that nobody asked for unless it is close."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aistack_backend.orchestration.ask import papers, words
from aistack_backend.orchestration.ask.models import LINE, Read, Tool
from aistack_backend.orchestration.routing.models import Piece

PIECE = Piece(
    id="7", source="keys.md", title="Keys", heading="Rotation", text="Once a year.\n\nBy two people.", collection="ops",
    cosine=0.71,
)  # fmt: skip


def test_a_piece_says_where_it_stands_and_how_near_it_is() -> None:
    fact = papers.fact(PIECE)
    assert fact.lead == "Keys › Rotation (keys.md, cosine 0.71) says:"
    assert fact.text(1_000).endswith("\nOnce a year.\nBy two people.")
    assert papers.fact(replace(PIECE, cosine=None, heading="")).lead == "Keys (keys.md) says:"
    assert papers.fact(replace(PIECE, title="", heading="")).lead.startswith("keys.md (keys.md")


def test_long_lines_are_wrapped_and_strangers_lines_stay_lines() -> None:
    fact = papers.fact(replace(PIECE, text="word " * 400 + "\x1b[2J\x85tail"))
    assert all(len(line) < LINE for line in fact.lines)
    assert "…" not in fact.text(10_000)
    assert "\x1b" not in fact.text(10_000)
    assert papers.what(replace(PIECE, title="a\nb\x1b" + "c" * 500)) == "document a b " + "c" * (papers.NAME - 4)


def test_only_what_is_close_is_told_unasked() -> None:
    far, unknown = replace(PIECE, cosine=papers.NEAR - 0.01), replace(PIECE, cosine=None)
    assert papers.near((PIECE, far, unknown)) == (PIECE,)


@pytest.mark.parametrize(
    "question", ["what do the documents say about keys?", "look in the handbook", "is it in the documentation"]
)
def test_documents_are_asked_for_by_name(question: str) -> None:
    assert Read(tool=Tool.DOCUMENTS) in words.choose(question, ("web", "db"))
