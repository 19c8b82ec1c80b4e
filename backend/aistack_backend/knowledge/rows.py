"""Collections, documents and chunks in the store; every function works in its caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from aistack_backend.errors import NotFound
from aistack_backend.knowledge import uses, words
from aistack_backend.knowledge.chunking import Piece
from aistack_backend.knowledge.stores.port import Space
from aistack_backend.store.knowledge_tables import chunk, collection, document
from aistack_backend.wire.knowledge import Collection, Document, DocumentText, Passage


def collections(connection: Connection, name: str | None = None) -> list[Row[Any]]:
    """Return the rows of all collections, or of that one, by name, with counts."""
    counts = (
        select(
            document.c.collection_id,
            func.count(func.distinct(document.c.id)).label("documents"),
            func.count(chunk.c.id).label("chunks"),
            func.count(chunk.c.vector).label("vectors"),
            func.coalesce(func.sum(chunk.c.end - chunk.c.start), 0).label("characters"),
        )
        .join(chunk, chunk.c.document_id == document.c.id)
        .group_by(document.c.collection_id)
        .subquery()
    )
    wanted = (
        select(collection, counts.c.documents, counts.c.chunks, counts.c.vectors, counts.c.characters)
        .outerjoin(counts, counts.c.collection_id == collection.c.id)
        .order_by(collection.c.name)
    )
    return list(connection.execute(wanted if name is None else wanted.where(collection.c.name == name)))


def known(connection: Connection, name: str) -> Row[Any]:
    """Return the row of a collection.

    Raises:
        NotFound: there is none of that name.
    """
    if found := collections(connection, name):
        return found[0]
    others = ", ".join(row.name for row in collections(connection)) or "none yet"
    raise NotFound(f"There is no collection {name}.", f"There are: {others}.")


def named(connection: Connection, names: Sequence[str]) -> list[Row[Any]]:
    """Return the rows of these collections, or of all when none is named, without counts: those read every chunk.

    Raises:
        NotFound: there is none of a name.
    """
    wanted = select(collection).order_by(collection.c.name)
    found = list(connection.execute(wanted.where(collection.c.name.in_(names)) if names else wanted))
    for name in set(names) - {row.name for row in found}:
        known(connection, name)  # raises, and names the others
    return found


def pieces(connection: Connection, collection_id: int) -> int:
    """Return how many chunks a collection has; an index alone is read."""
    mine = select(document.c.id).where(document.c.collection_id == collection_id)
    return int(connection.execute(select(func.count()).where(chunk.c.document_id.in_(mine))).scalar_one())


def opened(connection: Connection, name: str, now: float) -> int:
    """Return the id of a collection, made when there is none."""
    number = connection.execute(select(collection.c.id).where(collection.c.name == name)).scalar()
    if number is None:
        made = insert(collection).values(name=name, created_at=now).returning(collection.c.id)
        number = connection.execute(made).scalar_one()
    return int(number)


def documents(connection: Connection, where: Any, most: int) -> tuple[Document, ...]:
    """Return documents, newest first."""
    pieces = select(func.count(chunk.c.id)).where(chunk.c.document_id == document.c.id).scalar_subquery()
    wanted: Select[Any] = (
        select(document, collection.c.name.label("collection"), pieces.label("chunks"))
        .join(collection, collection.c.id == document.c.collection_id)
        .where(where)
        .order_by(document.c.id.desc())
        .limit(most)
    )
    return tuple(
        Document(
            id=row.id,
            collection=row.collection,
            title=row.title,
            source=row.source,
            kind=row.kind,
            sha256=row.sha256,
            size=row.size,
            chunks=row.chunks,
            added_at=row.added_at,
            added_by=row.added_by,
            expires_at=row.expires_at,
        )
        for row in connection.execute(wanted)
    )


def keep(connection: Connection, pieces: Sequence[Piece], vectors: Sequence[bytes | None], **values: Any) -> int:
    """Store a document (``values`` are its columns) with its pieces; return its id."""
    number = int(connection.execute(insert(document).values(**values).returning(document.c.id)).scalar_one())
    rows = [
        {
            "document_id": number,
            "ordinal": ordinal,
            "start": piece.start,
            "end": piece.end,
            "heading": piece.heading,
            "text": piece.text,
            "vector": vector,
        }
        for ordinal, (piece, vector) in enumerate(zip(pieces, vectors, strict=True))
    ]
    connection.execute(insert(chunk), rows)
    words.keep(connection, number)
    changed(connection, values["collection_id"])
    return number


def drop(connection: Connection, number: int, collection_id: int) -> None:
    """Remove a document, its pieces and its counts."""
    uses.drop(connection, number)
    words.drop(connection, number)
    connection.execute(delete(chunk).where(chunk.c.document_id == number))
    connection.execute(delete(document).where(document.c.id == number))
    changed(connection, collection_id)


def changed(connection: Connection, collection_id: int) -> None:
    """Say that the chunks of a collection are others than before."""
    mine = collection.c.id == collection_id
    connection.execute(update(collection).where(mine).values(revision=collection.c.revision + 1))


def text(connection: Connection, number: int) -> DocumentText:
    """Return a document with its passages.

    Raises:
        NotFound: there is none of that number.
    """
    found = documents(connection, document.c.id == number, 1)
    if not found:
        raise NotFound(f"There is no document {number}.")
    wanted = select(chunk).where(chunk.c.document_id == number).order_by(chunk.c.ordinal)
    passages = tuple(
        Passage(heading=row.heading, text=row.text, start=row.start, end=row.end, has_vector=row.vector is not None)
        for row in connection.execute(wanted)
    )
    return DocumentText(document=found[0], passages=passages)


def space(row: Row[Any]) -> Space | None:
    """Return what a store of vectors knows a collection by; None = it has no vectors."""
    if row.dimensions is None:
        return None
    name = f"aistack_{row.id}_{int(row.created_at * 1_000)}"
    return Space(id=row.id, name=name, dimensions=row.dimensions, revision=row.revision)


def shown(row: Row[Any]) -> Collection:
    """Return a collection for the wire."""
    chunks = row.chunks or 0
    return Collection(
        name=row.name,
        documents=row.documents or 0,
        chunks=chunks,
        characters=row.characters or 0,
        model=row.model,
        dimensions=row.dimensions,
        without_vector=chunks - (row.vectors or 0),
    )
