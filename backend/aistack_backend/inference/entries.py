"""What the stores have, as one list: the same file seen from two stores is one entry with both places."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aistack_backend.inference import splits
from aistack_backend.inference.facts import Facts, FileFacts
from aistack_backend.inference.stores import OLLAMA, OURS, Found

_UNFIT = re.compile(r"[^a-z0-9._]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model file that is here."""

    id: str
    places: tuple[Found, ...]
    facts: FileFacts

    @property
    def path(self) -> Path:
        """The one that would be loaded."""
        return self.places[0].path

    @property
    def name(self) -> str:
        """What people know it by: the name in the store, without the ending."""
        return _without_end(self.places[0].name)

    @property
    def whole(self) -> bool:
        """All parts are there."""
        return self.places[0].whole

    @property
    def parts(self) -> int:
        """Files that it is split into."""
        return splits.place(self.path.name)[2]

    @property
    def ours(self) -> Found | None:
        """Its place in our own cache, None when it lies in other stores alone."""
        return next((one for one in self.places if one.store == OURS), None)


def entries(found: Sequence[Found], facts: Facts) -> tuple[Entry, ...]:
    """Return one entry for each file: by device and inode at once, by sha256 where it was computed."""
    groups: dict[str, list[Found]] = {}
    known: dict[str, FileFacts] = {}
    for one in found:
        its = facts.of(one.path) if one.whole else _broken(one)
        same = f"sha256:{its.sha256}" if its.sha256 else its.key or str(one.path)
        groups.setdefault(same, []).append(one)
        known.setdefault(same, its)
    return tuple(
        Entry(id=entry_id(places[0]), places=tuple(places), facts=known[same]) for same, places in groups.items()
    )


def entry_id(one: Found) -> str:
    """Return a model's id: its name, and a few digits of where it lies, the same each time."""
    where = hashlib.sha256(str(one.path).encode(errors="surrogateescape")).hexdigest()[:6]
    slug = _UNFIT.sub("-", _without_end(one.name).lower()).strip("-.")[:80]
    return f"{slug or 'model'}-{where}"


def origin(entry: Entry) -> str:
    """Return where it came from, as its first store tells it."""
    first = entry.places[0]
    return f"{first.store}: {first.origin}" if first.origin and first.store != OLLAMA else first.store


def _without_end(name: str) -> str:
    return name[:-5] if name.lower().endswith(".gguf") else name


def _broken(one: Found) -> FileFacts:
    wanted = splits.parts(one.path)
    missing = [part.name for part in wanted if not part.is_file()]
    size = sum(part.stat().st_size for part in wanted if part.is_file())
    return FileFacts(key="", size=size, fault=f"{len(missing)} of its {len(wanted)} parts are missing: {missing[0]}.")
