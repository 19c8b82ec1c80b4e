"""A manual as sections: each heading with what stands under it, cut where the text itself ends."""

from __future__ import annotations

from collections.abc import Iterator

from aistack_backend.knowledge import chunking, reading
from aistack_backend.knowledge.nixos.formats import Item

SIZE = 4_000
"""Characters of one section at most."""


def sections(data: bytes, name: str) -> tuple[str, Iterator[Item]]:
    """Return the manual's title and its sections.

    Raises:
        BadInput: it is no text that is read; see ``reading.read``.
    """
    found = reading.read(data, name)
    return found.title, _items(found)


def _items(found: reading.Read) -> Iterator[Item]:
    for piece in chunking.split(found.text, SIZE, headed=found.kind != "text"):
        yield Item(name=(piece.heading or found.title)[:500], title=found.title, text=piece.text)
