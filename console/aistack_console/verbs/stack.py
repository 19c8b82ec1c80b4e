"""``stack`` and ``check``: every declared service, its state and its ladder; ``check`` climbs the ladders first."""

from __future__ import annotations

import time

from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.stack import Service, ServiceState, Stack
from aistack_console.client.api import Client
from aistack_console.present.stack import ladder_ascii, service_word, why
from aistack_console.verbs.context import Context, ago, columns, warn
from aistack_console.verbs.exits import Exit

TITLES = ("SERVICE", "GROUP", "STATE", "LADDER", "FOR", "WHY")
WRONG = frozenset({ServiceState.BAD, ServiceState.UNKNOWN})


def run(context: Context) -> Exit:
    """Print the services; FAILED when one is BAD or UNKNOWN, or the manifest cannot be read."""
    chosen = context.arguments
    wanted = tuple(getattr(chosen, "service", ()))

    async def job(client: Client) -> Stack:
        return await (client.check(wanted) if chosen.verb == "check" else client.stack())

    stack = context.with_backend(job)
    context.show(stack, lambda: words(stack, wanted))
    if stack.source.state is not SourceState.OK:
        warn(f"stack: {stack.source.state.value}. {stack.source.detail} {stack.source.hint}".rstrip())
        return Exit.FAILED
    looked_at = [one for one in stack.services if not wanted or one.id in wanted]
    return Exit.FAILED if any(one.state in WRONG for one in looked_at) else Exit.OK


def words(stack: Stack, wanted: tuple[str, ...] = ()) -> str:
    """Return the stack for a person: one line a service, in the manifest's order."""
    rows = [_row(one, stack) for one in stack.services if not wanted or one.id in wanted]
    head = f"{stack.file}   checked {ago(stack.at)} ago" if stack.at else f"{stack.file}   never checked"
    hold = "\nHOLD: nothing automatic happens" if stack.hold else ""
    least = LEAST if any(row[4].startswith(">") for row in rows) else ""
    return f"{head}{hold}\n\n{columns(TITLES, rows)}\n\nladder: {LEGEND}{least}"


LEGEND = "present running listening healthy ready useful; # passed  ! failed  . not yet  - nothing to check  ? unknown"

LEAST = "\nFOR: > at least that long: it was so when it was first looked at"


def _row(one: Service, stack: Stack) -> tuple[str, ...]:
    word = service_word(one, stack, None, time.time())
    return (one.id, one.group, word.word, ladder_ascii(one), _lasts(one), why(one, word))


def _lasts(one: Service) -> str:
    """Return how long it is in its state; ``>`` = that long at the least, since nobody saw it enter it."""
    return ago(one.since) if one.watched or one.since is None else f">{ago(one.since)}"
