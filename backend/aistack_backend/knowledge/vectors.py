"""Vectors as the table keeps them: the little-endian float32 of a vector of length one, and never another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, select

from aistack_backend.errors import BackendError
from aistack_backend.store.knowledge_tables import chunk, document

TOLERANCE = 1e-2
"""How far from one the length of a vector may be."""
AT_ONCE = 500
"""Ids of one question to the table."""


def packed(vector: Sequence[float]) -> bytes:
    """Return a vector as it is stored.

    Raises:
        BackendError: it has not the length one: a zero vector, or no number.
    """
    made = np.asarray(vector, dtype="<f4")
    length = float(np.linalg.norm(made))
    if not abs(length - 1) <= TOLERANCE:
        raise BackendError(
            f"A vector of length {length:g} was computed; one of length 1 was expected.", "Nothing is stored."
        )
    return made.tobytes()


def mark(vector: bytes) -> str:
    """Return what tells a stored vector from another."""
    return hashlib.blake2b(vector, digest_size=8).hexdigest()


def ids_of(connection: Connection, collection: int) -> set[int]:
    """Return the ids of a collection's chunks that have a vector."""
    wanted = select(chunk.c.id).join(document, document.c.id == chunk.c.document_id)
    mine = (document.c.collection_id == collection) & chunk.c.vector.is_not(None)
    return set(connection.execute(wanted.where(mine)).scalars())


def of(connection: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """Return the vectors of chunks that have one."""
    found: dict[int, bytes] = {}
    for at in range(0, len(ids), AT_ONCE):
        wanted = select(chunk.c.id, chunk.c.vector).where(chunk.c.id.in_(ids[at : at + AT_ONCE]))
        found |= {row.id: row.vector for row in connection.execute(wanted) if row.vector is not None}
    return found
