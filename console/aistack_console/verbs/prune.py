"""``prune images|volumes|networks``: an exact list of what nothing uses, shown, confirmed, and removed by its ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.storage import Storage, Stored
from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.present.storage import prunable, together
from aistack_console.present.units import size
from aistack_console.verbs import gate, waiting
from aistack_console.verbs.context import Context, ago, columns
from aistack_console.verbs.exits import Exit

TITLES = ("NAME", "ID", "SIZE", "AGE", "WHY")


def run(context: Context) -> Exit:
    """Choose, and with ``--dry-run`` print the choice; else ask for exactly that by the gate."""
    chosen = context.arguments
    kind = chosen.what.removesuffix("s")
    if chosen.dry_run:
        found = context.with_backend(lambda client: client.storage())
        picked = pick(found, kind, chosen.names, everything=chosen.all)
        context.show(replace(found, stored=picked), lambda: words(picked, kind))
        return Exit.OK
    context.mutate("prune")

    async def job(client: Client) -> Task | Storage:
        found = await client.storage()
        picked = pick(found, kind, chosen.names, everything=chosen.all)
        if not picked and not chosen.names:
            return replace(found, stored=())
        request = ActionRequest(kind=f"{kind}.remove", target=" ".join(chosen.names or [one.id for one in picked]))
        task = await gate.ask(context, client, request, words(picked, kind) if picked and not chosen.yes else "")
        return await waiting.until(client, task, waiting.ended, chosen.timeout) if chosen.wait else task

    done = context.with_backend(job)
    if isinstance(done, Storage):
        context.show(done, lambda: words((), kind))
        return Exit.OK
    context.show(done, lambda: waiting.words(done))
    return waiting.verdict(done)


def pick(found: Storage, kind: str, names: Sequence[str], *, everything: bool) -> tuple[Stored, ...]:
    """Return what would go: the named ones; else what the default prune takes; with ``everything`` all that nothing
    uses and nobody would miss. A name that is not there is left to the backend to refuse."""
    mine = tuple(one for one in found.stored if one.kind == kind)
    if names:
        return tuple(one for one in mine if any(name in (one.id, one.name) or _begins(one, name) for name in names))
    if everything:
        return tuple(one for one in mine if not (one.used_by or one.claimed or one.fixed))
    return prunable(found, kind)


def words(picked: Sequence[Stored], kind: str) -> str:
    """Return the list for a person."""
    if not picked:
        return f"A prune of {kind}s would take nothing."
    rows = [(one.name, one.id[:12], size(one.size), ago(one.created_at), one.why) for one in picked]
    return f"{columns(TITLES, rows)}\n\n{together(picked)}"


def _begins(one: Stored, name: str) -> bool:
    return one.kind != "volume" and len(name) >= 4 and one.id.startswith(name)
