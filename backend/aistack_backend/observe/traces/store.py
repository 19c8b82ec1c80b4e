"""Spans in our own table: written in batches, bounded, read as whole traces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select

from aistack_backend.errors import NotFound
from aistack_backend.store.database import Database
from aistack_backend.store.trace_tables import span, task_trace
from aistack_backend.wire.traces import Linked, Span, SpanLink, Trace, TraceRow

NEWEST = 200
"""Traces of one list."""
WHOLE = 5_000
"""Spans of one trace that are shown."""
FOLLOWED = 100
"""Links of one trace that are followed."""
LINKS = "@links"
"""Where a span's links stand among its attributes: no attribute of ours has such a name."""
Ended = tuple[str, Span]
"""A span and the id of its trace."""


class TraceStore:
    """Every method blocks on SQL and raises Unavailable when the database cannot be used."""

    def __init__(self, database: Database, most: int) -> None:
        """``most``: spans that are kept; the oldest go first. 0 = somebody else sees to that."""
        self._database, self._most = database, most

    def write(self, ended: Sequence[Ended]) -> None:
        """Keep these spans, and no more than there may be."""
        if not ended:
            return
        with self._database.tx() as connection:
            connection.execute(insert(span), [_values(trace_id, one) for trace_id, one in ended])
            if not self._most:
                return
            newest = int(connection.execute(select(func.max(span.c.id))).scalar_one())
            connection.execute(delete(span).where(span.c.id <= newest - self._most))

    def list(self) -> tuple[TraceRow, ...]:
        """Return the newest traces, newest first."""
        ends = func.max(span.c.start + span.c.seconds)
        query = (
            select(
                span.c.trace_id,
                func.min(span.c.start).label("start"),
                (ends - func.min(span.c.start)).label("seconds"),
                func.count().label("spans"),
                func.sum(span.c.failed).label("failed"),
            )
            .group_by(span.c.trace_id)
            .order_by(func.min(span.c.start).desc())
            .limit(NEWEST)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            tasks = _first_tasks(connection, [row.trace_id for row in rows])
            names = _first_names(connection, [row.trace_id for row in rows])
        return tuple(
            TraceRow(
                id=row.trace_id,
                task_id=tasks.get(row.trace_id),
                name=names[row.trace_id],
                start=row.start,
                seconds=row.seconds,
                spans=row.spans,
                failed=int(row.failed),
            )
            for row in rows
        )

    def get(self, trace_id: str) -> Trace:
        """Return what is kept of a trace, which may be nothing."""
        query = select(span).where(span.c.trace_id == trace_id).order_by(span.c.start, span.c.id).limit(WHOLE)
        of_it = select(task_trace.c.task_id).where(task_trace.c.trace_id == trace_id).order_by(task_trace.c.task_id)
        with self._database.read() as connection:
            spans = tuple(_span(row) for row in connection.execute(query))
            return Trace(id=trace_id, tasks=tuple(connection.execute(of_it).scalars()), spans=spans)

    def linked(self, links: Sequence[SpanLink]) -> tuple[Linked, ...]:
        """Return the spans that these links lead to, and what each stands below, as far as they are kept."""
        wanted = {(one.trace_id, one.span_id) for one in links[:FOLLOWED]}
        with self._database.read() as connection:
            found = _those(connection, wanted)
            found |= _those(connection, {(of, one.parent_id) for (of, _), one in found.items()} - found.keys())
        by_time = sorted(found.items(), key=lambda each: each[1].start)
        return tuple(Linked(trace_id=trace_id, span=one) for (trace_id, _), one in by_time)

    def trace_of(self, task_id: int) -> str:
        """Return the id of a task's trace.

        Raises:
            NotFound: none was recorded for it.
        """
        query = select(task_trace.c.trace_id).where(task_trace.c.task_id == task_id)
        with self._database.read() as connection:
            found = connection.execute(query).scalar()
        if found is None:
            raise NotFound(f"No trace was recorded of a task {task_id}.", "traces lists those that are kept.")
        return str(found)


def _those(connection: Connection, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Span]:
    each = [and_(span.c.trace_id == of, span.c.span_id == one) for of, one in wanted if one]
    rows = connection.execute(select(span).where(or_(*each))) if each else ()
    return {(str(row.trace_id), str(row.span_id)): _span(row) for row in rows}


def _values(trace_id: str, one: Span) -> dict[str, object]:
    links = {LINKS: [(to.trace_id, to.span_id) for to in one.links]} if one.links else {}
    return {
        "trace_id": trace_id,
        "span_id": one.id,
        "parent_id": one.parent_id,
        "service": one.service,
        "name": one.name,
        "start": one.start,
        "seconds": one.seconds or 0.0,
        "failed": int(one.failed),
        "detail": one.detail,
        "attributes": json.dumps({**one.attributes, **links}, ensure_ascii=False),
    }


def _span(row: Row[tuple[object, ...]]) -> Span:
    held = row._mapping
    attributes = json.loads(held["attributes"])
    links = attributes.pop(LINKS, ())
    return Span(
        id=held["span_id"],
        parent_id=held["parent_id"],
        service=held["service"],
        name=held["name"],
        start=held["start"],
        seconds=held["seconds"],
        failed=bool(held["failed"]),
        detail=held["detail"],
        attributes=attributes,
        links=tuple(SpanLink(trace_id=trace_id, span_id=span_id) for trace_id, span_id in links),
    )


def _first_tasks(connection: Connection, traces: Iterable[str]) -> dict[str, int]:
    query = (
        select(task_trace.c.trace_id, func.min(task_trace.c.task_id))
        .where(task_trace.c.trace_id.in_(list(traces)))
        .group_by(task_trace.c.trace_id)
    )
    return {trace_id: int(first) for trace_id, first in connection.execute(query)}


def _first_names(connection: Connection, traces: Iterable[str]) -> dict[str, str]:
    """Return the name of each trace's earliest span."""
    query = select(span.c.trace_id, span.c.name).where(span.c.trace_id.in_(list(traces)))
    rows = connection.execute(query.order_by(span.c.start.desc(), span.c.id.desc()))
    return {str(trace_id): str(name) for trace_id, name in rows}
