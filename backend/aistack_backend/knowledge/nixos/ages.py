"""How old the index is, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from aistack_backend.wire.nixos import NixSource

DAY = 86_400.0


def ages(sources: Sequence[NixSource], now: float) -> str:
    """Return one sentence for each source on when it was made and read in."""
    return " ".join(f"{one.name}: {_age(one, now)}." for one in sources)


def _age(one: NixSource, now: float) -> str:
    read = f"read in {_ago(one.imported_at, now)} ({_day(one.imported_at)}) from {one.origin}"
    if one.published_at is None:
        return f"{one.entries} entries, of an age that nobody told, {read}"
    return f"{one.entries} entries, published {_ago(one.published_at, now)} ({_day(one.published_at)}), {read}"


def _ago(at: float, now: float) -> str:
    days = int(max(0.0, now - at) / DAY)
    return "today" if days == 0 else f"{days} day{'s' * (days > 1)} ago"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
