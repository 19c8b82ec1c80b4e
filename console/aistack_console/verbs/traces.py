"""``traces [ID]``: the newest traces, or one as a waterfall."""

from __future__ import annotations

import time

from aistack_backend.wire.traces import TraceList
from aistack_console.present import traces as words
from aistack_console.text import plain
from aistack_console.verbs.context import Context, columns
from aistack_console.verbs.exits import Exit

WIDTH = 24
"""Characters of the waterfall's bars."""


def run(context: Context) -> Exit:
    """Print them."""
    wanted = context.arguments.id
    if not wanted:
        found = context.with_backend(lambda client: client.traces())
        context.show(found, lambda: listed(found, time.time()))
        return Exit.OK
    trace = context.with_backend(lambda client: client.trace(wanted))
    context.show(trace, lambda: "\n".join(plain(line) for line in words.waterfall(trace, time.time(), WIDTH)))
    return Exit.OK


def listed(found: TraceList, now: float) -> str:
    """Return the list for a person, and how the sending goes."""
    rows = [words.row(one, now) for one in found.traces]
    table = columns(words.TITLES, rows) if rows else words.nothing(found)
    said = words.sending(found, now)
    return "\n\n".join([table, plain(said)] if said else [table])
