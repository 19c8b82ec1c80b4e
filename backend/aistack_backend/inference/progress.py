"""How preparations tell how far they are: only measured figures."""

from __future__ import annotations

from typing import Protocol, TextIO


class Tell(Protocol):
    """Takes one measurement of one stage; called from worker threads, up to thousands of times."""

    def __call__(self, stage: str, done: int, total: int | None, unit: str, detail: str) -> None:
        """``done`` of ``total`` (None = not known) in ``unit`` (``bytes`` or ``steps``)."""
        ...


def printing(stream: TextIO) -> Tell:
    """Return a teller that writes one line for each whole tenth of a stage."""
    seen: set[tuple[str, int, str]] = set()

    def tell(stage: str, done: int, total: int | None, unit: str, detail: str) -> None:
        tenth = done * 10 // total if total else -1
        if (stage, tenth, detail) in seen:
            return
        seen.add((stage, tenth, detail))
        of = f" {done} of {total} {unit}" if total else ""
        stream.write(f"{stage}{of}{': ' + detail if detail else ''}\n")
        stream.flush()

    return tell
