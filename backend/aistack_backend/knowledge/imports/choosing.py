"""Which files of a tree are read: by pattern, never a hidden one, never one in a folder that others made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from aistack_backend.errors import BadInput

OTHERS = frozenset({"node_modules", "__pycache__", "venv", "vendor"})
"""Folders that hold what a tool put there."""
PATTERNS, LONGEST = 50, 200
_COMMIT = re.compile(r"@[0-9a-f]{40,64}:")


def checked(only: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns.

    Raises:
        BadInput: there are too many, or one cannot be.
    """
    if len(only) > PATTERNS:
        raise BadInput(f"{len(only)} patterns are given; {PATTERNS} at most are taken.")
    for one in only:
        if not one or len(one) > LONGEST or one.startswith("/") or any(ord(char) < 32 for char in one):
            raise BadInput(f"{one[:80]!r} is no pattern of files.", "Give e.g. '*.md' or 'docs/*'.")
    return tuple(only)


def fits(path: str, only: Sequence[str]) -> bool:
    """Say whether the file at ``path`` (relative, with ``/``) is to be read."""
    parts = path.split("/")
    if any(part.startswith(".") for part in parts) or OTHERS.intersection(parts[:-1]):
        return False
    return not only or any(fnmatchcase(path, one) or fnmatchcase(parts[-1], one) for one in only)


def source(place: str, commit: str, path: str) -> str:
    """Return what a file of a repository is called as a source: ``PLACE@COMMIT:PATH``."""
    return f"{place}@{commit}:{path}"


def source_of(named: str, place: str) -> str | None:
    """Return the path of a source that ``source`` made for that place, None when it is none."""
    rest = named.removeprefix(place)
    found = _COMMIT.match(rest) if rest != named else None
    return rest[found.end() :] if found else None
