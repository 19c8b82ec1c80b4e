"""What finds chunks by meaning, and what a copy of the vectors in another program must be able to do.

The table ``knowledge_chunk`` is the truth. A store answers as of the transaction that asks, or a later one: it misses
no chunk that is there in both, and says in one sentence when it cannot answer. Who asks reads the chunks in the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from aistack_backend.errors import BadInput

Vector = npt.NDArray[np.float32]
Found = list[tuple[int, float]]
"""Chunk ids with the cosine to what was asked, the nearest first; the smaller id first where two are alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The vectors of one collection, as one transaction sees them."""

    id: int
    """The collection's."""
    name: str
    """Unlike that of any other collection of any installation; letters, digits and ``_``."""
    dimensions: int
    revision: int
    """Raised by each change of a chunk."""


class VectorStore(Protocol):
    """Finds chunks by meaning; from any thread."""

    name: str
    """As the configuration calls it."""

    def find(
        self,
        connection: Connection,
        spaces: Sequence[Space],
        wanted: Sequence[float],
        most: int,
        only: AbstractSet[int] | None = None,
    ) -> Found:
        """Return the nearest chunks of these spaces, at most ``most``; with ``only`` none but these.

        Raises:
            BadInput: a space has vectors of another length. Unavailable: the store does not answer now.
        """
        ...

    def follow(self, connection: Connection, space: Space) -> None:
        """Take over now what ``find`` would have to take over first.

        Raises:
            Unavailable: the store does not answer now; nothing is lost, it follows later.
        """
        ...

    def forget(self, space: Space) -> None:
        """Believe nothing of what was held of a space before this revision: its vectors were computed anew."""
        ...

    def close(self) -> None:
        """Close every connection of its own."""
        ...


class Copy(Protocol):
    """Vectors in another program. Each method raises Unavailable when it does not answer."""

    name: str

    def marks(self, space: Space) -> dict[int, str]:
        """Make the place for a space where there is none of its dimensions; return what it holds: id → mark."""
        ...

    def put(self, space: Space, vectors: Mapping[int, bytes]) -> None:
        """Write vectors (as ``packed`` makes them), each with its mark, over those of the same id."""
        ...

    def drop(self, space: Space, ids: Sequence[int]) -> None:
        """Remove vectors; those that are not there are passed over."""
        ...

    def find(self, space: Space, wanted: Vector, most: int, only: AbstractSet[int] | None) -> Found:
        """Return the nearest, at most ``most``."""
        ...

    def close(self) -> None:
        """Close every connection of its own."""
        ...


def asked(spaces: Sequence[Space], wanted: Sequence[float]) -> Vector:
    """Return what is looked for as numbers.

    Raises:
        BadInput: a space has vectors of another length.
    """
    for space in spaces:
        if space.dimensions != len(wanted):
            raise BadInput(
                f"A vector of {len(wanted)} numbers was looked for; the collection's have {space.dimensions}.",
                "Index it anew with the model that embeds now.",
            )
    return np.asarray(wanted, dtype="<f4")


def best(found: Found, most: int) -> Found:
    """Return the nearest of all."""
    return sorted(found, key=lambda one: (-one[1], one[0]))[:most]
