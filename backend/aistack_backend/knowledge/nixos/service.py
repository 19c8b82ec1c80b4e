"""The index of what is published about NixOS: files in, entries out, and how old they are with every answer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import PurePosixPath

from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput
from aistack_backend.knowledge.nixos import formats, manuals, rows
from aistack_backend.knowledge.nixos.ages import ages
from aistack_backend.knowledge.nixos.formats import Item
from aistack_backend.knowledge.nixos.keys import words
from aistack_backend.knowledge.nixos.opening import LARGEST, opened
from aistack_backend.store.database import Database
from aistack_backend.wire.nixos import NixAnswer, NixKind, NixQuestion, NixSource, NixSources, NixTaken

CHANNEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
MOST, LONGEST = 100, 2_000
"""Hits of one search, and characters of its question."""
BATCH = 2_000
"""Entries of one transaction: others write in between."""
MANUALS = (".html", ".htm", ".xhtml", ".md", ".markdown", ".txt")
NONE = "No index of NixOS {what} is here. {how}"
HOW = "Read one in: aistack-console nixos import FILE|URL"


class NixIndex:
    """See ``docs/codebase.md``. Every method blocks on SQL: call it from a thread."""

    def __init__(
        self, database: Database, clock: Clock, *, batch: int = BATCH, largest: int = LARGEST, how: str = HOW
    ) -> None:
        """``largest``: bytes of a file, once unpacked; ``how`` says how a file is read in here."""
        self._how = how
        self._database, self._clock, self._batch, self._largest = database, clock, batch, largest
        self._taking: set[int] = set()

    def sources(self) -> NixSources:
        """Return what is in the index."""
        with self._database.read() as connection:
            found = tuple(rows.shown(row) for row in rows.sources(connection))
        return NixSources(sources=found, detail=self._said(found, ()))

    def find(self, question: NixQuestion) -> NixAnswer:
        """Return what fits, a very name first, then what begins so, then by words.

        Raises:
            BadInput: the question is empty or too long, ``most`` or a kind cannot be.
        """
        asked = question.question.strip()
        if not asked or len(asked) > LONGEST or "\0" in asked:
            raise BadInput(f"A question has 1 to {LONGEST} characters.")
        if not 1 <= question.most <= MOST or NixKind.UNKNOWN in question.kinds:
            raise BadInput(f"A search returns 1 to {MOST} hits, of packages, options or manuals.")
        began = self._clock.mono()
        with self._database.read() as connection:
            held = rows.sources(connection, question.kinds, question.channel)
            numbers = [one.id for one in held]
            found = rows.named(connection, numbers, asked, question.most) if numbers else []
            if numbers and (looked := words(asked)):
                found += rows.worded(connection, numbers, looked, question.most)
            hits = rows.hits(connection, list(dict.fromkeys(found))[: question.most])
        sources = tuple(map(rows.shown, held))
        return NixAnswer(
            hits=hits,
            searched=sum(one.entries for one in sources),
            took=self._clock.mono() - began,
            sources=sources,
            detail=self._said(sources, question.kinds, question.channel),
        )

    def listed(self, kind: NixKind, most: int) -> tuple[int, tuple[str, ...], str]:
        """Return how many entries of a kind there are, the first names, and how old they are."""
        with self._database.read() as connection:
            held = rows.sources(connection, (kind,))
            names = rows.first(connection, [one.id for one in held], most)
        return sum(one.entries for one in held), names, self._said(tuple(map(rows.shown, held)), (kind,))

    def take(
        self,
        data: bytes,
        origin: str,
        by: str,
        *,
        channel: str = "nixos-unstable",
        kind: NixKind = NixKind.UNKNOWN,
        published_at: float | None = None,
    ) -> NixTaken:
        """Read a file in. The one of the same kind and channel answers until all of it is there; a failure changes
        nothing. The same bytes again change nothing either.

        Raises:
            BadInput: the channel, or the file, cannot be.
        """
        if not CHANNEL.fullmatch(channel):
            raise BadInput(f"{channel[:80]!r} is no name of a channel.", "e.g. nixos-unstable or nixos-24.05.")
        name = PurePosixPath(origin.partition("?")[0]).name or origin
        digest, size = hashlib.sha256(data).hexdigest(), len(data)
        values = {"origin": origin, "sha256": digest, "size": size, "channel": channel, "imported_by": by}
        values |= {"imported_at": self._clock.now(), "published_at": published_at}
        if kind is NixKind.MANUAL or (kind is NixKind.UNKNOWN and name.lower().endswith(MANUALS)):
            title, items = manuals.sections(data, name)
            return self._taken(items, None, **values, kind=NixKind.MANUAL.value, name=f"manual {title}", version="")
        file = formats.contents(opened(data, name, self._largest), name, kind)
        label = f"{file.kind.value} {channel}"
        return self._taken(file.items(), file, **values, kind=file.kind.value, name=label, version=file.version)

    def tidy(self) -> int:
        """Remove what was read in half, or was replaced; return how many sources."""
        with self._database.read() as connection:
            numbers = rows.left_over(connection, tuple(self._taking))
        for number in numbers:
            self._drop(number)
        return len(numbers)

    def _taken(self, items: Iterable[Item], file: formats.Contents | None, **values: object) -> NixTaken:
        with self._database.read() as connection:
            before = [row for row in rows.sources(connection) if row.name == values["name"]]
        if any(row.sha256 == values["sha256"] for row in before):
            return NixTaken(source=rows.shown(before[0]), outcome="unchanged")
        with self._database.tx() as connection:
            number = rows.opened(connection, **values)
        self._taking.add(number)
        try:
            count = self._filled(number, items)
            skipped = file.skipped if file else 0
            if not count:
                why = f" The first: {file.first_fault}" if file else ""
                raise BadInput(f"None of {values['origin']} could be read.{why}", "Give another file.")
            with self._database.tx() as connection:
                gone = rows.exchanged(connection, number, str(values["name"]), count, skipped)
        except BaseException:
            self._taking.discard(number)
            self._drop(number)
            raise
        self._taking.discard(number)
        for old in gone:
            self._drop(old)
        with self._database.read() as connection:
            kept = next(rows.shown(row) for row in rows.sources(connection) if row.id == number)
        detail = f"{skipped} entries could not be read; {file.first_fault}" if file and skipped else ""
        return NixTaken(source=kept, outcome="replaced" if gone else "added", detail=detail)

    def _filled(self, number: int, items: Iterable[Item]) -> int:
        count, rest = 0, iter(items)
        while batch := list(islice(rest, self._batch)):
            with self._database.tx() as connection:
                rows.added(connection, number, batch)
            count += len(batch)
        return count

    def _drop(self, number: int) -> None:
        gone = False
        while not gone:
            with self._database.tx() as connection:
                gone = rows.dropped(connection, number, self._batch)

    def _said(self, sources: Sequence[NixSource], kinds: Sequence[NixKind], channel: str = "") -> str:
        if not sources:
            what = " or ".join(f"{one.value}s" for one in kinds) or "packages, options or manuals"
            return NONE.format(what=f"{what} of {channel}" if channel else what, how=self._how)
        return ages(sources, self._clock.now())
