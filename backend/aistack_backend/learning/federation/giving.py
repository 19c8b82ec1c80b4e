"""What this installation gives away: patterns in use and accepted samples, cleaned once more."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from aistack_backend.learning.federation import sealed
from aistack_backend.store.learning_tables import pattern, sample
from aistack_backend.wire.federation import FederationRole, Item, ItemType
from aistack_backend.wire.learning import PatternState, SampleState

Clean = Callable[[str], tuple[str, int]]
"""Returns a text without secrets and personal data, and how much was taken out."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Items without secrets and personal data."""

    items: tuple[tuple[Item, int], ...]
    """Each with how much was taken out of it."""
    left_out: int
    """Items of which nothing was left."""

    @property
    def redactions(self) -> int:
        """How much was taken out of all."""
        return sum(count for _, count in self.items)


def cleaned(items: tuple[Item, ...], clean: Clean) -> Cleaned:
    """Clean every text of the items; what says nothing any more is left out."""
    found = []
    for one in items:
        (question, first), (says, second) = clean(one.question), clean(one.says)
        sources = [clean(text) for text in one.sources]
        made = replace(one, question=question, says=says, sources=tuple(text for text, _ in sources))
        if question.strip() and says.strip():
            found.append((made, first + second + sum(count for _, count in sources)))
    return Cleaned(tuple(found), len(items) - len(found))


def held(connection: Connection, role: FederationRole, *, patterns: bool, samples: bool) -> tuple[Item, ...]:
    """Return what may be given: of others only what a hub has in use or accepted."""
    found: list[Item] = []
    if patterns:
        wanted = select(pattern).where(pattern.c.state == PatternState.ACTIVE.value).order_by(pattern.c.id)
        for row in connection.execute(wanted if role is FederationRole.HUB else wanted.where(pattern.c.origin == "")):
            found.append(
                Item(
                    type=ItemType.PATTERN,
                    kind=row.kind,
                    question=row.question,
                    says=row.says,
                    task_class=row.task_class,
                    sources=tuple(json.loads(row.sources))[: sealed.SOURCES],
                    value=row.value,
                    changed_at=row.changed_at,
                    origin=row.origin,
                )
            )
    if samples:
        chosen = select(sample).where(sample.c.state == SampleState.ACCEPTED.value).order_by(sample.c.id)
        for row in connection.execute(chosen if role is FederationRole.HUB else chosen.where(sample.c.origin == "")):
            found.append(
                Item(
                    type=ItemType.SAMPLE,
                    question=row.question,
                    says=row.answer,
                    task_class=row.task_class,
                    value=row.value,
                    changed_at=row.reviewed_at or row.made_at,
                    origin=row.origin,
                )
            )
    return tuple(found)
