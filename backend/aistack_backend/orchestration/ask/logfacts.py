"""What the log of a container says, as facts. Its lines are data of strangers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aistack_backend.orchestration.ask.models import Fact

READ, SHOWN, ERRORS = 400, 40, 20
"""Lines that are read, lines of a log that are told, and lines that look like errors."""
ERROR = re.compile(
    r"\b(error|errors|fatal|panic|traceback|exception|critical|fail|failed|failure|refused|denied|oom|killed|segfault)\b|"
    r"\b\w+(Error|Exception)\b",
    re.IGNORECASE,
)


def logs(name: str, lines: Sequence[str]) -> Fact:
    """The last lines."""
    if not lines:
        return Fact(lead=f"The log of {name} is empty.")
    shown = tuple(lines[-SHOWN:])
    return Fact(lead=f"The last {len(shown)} lines of the log of {name}.", lines=shown, newest_last=True)


def errors(name: str, lines: Sequence[str]) -> Fact:
    """The last lines that look like errors; where none does, the very last ones."""
    found = tuple(line for line in lines if ERROR.search(line))
    if found:
        shown = found[-ERRORS:]
        lead = f"{len(found)} of the last {len(lines)} lines of the log of {name} look like errors."
        return Fact(lead=lead, lines=shown, newest_last=True)
    if not lines:
        return Fact(lead=f"The log of {name} is empty, so it tells of no error.")
    lead = f"None of the last {len(lines)} lines of the log of {name} looks like an error; it ends so."
    return Fact(lead=lead, lines=tuple(lines[-5:]), newest_last=True)
