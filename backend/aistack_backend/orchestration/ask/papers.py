"""What the documents say about a question, as facts. Their text is data of strangers."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from aistack_backend.orchestration.ask.models import LINE, Fact, plain
from aistack_backend.orchestration.routing.models import Piece
from aistack_backend.wire.chat import DOCUMENT

PIECES = 3
"""Pieces that are told."""
NEAR = 0.35
"""Least cosine of a question and a piece that speaks of it, where nobody asked for documents. Measured with
MiniLM; the figures are in ``docs/knowledge.md``."""
NAME = 60
"""Characters of a document's title that name what was read."""
NONE = Fact(lead="No piece of the documents fits. `aistack-console knowledge add FILE` takes more of them in.")


def near(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Return those that are close in meaning; without vectors nothing is known to be."""
    return tuple(one for one in pieces if one.cosine is not None and one.cosine >= NEAR)


def what(piece: Piece) -> str:
    """Return the document's name for the person."""
    return f"{DOCUMENT}{plain(piece.title or piece.source)[:NAME]}"


def fact(piece: Piece) -> Fact:
    """Return a piece with where it stands, and how near it is where that was measured."""
    place = " › ".join(part for part in (piece.title, piece.heading) if part) or piece.source
    how = "" if piece.cosine is None else f", cosine {piece.cosine:.2f}"
    lines = (line for part in piece.text.splitlines() for line in textwrap.wrap(part, LINE - 1))
    return Fact(lead=f"{place} ({piece.source}{how}) says:", lines=tuple(lines))
