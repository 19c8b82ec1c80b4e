"""What a terminal reports by itself is not what a person types (R3.4).

A terminal answers in the stream that keys come in: what it is, where the cursor stands, its title, its colours. Textual
reads some of these answers and hands on the rest letter by letter, as if they had been typed: a late answer to another
program would move through the screens. Here they are taken out before Textual sees them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.message import Message

PATIENCE = 0.3
"""Seconds after which a report that was cut off is given up: Alt and ] begin one too, and must not swallow more."""
ANSWER = re.compile(
    r"\x1b\[(?:[?>=][0-9;:]*[cnRux]|[0-9][0-9;]*[cnx]|(?!48;)[0-9]+(?:;[0-9]+)*t|\?(?!20(?:26|48);)[0-9;]*\$y)"
)
"""CSI answers that Textual takes for keys. It asks for the modes 2026 and 2048 and its size (48), and gets those."""
BEGIN = re.compile(r"\x1b[\]PX^_]")
"""OSC, DCS, SOS, PM and APC: text from the terminal up to ``END``."""
END = re.compile(r"\x07|\x1b\\?|\x9c")


class Reports:
    """Takes reports out of a stream that comes in pieces."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._inside = False
        self._last = 0.0

    def strip(self, data: str) -> str:
        """Return ``data`` without reports; a report that ends in a later piece is left out there too."""
        at = self._now()
        inside, self._last = self._inside and at - self._last <= PATIENCE, at
        kept = []
        while data:
            if inside:
                end = END.search(data)
                inside, data = end is None, data[end.end() :] if end else ""
            elif begin := BEGIN.search(data):
                inside = True
                kept.append(data[: begin.start()])
                data = data[begin.end() :]
            else:
                kept.append(data)
                break
        self._inside = inside
        return ANSWER.sub("", "".join(kept))


class Parser(XTermParser):
    """Textual's parser of what comes from the terminal, without reports."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._reports = Reports()

    def feed(self, data: str) -> Iterable[Message]:
        """Parse what is left of ``data``; nothing left is nothing typed, not the end."""
        left = self._reports.strip(data)
        return super().feed(left) if left or not data else ()


def ignore() -> None:
    """Have Textual's driver read through ``Parser``: it offers no other way in (Textual is pinned to one version)."""
    setattr(linux_driver, "XTermParser", Parser)  # noqa: B010  a name of another module
