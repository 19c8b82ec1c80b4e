"""The branches of a chat: which message follows which, as numbers alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def parents(messages: Iterable[tuple[int, int | None]]) -> dict[int, int]:
    """Return the parent of each message (0 = none) from pairs of id and stored parent, in the order of the ids.

    A message without a stored parent follows the one before it: that is how a chat of an older version reads.
    """
    found: dict[int, int] = {}
    before = 0
    for message, parent in messages:
        found[message] = before if parent is None else parent
        before = message
    return found


def leaf(parent_of: Mapping[int, int], start: int) -> int:
    """Return the end of the newest branch below ``start``; with 0 that of the whole chat."""
    newest: dict[int, int] = {}
    for message, parent in parent_of.items():
        newest[parent] = max(message, newest.get(parent, 0))
    while start in newest:
        start = newest[start]
    return start


def path(parent_of: Mapping[int, int], end: int) -> tuple[int, ...]:
    """Return the messages from the beginning of the chat to ``end``, oldest first."""
    line = []
    while end in parent_of:
        line.append(end)
        end = parent_of[end]
    return tuple(reversed(line))


def siblings(parent_of: Mapping[int, int]) -> dict[int, tuple[int, ...]]:
    """Return for each parent the messages that follow it, oldest first."""
    found: dict[int, tuple[int, ...]] = {}
    for message, parent in parent_of.items():
        found[parent] = (*found.get(parent, ()), message)
    return found
