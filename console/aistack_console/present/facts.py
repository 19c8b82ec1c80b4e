"""What is known around an action, as paragraphs: each fact with its source and the time of its measurement."""

from __future__ import annotations

import json
from collections.abc import Iterator

from aistack_backend.wire.actions import Approval, Fact
from aistack_console.present.para import Para, fact, para
from aistack_console.present.units import clock
from aistack_console.text import plain

WIDTH = 9
NAMES = {"blast radius": "HITS", "backup": "BACKUP", "dry run": "DRY RUN", "retry": "RETRY"}
"""Short names for the column; a fact of a newer backend keeps its own."""
_SHOWN = frozenset(
    {"kind", "argv", "script", "cwd", "image", "user", "targets", "requester", "task_id", "step", "policy"}
)
"""Fields of a record that stand elsewhere in the evidence."""


def facts(one: Approval) -> tuple[Para, ...]:
    """Return a paragraph for each fact, unknown ones in the tone of a warning."""
    return tuple(line for each in one.facts for line in _lines(each))


def origin(one: Fact) -> str:
    """Return where a fact is from and when it was measured; empty for what follows from the action itself."""
    when = f"at {clock(one.at)}" if one.at is not None else ""
    return ", ".join(filter(None, (one.source, when)))


def _lines(one: Fact) -> Iterator[Para]:
    first, *rest = one.text.split("\n")
    said = f"{first}   ({origin(one)})" if origin(one) else first
    yield fact(NAMES.get(one.name, one.name.upper()), said, "plain" if one.known else "warn", WIDTH)
    for line in rest:
        tone = {"+": "ok", "-": "bad"}.get(line[:1], "dim")
        yield para((" " * (WIDTH + 1) + line, tone), hang=" " * (WIDTH + 3))  # type: ignore[arg-type]  # a tone


def rest_of_record(one: Approval) -> tuple[Para, ...]:
    """Return what the record holds beyond what is shown by itself: mounts, network, limits, variables."""
    try:
        record = json.loads(one.payload.value)
    except ValueError:
        return ()
    if not isinstance(record, dict):
        return ()
    found: list[Para] = []
    for name, value in record.items():
        if name not in _SHOWN and value not in ("", [], None):
            found.append(fact(plain(name.upper()), "; ".join(_words(value))))
    return tuple(found)


def _words(value: object) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        yield plain(" ".join(map(str, one)) if isinstance(one, list) else str(one)).replace("\n", "␊")
