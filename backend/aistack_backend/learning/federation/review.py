"""Items from elsewhere: what here says otherwise, and what a person makes of each; in the caller's transaction."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from aistack_backend.errors import Conflict, NotFound
from aistack_backend.learning import rows
from aistack_backend.learning.review import key_of
from aistack_backend.learning.words import agree, key
from aistack_backend.store.federation_tables import bundle, item
from aistack_backend.store.learning_tables import pattern, sample
from aistack_backend.wire.federation import HeldItem, Item, ItemState, ItemType, Rival, Rule
from aistack_backend.wire.learning import PatternState, SampleState

MOST = 500


def about(one: Item) -> str:
    """Return what two items have in common that say something about the same."""
    return f"{one.type.value} {one.kind}\n{key(one.question)}"


def keep(connection: Connection, bundle_id: int, one: Item, redactions: int) -> None:
    """Put an item into quarantine."""
    content = json.dumps(msgspec.to_builtins(one), sort_keys=True)
    values = {"bundle_id": bundle_id, "state": ItemState.QUARANTINED.value, "key": about(one), "content": content}
    connection.execute(insert(item).values(**values, redactions=redactions))


class Book:
    """The patterns of this installation as they are now, found by what they speak to; read once for many items."""

    def __init__(self, connection: Connection) -> None:
        self._found: dict[tuple[str, str], list[Row[Any]]] = {}
        names = ("id", "kind", "state", "question", "says", "value", "changed_at")
        columns: list[Any] = [pattern.c[name] for name in names]
        for row in connection.execute(select(*columns).order_by(pattern.c.id)):
            self._found.setdefault((row.kind, key(row.question)), []).append(row)

    def about(self, one: Item) -> list[Row[Any]]:
        """Return those of its kind that speak to the same as an item, the oldest first."""
        return self._found.get((one.kind, key(one.question)), [])


def known(connection: Connection, one: Item, book: Book) -> bool:
    """Whether the same lies here already, waiting or in use: there is nothing to review."""
    waits = select(item.c.content).where(item.c.key == about(one), item.c.state == ItemState.QUARANTINED.value)
    if any(_item(content).says == one.says for content in connection.execute(waits).scalars()):
        return True
    if one.type is ItemType.SAMPLE:
        same = select(sample.c.id).where(sample.c.key == key_of(one.question, one.says))
        return connection.execute(same).first() is not None
    return any(row.says == one.says for row in book.about(one))


def held(connection: Connection, state: ItemState | None = None, number: int | None = None) -> tuple[HeldItem, ...]:
    """Return items (of a state, or one alone), the oldest first, with what here says otherwise."""
    wanted = select(item, bundle.c.signer).join(bundle, bundle.c.id == item.c.bundle_id).order_by(item.c.id)
    if state is not None:
        wanted = wanted.where(item.c.state == state.value)
    if number is not None:
        wanted = wanted.where(item.c.id == number)
    found = connection.execute(wanted.limit(MOST)).all()
    book = Book(connection) if any(row.state == ItemState.QUARANTINED for row in found) else None
    return tuple(_shown(connection, row, book) for row in found)


def one(connection: Connection, number: int) -> HeldItem:
    """Return an item that waits.

    Raises:
        NotFound: there is none. Conflict: a person has decided already.
    """
    found = held(connection, number=number)
    if not found:
        raise NotFound(f"There is no item {number}.", "federation review lists them.")
    if found[0].state is not ItemState.QUARANTINED:
        raise Conflict(f"Item {number} was {found[0].state.value} already: {found[0].outcome}")
    return found[0]


def accept(connection: Connection, number: int, rule: Rule | None, by: str, now: float) -> HeldItem:
    """Let an item in: a pattern as a candidate for its trial here, a sample into the queue of review. Where something
    here says otherwise the rule decides; what loses by it is dropped.

    Raises:
        NotFound: there is none. Conflict: decided already, no rule where one is needed, or it was rolled back here.
    """
    waits = one(connection, number)
    if waits.rivals and rule is None:
        first = waits.rivals[0]
        there = f"pattern {first.pattern}" if first.pattern else f"item {first.item}"
        raise Conflict(
            f"Item {number} says something else than {there}: a person has to say which is taken.",
            "Give --rule latest, highest-value or keep-both; federation review shows who would win.",
        )
    if lost := _loses(waits, rule):
        return _decided(connection, number, ItemState.DROPPED, lost, by, now)
    made = _pattern if waits.item.type is ItemType.PATTERN else _sample
    return _decided(connection, number, ItemState.ACCEPTED, made(connection, waits, by, now), by, now)


def drop(connection: Connection, number: int, by: str, now: float) -> HeldItem:
    """Take an item out. Raises as ``one``."""
    one(connection, number)
    return _decided(connection, number, ItemState.DROPPED, f"Dropped by {by}.", by, now)


def _loses(waits: HeldItem, rule: Rule | None) -> str:
    if rule not in (Rule.LATEST, Rule.HIGHEST_VALUE):
        return ""
    wins = all(rival.latest if rule is Rule.LATEST else rival.highest_value for rival in waits.rivals)
    return "" if wins else f"Dropped: by the rule {rule.value} what is here is taken."


def _pattern(connection: Connection, waits: HeldItem, by: str, now: float) -> str:
    one = waits.item
    if any(row.state == PatternState.ROLLED_BACK and agree(row.says, one.says) for row in Book(connection).about(one)):
        raise Conflict(f"The same as item {waits.id} was rolled back here.", "Drop it, or retry the one here.")
    number = rows.make(
        connection,
        now,
        kind=one.kind,
        key=key(one.question) if one.kind == "answer" else one.question,
        question=one.question,
        task_class=one.task_class,
        says=one.says,
        sources=one.sources,
        origin=waits.signer,
        reason=f"From {waits.signer}, let in by {by}: it has to pass a trial on work of this installation.",
    )
    return f"Pattern {number} is a candidate: it becomes active only by a trial on work of this installation."


def _sample(connection: Connection, waits: HeldItem, by: str, now: float) -> str:
    one = waits.item
    values = {"key": key_of(one.question, one.says), "question": one.question, "answer": one.says}
    if connection.execute(select(sample.c.id).where(sample.c.key == values["key"])).first():
        raise Conflict(f"A sample here says the same as item {waits.id}.", "Drop it.")
    state = {"state": SampleState.WAITING.value, "origin": waits.signer, "made_at": now, "value": None}
    more = {"task_class": one.task_class, "redactions": waits.redactions}
    made = connection.execute(insert(sample).values(**values, **state, **more).returning(sample.c.id)).scalar_one()
    return f"Sample {made} waits for review."


def _decided(connection: Connection, number: int, state: ItemState, outcome: str, by: str, now: float) -> HeldItem:
    values = {"state": state.value, "outcome": outcome, "reviewed_by": by, "reviewed_at": now}
    connection.execute(update(item).where(item.c.id == number).values(**values))
    return held(connection, number=number)[0]


def _rivals(connection: Connection, row: Row[Any], one: Item, book: Book) -> tuple[Rival, ...]:
    if one.type is not ItemType.PATTERN:
        return ()
    found = [
        _rival(one, pattern=other.id, state=other.state, says=other.says, value=other.value, at=other.changed_at)
        for other in book.about(one)
        if other.state != PatternState.ROLLED_BACK and not agree(other.says, one.says)
    ]
    waits = select(item).where(item.c.key == row.key, item.c.id != row.id, item.c.state == ItemState.QUARANTINED.value)
    for other in connection.execute(waits.order_by(item.c.id)):
        said = _item(other.content)
        if not agree(said.says, one.says):
            found.append(
                _rival(one, item=other.id, state=other.state, says=said.says, value=said.value, at=said.changed_at)
            )
    return tuple(found)


def _rival(
    one: Item, *, state: str, says: str, value: float | None, at: float, pattern: int = 0, item: int = 0
) -> Rival:
    mine, theirs = (-1.0 if known is None else known for known in (value, one.value))
    return Rival(
        pattern=pattern,
        item=item,
        state=state,
        says=says,
        value=value,
        changed_at=at,
        latest=one.changed_at > at,
        highest_value=theirs > mine,
    )


def _item(content: str) -> Item:
    return msgspec.json.decode(content.encode(), type=Item)


def _shown(connection: Connection, row: Row[Any], book: Book | None) -> HeldItem:
    content = _item(row.content)
    return HeldItem(
        id=row.id,
        signer=row.signer,
        bundle=row.bundle_id,
        state=ItemState(row.state),
        item=content,
        redactions=row.redactions,
        rivals=_rivals(connection, row, content, book) if book and row.state == ItemState.QUARANTINED else (),
        outcome=row.outcome,
        reviewed_by=row.reviewed_by,
        reviewed_at=row.reviewed_at,
    )
