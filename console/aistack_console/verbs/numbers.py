"""``dashboard numbers``: the four sections of the owner's note as a table."""

from __future__ import annotations

import time

from aistack_backend.wire.dashboard import Dashboard
from aistack_console.present import dashboard as words
from aistack_console.text import plain
from aistack_console.verbs.context import Context, columns
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Print every point with its numbers, or why it has none."""
    found = context.with_backend(lambda client: client.dashboard())
    context.show(found, lambda: shown(found, time.time()))
    return Exit.OK


def shown(found: Dashboard, now: float) -> str:
    """Return the sections for a person, each below its title."""
    parts = []
    for part in found.sections:
        parts += [plain(part.title), columns(words.TITLES, [words.row(one, now) for one in part.figures]), ""]
    return "\n".join(parts).rstrip()
