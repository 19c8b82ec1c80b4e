"""``edit``: another text in place of a waiting shell command, byte for byte what the file holds."""

from __future__ import annotations

import sys
from pathlib import Path

from aistack_backend.wire.actions import Approval, EditRequest
from aistack_console.client.api import Client
from aistack_console.verbs.approvals import whole
from aistack_console.verbs.context import Context, VerbError
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Send the text; print the new request, which waits for a decision of its own."""
    context.mutate("edit")
    number, script = context.arguments.id, _text(context.arguments.script)

    async def job(client: Client) -> Approval:
        before = await client.approval(number)
        return await client.edit(number, EditRequest(action_hash=before.action_hash, script=script))

    asked = context.with_backend(job)
    context.show(asked, lambda: f"{whole(asked)}\n\napproval {number} is closed; this one waits as {asked.id}")
    return Exit.OK


def _text(name: str) -> str:
    try:
        return (sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()).decode()
    except OSError as error:
        raise VerbError(Exit.USAGE, f"{name} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise VerbError(Exit.USAGE, f"{name} is not UTF-8 text (byte {error.start}).") from error
