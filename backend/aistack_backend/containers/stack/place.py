"""One place in a Compose file: its value, and where it stands, so that every fault names file, line and key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from aistack_backend.errors import BadInput

Path = tuple[str, ...]
SIZES = {"": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "g": 1 << 30, "gb": 1 << 30}
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+")
PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)")


class ManifestError(BadInput):
    """A Compose file that cannot be used; the sentence begins with file, line and key."""


class Place:
    """A value of the document with its path. Every reader of it raises ``ManifestError`` when it is of another kind."""

    def __init__(self, value: Any, path: Path, where: dict[Path, str]) -> None:
        """``where``: ``FILE:LINE`` of each path."""
        self.value = value
        self.path = path
        self.where = where

    @property
    def key(self) -> str:
        """The dotted key, ``services.web.image``."""
        return ".".join(self.path)

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.path[-1] if self.path else ""

    def fault(self, sentence: str, hint: str = "") -> ManifestError:
        """Return the error that says ``sentence`` of this place."""
        path = self.path
        while path and path not in self.where:
            path = path[:-1]
        at = self.where.get(path, "the Compose file")
        return ManifestError(f"{at}: {self.key or 'the file'} {sentence}", hint)

    def at(self, *names: str | int) -> Place:
        """Return the place below."""
        value = self.value
        for name in names:
            value = value[name]
        return Place(value, (*self.path, *map(str, names)), self.where)

    def get(self, name: str) -> Place | None:
        """Return the place of a key, or None when it is absent or null."""
        return self.at(name) if self.value.get(name) is not None else None

    def mapping(self, known: Collection[str] | None = None, refused: Mapping[str, str] | None = None) -> Place:
        """Check that it is a mapping with no other keys than ``known`` and ``x-…``; return itself.

        ``refused`` are keys that Compose knows and we do not support, each with a reason or ``""``.
        """
        if not isinstance(self.value, dict):
            raise self.fault(f"must be a mapping, not {_kind(self.value)}.")
        for key in self.value if known is not None else ():
            if key in (known or ()) or key.startswith("x-"):
                continue
            if key in (refused or {}):
                reason = (refused or {})[key] or "leave it out"
                raise self.at(key).fault(f"is not supported here; {reason}.")
            raise self.at(key).fault(f"is not a known key; {nearest(key, known or ())}")
        return self

    def items(self) -> Iterator[tuple[str, Place]]:
        """Yield key and place of each entry of a mapping."""
        self.mapping()
        for key in self.value:
            yield key, self.at(key)

    def entries(self) -> Iterator[Place]:
        """Yield the places of a list."""
        if not isinstance(self.value, list):
            raise self.fault(f"must be a list, not {_kind(self.value)}.")
        for index in range(len(self.value)):
            yield self.at(index)

    def text(self) -> str:
        """Return a string; a number is taken as it is written."""
        if isinstance(self.value, bool) or not isinstance(self.value, str | int | float):
            raise self.fault(f"must be text, not {_kind(self.value)}.")
        return str(self.value)

    def texts(self) -> tuple[str, ...]:
        """Return a list of strings."""
        return tuple(one.text() for one in self.entries())

    def flag(self) -> bool:
        """Return true or false, also one written as text."""
        if self.value is True or self.value is False:
            return self.value
        if self.value not in ("true", "false"):
            raise self.fault(f"must be true or false, not {_kind(self.value)}.")
        return bool(self.value == "true")

    def number(self, least: float = 0.0) -> float:
        """Return a number, also one written as text."""
        try:
            found = float(self.text())
        except ValueError:
            raise self.fault(f"must be a number, not {self.value!r}.") from None
        if found < least:
            raise self.fault(f"must be at least {least:g}, not {found:g}.")
        return found

    def whole(self, least: int = 0, most: int | None = None) -> int:
        """Return a whole number within bounds."""
        found = self.number(least)
        if found != int(found) or (most is not None and found > most):
            raise self.fault(f"must be a whole number{f' up to {most}' if most else ''}, not {self.value!r}.")
        return int(found)

    def size(self) -> int:
        """Return bytes, of ``512m``, ``1.5g`` or a plain number."""
        match = SIZE.fullmatch(self.text().strip())
        if match is None or match[2].lower() not in SIZES or ("." in match[1] and match[2].lower() in ("", "b")):
            raise self.fault(f"must be a size like 512m or 1.5g, not {self.value!r}.")
        return int(float(match[1]) * SIZES[match[2].lower()])

    def seconds(self) -> float:
        """Return seconds, of ``1m30s``, ``500ms`` or a plain number."""
        written = self.text().strip()
        if re.fullmatch(r"\d+(\.\d+)?", written):
            return float(written)
        if not DURATION.fullmatch(written):
            raise self.fault(f"must be a time like 30s or 1m30s, not {self.value!r}.")
        return sum(float(count) * SECONDS[unit] for count, unit in PART.findall(written))

    def one_of(self, words: Collection[str]) -> str:
        """Return one of the given words."""
        found = self.text()
        if found not in words:
            raise self.fault(f"is {found!r}; {nearest(found, words)}")
        return found


def nearest(word: str, known: Collection[str]) -> str:
    """Return the end of a sentence that names what would be right instead of ``word``."""
    near = difflib.get_close_matches(word, known, 1)
    if near:
        return f"did you mean {near[0]}?"
    return f"it may be {', '.join(sorted(known))}." if known else "there is none here."


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    return {dict: "a mapping", list: "a list", str: "text", bool: "true or false"}.get(type(value), "a number")
