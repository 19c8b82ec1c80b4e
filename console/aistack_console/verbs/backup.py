"""``backup``, ``backup list``, ``backup verify ID``, ``restore ID``: what is kept, whether it holds, and back again."""

from __future__ import annotations

from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.storage import BackupList
from aistack_console.client.api import Client
from aistack_console.present.units import size
from aistack_console.verbs import act
from aistack_console.verbs.context import Context, VerbError, ago, columns
from aistack_console.verbs.exits import Exit

TITLES = ("ID", "AGE", "SIZE", "VERIFIED", "SERVICES")


def run(context: Context) -> Exit:
    """List, or ask for a backup, a verification or a restore."""
    chosen = context.arguments
    if chosen.verb == "restore":
        context.mutate("restore")
        return act.asked(context, ActionRequest(kind="stack.restore", target=chosen.id))
    if chosen.what == "list":
        return _listed(context)
    context.mutate("backup")
    if chosen.what == "verify":
        if not chosen.id:
            raise VerbError(Exit.USAGE, "backup verify needs the id of a backup.", "See aistack-console backup list.")
        return act.asked(context, ActionRequest(kind="backup.verify", target=chosen.id))
    return act.asked(context, ActionRequest(kind="stack.backup"))


def _listed(context: Context) -> Exit:
    async def job(client: Client) -> BackupList:
        return await client.backups()

    found = context.with_backend(job)
    context.show(found, lambda: words(found))
    return Exit.OK


def words(found: BackupList) -> str:
    """Return the backups for a person."""
    if not found.backups:
        return f"No backup is kept in {found.folder or 'the data folder'}."
    rows = [
        (one.id, ago(one.at), size(one.size), one.verified or "never", ", ".join(one.services)) for one in found.backups
    ]
    return columns(TITLES, rows)
