"""What can be read for a question, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LINE = 400
"""Characters of one line."""


class Tool(StrEnum):
    """One way to read; each changes nothing."""

    SERVICE = "service"
    """One service or container: its ladder, climbed now, and the evidence of each rung."""
    LOGS = "logs"
    ERRORS = "errors"
    """The lines of a log that look like errors."""
    EVENTS = "events"
    MAP = "map"
    """Who needs whom."""
    STACK = "stack"
    """Every declared service in one line each."""
    CONTAINERS = "containers"
    TASKS = "tasks"
    APPROVALS = "approvals"
    RESOURCES = "resources"
    """Processor, memory, disks, GPUs, and who uses them."""
    MODEL = "model"
    DOCTOR = "doctor"
    DOCUMENTS = "documents"
    """The operator's own documents, as ``aistack-console knowledge`` keeps them."""


ABOUT_ONE = frozenset({Tool.SERVICE, Tool.LOGS, Tool.ERRORS})
"""These need a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One thing to read."""

    tool: Tool
    about: str = ""
    """A service's id, or a container's name; empty = no single one."""

    @property
    def what(self) -> str:
        """Its name for the person, e.g. ``logs of web``."""
        if self.tool is Tool.SERVICE:
            return f"ladder of {self.about}"
        return f"{self.tool} of {self.about}" if self.about else str(self.tool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What was read."""

    lead: str
    """The answer to the plainest question about it, in one sentence of ours."""
    lines: tuple[str, ...] = ()
    at: float | None = None
    """When it was measured; None = now."""
    newest_last: bool = False
    """Where not all lines fit, the first ones are left out."""
    follow: tuple[Read, ...] = ()
    """What should be read as well, from what was found: a root cause, a service that is bad."""

    @property
    def told(self) -> str:
        """The lead as one line; what it quotes may come from anywhere."""
        return plain(self.lead)

    def text(self, room: int) -> str:
        """Return lead and lines in at most ``room`` characters or a little more; what is left out is counted."""
        left = max(room - len(self.told), 200)
        kept: list[str] = []
        for line in reversed(self.lines) if self.newest_last else self.lines:
            shown = plain(line)
            left -= len(shown) + 1
            if left < 0:
                break
            kept.append(shown)
        out = len(self.lines) - len(kept)
        if self.newest_last:
            kept = [*([f"({out} earlier lines are left out)"] if out else []), *reversed(kept)]
        elif out:
            kept.append(f"({out} more lines are left out)")
        return "\n".join([self.told, *kept])


def plain(text: str) -> str:
    """Return ``text`` as one line without control characters, cut at ``LINE``."""
    shown = "".join(char if char.isprintable() else " " for char in text[: LINE + 1]).rstrip()
    return shown if len(text) <= LINE else shown[: LINE - 1] + "…"
