"""A person's own action from the command line: shown whole, confirmed, then decided at once by the one gate."""

from __future__ import annotations

import time
from dataclasses import replace

from aistack_backend.wire.actions import ActionRequest, Approval
from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.text import plain
from aistack_console.verbs.approvals import whole
from aistack_console.verbs.context import Context, VerbError, interactive, question, warn
from aistack_console.verbs.exits import Exit


async def ask(context: Context, client: Client, request: ActionRequest, said: str = "") -> Task:
    """Show what would run (``said`` first), make sure, and ask for it; return its task.

    What cools off is put into the queue instead: nobody can confirm it yet.

    Raises:
        VerbError: it was not confirmed, or a code or a name is wanted and nobody can type it.
    """
    preview = await client.preview(request)
    chosen = context.arguments
    if not chosen.yes or preview.code or preview.typed_name:
        warn("\n\n".join(filter(None, (said, _told(preview)))) + "\n")
    if preview.ready_at > time.time() or preview.people > 1:
        why = "Two other people have to approve this" if preview.people > 1 else "This cools off first"
        warn(f"{why}: it waits in the queue, see aistack-console approvals.")
        return await client.act(request)
    code = chosen.code or _typed(preview.code, "code", f"Type the code {preview.code} to do it: ")
    name = chosen.name or _typed(preview.typed_name, "name", f"Type {preview.typed_name} to do it: ")
    if not (chosen.yes or code or name):
        _sure(preview.title)
    return await client.act(replace(request, confirmed_hash=preview.action_hash, code=code, typed_name=name))


def _told(preview: Approval) -> str:
    """Return the preview without what only an approval of the queue has."""
    lines = whole(preview).split("\n\nthe record that is hashed:")[0].splitlines()
    about = (line for line in lines if not line.startswith(("state", f"approval {preview.id} ")))
    return plain(preview.title) + "\n" + "\n".join(about)


def _typed(wanted: str, what: str, prompt: str) -> str:
    if not wanted:
        return ""
    if not interactive():
        sentence = f"This action needs its {what} {wanted} and nobody can type it here."
        raise VerbError(Exit.NOT_ALLOWED, sentence, f"Give --{what} {wanted}.")
    return question(prompt)


def _sure(title: str) -> None:
    if not interactive():
        raise VerbError(Exit.NOT_ALLOWED, "Nobody can confirm this here.", "Say --yes if it is wanted.")
    if question(f"{title[:1].upper()}{title[1:]}? [y/N] ").lower() not in ("y", "yes"):
        raise VerbError(Exit.NOT_ALLOWED, "Not done.")
