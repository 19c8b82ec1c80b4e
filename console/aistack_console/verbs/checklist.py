"""``checklist``: the owner's success criteria, each with what was found."""

from __future__ import annotations

from aistack_backend.wire.checklist import Checklist, TickState
from aistack_console.client.api import Client
from aistack_console.verbs.context import Context, ago, columns
from aistack_console.verbs.exits import Exit

TITLES = ("PHASE", "STATE", "AGE", "CRITERION", "FOUND")


def run(context: Context) -> Exit:
    """Print the ticks, with ``--run`` after running them all; FAILED when one fails."""

    async def job(client: Client) -> Checklist:
        return await (client.run_checklist() if context.arguments.run else client.checklist())

    found = context.with_backend(job)
    context.show(found, lambda: words(found))
    return Exit.FAILED if any(one.state is TickState.FAIL for one in found.ticks) else Exit.OK


def words(found: Checklist) -> str:
    """Return the checklist for a person."""
    if not found.ticks:
        return "The checklist is empty."
    rows = [(one.phase, one.state.value.upper(), ago(one.at), one.text, one.detail) for one in found.ticks]
    passed = sum(one.state is TickState.PASS for one in found.ticks)
    return f"{columns(TITLES, rows)}\n\n{passed} of {len(found.ticks)} pass"
