"""``providers``, ``providers check NAME``: the endpoints elsewhere, and a check of one that a person starts."""

from __future__ import annotations

import time

from aistack_backend.wire.providers import ProviderList
from aistack_console.present import providers as words
from aistack_console.text import plain
from aistack_console.verbs.context import Context, VerbError, columns, fields
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """List them; or check one, FAILED when a step of it fails."""
    chosen = context.arguments
    if chosen.what == "check":
        return _check(context)
    if chosen.name or chosen.ask:
        raise VerbError(Exit.USAGE, "providers list takes no name and no --ask.", "Write providers check NAME.")
    found = context.with_backend(lambda client: client.providers())
    context.show(found, lambda: listed(found, time.time()))
    return Exit.OK


def listed(found: ProviderList, now: float) -> str:
    """Return the endpoints for a person, and what speaks for the state of each."""
    if not found.providers:
        return "No provider is configured; docs/providers.md shows how."
    table = columns(words.TITLES, [words.row(one, now) for one in found.providers])
    said = [plain(line) for one in found.providers if (line := words.evidence(one, now))]
    return "\n\n".join([table, "\n".join(said)] if said else [table])


def _check(context: Context) -> Exit:
    context.mutate("providers check")
    chosen = context.arguments
    if not chosen.name:
        raise VerbError(Exit.USAGE, "No provider is named.", "providers lists them.")
    done = context.with_backend(lambda client: client.check_provider(chosen.name, ask=chosen.ask))
    context.show(done, lambda: fields(words.steps(done)))
    return Exit.OK if done.ok else Exit.FAILED
