"""Which documents a search may look in, beside their collection: by source, kind and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, true

from aistack_backend.errors import BadInput
from aistack_backend.knowledge import reading
from aistack_backend.store.knowledge_tables import chunk, document

KINDS = ("", "text", *sorted(set(reading.KINDS.values())))
LONGEST_PREFIX = 2_000
"""Characters of the beginning of a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a document must be; empty and None = it may be anything."""

    source: str = ""
    """What its source begins with."""
    kind: str = ""
    added_after: float | None = None
    added_before: float | None = None

    def check(self) -> None:
        """Check what was asked.

        Raises:
            BadInput: a filter cannot be.
        """
        if self.kind not in KINDS:
            raise BadInput(f"{self.kind[:80]!r} is no kind of document.", ", ".join(KINDS[1:]))
        if len(self.source) > LONGEST_PREFIX or "\0" in self.source:
            raise BadInput(f"A source begins with at most {LONGEST_PREFIX} characters.")
        first, last = self.added_after, self.added_before
        if any(one is not None and not -1e11 < one < 1e11 for one in (first, last)):
            raise BadInput("A time is in seconds since 1970.")
        if first is not None and last is not None and first >= last:
            raise BadInput("Nothing is added after a time and before an earlier one.", "Swap the two.")

    def none(self) -> bool:
        """Whether every document passes."""
        return self == Filters()

    def where(self, now: float) -> ColumnElement[bool]:
        """Return the condition on the table of documents; what is over never passes."""
        asked: list[ColumnElement[bool]] = [or_(document.c.expires_at.is_(None), document.c.expires_at > now)]
        if self.source:
            asked.append(func.substr(document.c.source, 1, len(self.source)) == self.source)
        if self.kind:
            asked.append(document.c.kind == self.kind)
        if self.added_after is not None:
            asked.append(document.c.added_at >= self.added_after)
        if self.added_before is not None:
            asked.append(document.c.added_at < self.added_before)
        return and_(true(), *asked)


def allowed(connection: Connection, filters: Filters, collections: Sequence[int], now: float) -> frozenset[int] | None:
    """Return the ids of the chunks that pass; None = all of them do."""
    mine = document.c.collection_id.in_(collections)
    if filters.none():
        over = select(exists().where(mine & (document.c.expires_at <= now)))
        if not connection.execute(over).scalar():
            return None
    wanted = select(chunk.c.id).join(document, document.c.id == chunk.c.document_id)
    return frozenset(connection.execute(wanted.where(mine & filters.where(now))).scalars())
