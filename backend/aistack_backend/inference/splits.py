"""Models that come in several files: ``NAME-00002-of-00005.gguf`` is the second of five."""

from __future__ import annotations

import re
from pathlib import Path

_SPLIT = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<end>\.gguf)", re.IGNORECASE)
MOST = 999
"""Parts of one model."""


def place(name: str) -> tuple[str, int, int]:
    """Return the name without its number, which part this is, and how many there are; ``(name, 1, 1)`` = not split."""
    found = _SPLIT.fullmatch(name)
    number, count = (int(found["number"]), int(found["count"])) if found else (1, 1)
    if found is None or not 1 <= number <= count <= MOST:
        return name, 1, 1
    return f"{found['stem']}{found['end']}", number, count


def names(name: str) -> tuple[str, ...]:
    """Return the names of all parts of the model that this file belongs to, the first one first."""
    found, (_, _, count) = _SPLIT.fullmatch(name), place(name)
    if found is None or count == 1:
        return (name,)
    return tuple(f"{found['stem']}-{one:05}-of-{found['count']}{found['end']}" for one in range(1, count + 1))


def parts(path: Path) -> tuple[Path, ...]:
    """Return the paths of all parts, whether they are there or not."""
    return tuple(path.with_name(one) for one in names(path.name))
