"""Log lines of several containers in one bounded, ordered list, and what of it is to be seen."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import NamedTuple

from aistack_backend.wire.containers import LogBatch, LogStream
from aistack_console.present.log_fields import Level, levels_of

MAX_LINES = 50_000
MAX_BYTES = 32 << 20
"""Of text held, in characters; what is older is dropped and counted."""
KEEP = 0.9
"""Share of the limits that is kept when they are passed, so that dropping is rare."""


class Entry(NamedTuple):
    """One line in the merged list; a tuple, for a flood makes a hundred thousand."""

    order: tuple[float, int, int]
    """Its place: time (never before the line above it of the same source), source, number within the source."""
    at: float | None
    """The stamp as measured."""
    source: int
    stream: LogStream
    text: str
    level: Level


_ORDER = attrgetter("order")


def tied(one: Entry, other: Entry) -> bool:
    """Whether nothing measured says which of two neighbours of different sources came first.

    True for equal stamps, and within one second when either stamp has whole seconds only.
    """
    if one.source == other.source or one.at is None or other.at is None:
        return False
    whole = one.at == int(one.at) or other.at == int(other.at)
    return one.at == other.at or (whole and int(one.at) == int(other.at))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are shown: a pattern, its inverse, and the least level."""

    pattern: re.Pattern[str] | None = None
    inverse: bool = False
    level: Level = Level.UNKNOWN
    text: str = ""
    """As typed."""
    note: str = ""
    """Why the text was not taken as a regular expression; empty = it was."""

    def admits(self, entry: Entry) -> bool:
        """Return whether a line is to be shown; a line that names no level counts as INFO."""
        if self.level and (entry.level or Level.INFO) < self.level:
            return False
        return self.pattern is None or (self.pattern.search(entry.text) is None) is self.inverse

    @property
    def open(self) -> bool:
        """Whether it lets everything through."""
        return self.pattern is None and not self.level


def wanted(text: str, level: Level = Level.UNKNOWN) -> Wanted:
    """Read what was typed: a regular expression, ``!`` before it to invert; small letters match capitals too.

    What is no regular expression is looked for as it stands, and the note says so.
    """
    inverse = text.startswith("!")
    body = text[1:] if inverse else text
    if not body:
        return Wanted(level=level)
    flags = re.IGNORECASE if body == body.lower() else re.NOFLAG
    try:
        return Wanted(re.compile(body, flags), inverse, level, text)
    except (re.error, OverflowError, RecursionError) as error:
        literal = re.compile(re.escape(body), flags)
        return Wanted(literal, inverse, level, text, f"no regular expression ({error}): looked for as it stands")


