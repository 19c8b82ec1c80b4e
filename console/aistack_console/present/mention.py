"""What is attached to a message by naming it: ``@service NAME``, ``@logs NAME``, ``@task ID``, ``@file PATH``."""

from __future__ import annotations

import re
from dataclasses import dataclass

KINDS = {
    "service": "a service of the stack: its state and ladder",
    "logs": "the newest lines of a container's log",
    "task": "a task by its number",
    "file": "a text file of this machine, 64 KiB at most",
}
"""What can be attached, with one line each."""
_MENTION = re.compile(rf'(?:^|(?<=\s))@({"|".join(KINDS)})\s+(?:"([^"\n]+)"|(\S+))')
MOST = 8
"""Most things that go with one message."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One thing that is named in a message."""

    kind: str
    name: str


def mentions(text: str) -> tuple[Mention, ...]:
    """Return what a message names, each once, in its order."""
    found = (Mention(match[1], match[2] or match[3].rstrip(",;:?!.") or match[3]) for match in _MENTION.finditer(text))
    return tuple(dict.fromkeys(found))


def written(kind: str, name: str) -> str:
    """Return a mention as it is typed; a name with spaces in quotes."""
    return f'@{kind} "{name}"' if re.search(r"\s", name) else f"@{kind} {name}"
