"""Sources and entries in the store; every function works in its caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    delete,
    func,
    insert,
    literal_column,
    select,
    table,
    text,
    update,
)

from aistack_backend.knowledge.nixos.formats import Item
from aistack_backend.knowledge.nixos.keys import keys
from aistack_backend.store.nixos_tables import entry, source
from aistack_backend.wire.nixos import NixHit, NixKind, NixSource

_RANK = "bm25(nixos_words, 8.0, 1.0)"
_VECTOR = "(setweight(to_tsvector('simple', keys), 'A') || setweight(to_tsvector('simple', text), 'D'))"


def sources(connection: Connection, kinds: Sequence[NixKind] = (), channel: str = "") -> list[Row[Any]]:
    """Return the sources that answer now, by kind and name."""
    wanted = select(source).where(source.c.current).order_by(source.c.kind, source.c.name)
    if kinds:
        wanted = wanted.where(source.c.kind.in_([one.value for one in kinds]))
    if channel:
        wanted = wanted.where(source.c.channel == channel)
    return list(connection.execute(wanted))


def opened(connection: Connection, **values: object) -> int:
    """Begin a source that does not answer yet; return its id."""
    return int(connection.execute(insert(source).values(current=False, **values).returning(source.c.id)).scalar_one())


def added(connection: Connection, number: int, items: Sequence[Item]) -> None:
    """Add entries to a source."""
    rows = [
        {
            "source_id": number,
            "name": one.name,
            "folded": one.name.lower(),
            "title": one.title,
            "keys": keys(one.name, one.title),
            "text": one.text,
            "detail": json.dumps(one.detail, ensure_ascii=False) if one.detail else "",
        }
        for one in items
    ]
    if rows:
        connection.execute(insert(entry), rows)


def exchanged(connection: Connection, number: int, name: str, entries: int, skipped: int) -> list[int]:
    """Let a source answer from now on, in the place of those of the same name; return their ids."""
    olds = select(source.c.id).where((source.c.name == name) & source.c.current)
    gone = [int(one) for one in connection.execute(olds).scalars()]
    if gone:
        connection.execute(update(source).where(source.c.id.in_(gone)).values(current=False))
    values = {"current": True, "entries": entries, "skipped": skipped}
    connection.execute(update(source).where(source.c.id == number).values(**values))
    return gone


def left_over(connection: Connection, but: Sequence[int] = ()) -> list[int]:
    """Return the sources that do not answer, other than these, which are being read in."""
    wanted = select(source.c.id).where(~source.c.current & source.c.id.not_in(list(but)))
    return [int(one) for one in connection.execute(wanted).scalars()]


def dropped(connection: Connection, number: int, most: int) -> bool:
    """Remove up to ``most`` entries of a source, and the source once it has none; say whether it is gone."""
    some = select(entry.c.id).where(entry.c.source_id == number).limit(most)
    count = connection.execute(delete(entry).where(entry.c.id.in_(some))).rowcount
    if count == most:
        return False
    connection.execute(delete(source).where(source.c.id == number))
    return True


def named(connection: Connection, numbers: Sequence[int], name: str, most: int) -> list[int]:
    """Return the ids of the entries with that very name, then of those whose name begins so, the shortest first."""
    folded = name.lower()
    mine = entry.c.source_id.in_(list(numbers))
    if connection.dialect.name == "sqlite":
        begins: ColumnElement[bool] = (entry.c.folded >= folded) & (entry.c.folded < folded + "\U0010ffff")
    else:
        begins = entry.c.folded.startswith(folded, autoescape=True)
    wanted = select(entry.c.id).where(mine & begins).order_by(entry.c.folded != folded, func.length(entry.c.folded))
    return [int(one) for one in connection.execute(wanted.order_by(entry.c.folded, entry.c.id).limit(most)).scalars()]


def first(connection: Connection, numbers: Sequence[int], most: int) -> tuple[str, ...]:
    """Return the first names, in their order."""
    wanted = select(entry.c.name).where(entry.c.source_id.in_(list(numbers))).order_by(entry.c.folded).limit(most)
    return tuple(connection.execute(wanted).scalars())


def worded(connection: Connection, numbers: Sequence[int], words: Sequence[str], most: int) -> list[int]:
    """Return the ids of the entries that have all of the words or, when there is none, any of them; best first. The
    last word may be the beginning of one."""
    for every in (True, False):
        if found := _worded(connection, numbers, words, most, every):
            return found
    return []


def _worded(connection: Connection, numbers: Sequence[int], words: Sequence[str], most: int, every: bool) -> list[int]:
    wanted: Select[Any] = select(entry.c.id).where(entry.c.source_id.in_(list(numbers)))
    if connection.dialect.name == "sqlite":
        parts = [f'"{word}"' for word in words[:-1]] + [f'"{words[-1]}"*']
        query = (" AND " if every else " OR ").join(parts)
        match = text("nixos_words MATCH :query").bindparams(query=query)
        wanted = wanted.join(table("nixos_words"), literal_column("nixos_words.rowid") == entry.c.id).where(match)
        order: ColumnElement[float] = literal_column(_RANK)
    else:
        parts = [f"'{word}'" for word in words[:-1]] + [f"'{words[-1]}':*"]
        query_of = func.to_tsquery("simple", (" & " if every else " | ").join(parts))
        vector: ColumnElement[Any] = literal_column(_VECTOR)
        wanted = wanted.where(vector.op("@@")(query_of))
        order = func.ts_rank(vector, query_of, 1).desc()
    wanted = wanted.order_by(order, func.length(entry.c.name), entry.c.id).limit(most)
    return [int(one) for one in connection.execute(wanted).scalars()]


def hits(connection: Connection, numbers: Sequence[int]) -> tuple[NixHit, ...]:
    """Return entries in that order."""
    wanted = select(entry, source.c.kind, source.c.channel, source.c.name.label("source")).join(source)
    found = {row.id: row for row in connection.execute(wanted.where(entry.c.id.in_(list(numbers))))}
    return tuple(_hit(found[one]) for one in numbers if one in found)


def _hit(row: Row[Any]) -> NixHit:
    detail = json.loads(row.detail) if row.detail else {}
    return NixHit(
        kind=NixKind(row.kind),
        name=row.name,
        title=row.title,
        text=row.text,
        channel=row.channel,
        source=row.source,
        **{**detail, "declared": tuple(detail.get("declared", ()))},
    )


def shown(row: Row[Any]) -> NixSource:
    """Return a source as it is shown."""
    return NixSource(
        name=row.name,
        kind=NixKind(row.kind),
        channel=row.channel,
        origin=row.origin,
        version=row.version,
        sha256=row.sha256,
        size=row.size,
        entries=row.entries,
        skipped=row.skipped,
        imported_at=row.imported_at,
        imported_by=row.imported_by,
        published_at=row.published_at,
    )