class LogRing:
    """The newest lines of every source by time, bounded by lines and characters.

    Lines of one source keep the order in which they came, whatever their stamps. Lines of different sources with
    one stamp stand by source, so that the order does not depend on which arrived first.
    """

    def __init__(self, max_lines: int = MAX_LINES, max_bytes: int = MAX_BYTES) -> None:
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._entries: list[Entry] = []
        self._view: list[Entry] = self._entries
        self._bytes = 0
        self._sources: dict[str, int] = {}
        self._last: dict[int, Entry] = {}
        self.wanted = Wanted()
        self.dropped = 0
        """Lines that fell out of the ring."""
        self.lost = 0
        """Lines that the backend said it had to drop before they came here."""
        self.errors: dict[int, int] = {}
        """Lines of level ERROR held or seen so far, by source."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def view(self) -> Sequence[Entry]:
        """The lines that are wanted, in order."""
        return self._view

    @property
    def held(self) -> int:
        """Characters of text held."""
        return self._bytes

    def source(self, container_id: str) -> int:
        """Return the number of a source, a new one for a new id."""
        return self._sources.setdefault(container_id, len(self._sources))

    def add(self, batches: Iterable[LogBatch]) -> None:
        """Take lines in; what is over the limits falls out at the old end."""
        new: list[Entry] = []
        for batch in batches:
            self.lost += batch.dropped
            new += self._entries_of(batch)
        if not new:
            return
        new.sort(key=_ORDER)
        self._bytes += sum(len(entry.text) for entry in new)
        _merge(self._entries, new)
        if self._view is not self._entries:
            _merge(self._view, [entry for entry in new if self.wanted.admits(entry)])
        self._trim()

    def last_at(self, container_id: str) -> float | None:
        """Return the newest stamp of a source; None = no line with a stamp came."""
        last = self._last.get(self.source(container_id))
        return last.order[0] if last is not None and last.order[0] else None

    def known_since(self, container_id: str, since: float | None) -> frozenset[tuple[float | None, str]]:
        """Return stamp and text of the held lines of a source from a moment on, so that none is shown twice."""
        if since is None:
            return frozenset()
        number, begin = self.source(container_id), self._entries
        first = bisect_left(begin, (float(int(since)), -1, 0), key=_ORDER)
        return frozenset((entry.at, entry.text) for entry in begin[first:] if entry.source == number)

    def forget(self, container_id: str) -> None:
        """Drop every line of one source."""
        number = self._sources.get(container_id)
        if number is None:
            return
        self._entries = [entry for entry in self._entries if entry.source != number]
        self._bytes = sum(len(entry.text) for entry in self._entries)
        self._last.pop(number, None)
        self.errors.pop(number, None)
        self.want(self.wanted)

    def want(self, new: Wanted) -> None:
        """Show other lines from now on."""
        self.wanted = new
        self._view = self._entries if new.open else [entry for entry in self._entries if new.admits(entry)]

    def _entries_of(self, batch: LogBatch) -> list[Entry]:
        source = self.source(batch.id)
        last = self._last.get(source)
        when, number, above = (*last.order[::2], last.level) if last else (0.0, 0, Level.UNKNOWN)
        out = []
        for line, level in zip(batch.lines, levels_of([line.text for line in batch.lines]), strict=True):
            text, at = line.text, line.at
            if level is Level.UNKNOWN and text[:1] in {" ", "\t"}:
                level = above  # a traceback belongs to the line above it
            if at is not None and at > when:
                when = at
            number += 1
            out.append(Entry((when, source, number), at, source, line.stream, text, level))
            above = level
        if out:
            self._last[source] = out[-1]
            if errors := sum(entry.level is Level.ERROR for entry in out):
                self.errors[source] = self.errors.get(source, 0) + errors
        return out

    def limit(self, max_lines: int) -> None:
        """Hold at most that many lines from now on."""
        self._max_lines = max(1, max_lines)
        self._trim()

    def place(self, order: tuple[float, int, int]) -> int:
        """Return the index in the view of the line with that order, or of the first one after it."""
        return bisect_left(self._view, order, key=_ORDER)

    def _trim(self) -> None:
        if len(self._entries) <= self._max_lines and self._bytes <= self._max_bytes:
            return
        drop = max(0, len(self._entries) - int(self._max_lines * KEEP)) if len(self._entries) > self._max_lines else 0
        gone = sum(len(entry.text) for entry in self._entries[:drop])
        room = int(self._max_bytes * KEEP) if self._bytes > self._max_bytes else self._max_bytes
        while self._bytes - gone > room and drop < len(self._entries):
            gone += len(self._entries[drop].text)
            drop += 1
        self._bytes -= gone
        self.dropped += drop
        if self._view is self._entries:
            del self._entries[:drop]
            return
        edge = self._entries[drop].order if drop < len(self._entries) else (float("inf"), 0, 0)
        moved = bisect_left(self._view, edge, key=_ORDER)
        del self._entries[:drop]
        del self._view[:moved]


def _merge(into: list[Entry], new: list[Entry]) -> None:
    """Put sorted entries into a sorted list; the usual case, all newer, is an append."""
    if not new:
        return
    if not into or into[-1].order <= new[0].order:
        into.extend(new)
        return
    place = bisect_left(into, new[0].order, key=_ORDER)
    tail = into[place:] + new
    tail.sort(key=_ORDER)
    into[place:] = tail


def unseen(batch: LogBatch, known: frozenset[tuple[float | None, str]]) -> LogBatch:
    """Return the batch less the lines that came before the stream broke off."""
    return replace(batch, lines=tuple(line for line in batch.lines if (line.at, line.text) not in known))
