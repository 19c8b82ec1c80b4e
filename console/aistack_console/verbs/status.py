"""``status``: the backend and its sources."""

from __future__ import annotations

from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.status import Status
from aistack_console.client.api import Client
from aistack_console.verbs.context import Context, ago, columns, fields
from aistack_console.verbs.exits import Exit

FINE = (SourceState.OK, SourceState.ABSENT)
"""Sources in these states ask for nothing: what is not installed is a normal state."""


def run(context: Context) -> Exit:
    """Print the status; FAILED when a source that exists does not answer."""

    async def job(client: Client) -> Status:
        return await client.status()

    status = context.with_backend(job)
    context.show(status, lambda: words(status))
    return Exit.OK if all(source.state in FINE for source in status.sources) else Exit.FAILED


def words(status: Status) -> str:
    """Return the status for a person."""
    gate = f"threshold {status.threshold}" if status.require_approval else "NO APPROVAL REQUIRED"
    head = fields(
        [
            ("backend", f"{status.version}, pid {status.pid}, up {ago(status.started_at)}, on {status.hostname}"),
            ("data", status.data_dir),
            ("operator", status.operator),
            ("gate", f"{gate}, {status.pending_approvals} waiting for a decision"),
            ("note", status.banner),
        ]
    )
    rows = [
        (source.name, source.state.value.upper(), ago(source.last_ok), f"{source.detail} {source.hint}".strip())
        for source in status.sources
    ]
    return f"{head}\n\n{columns(('SOURCE', 'STATE', 'LAST OK', 'WHAT'), rows)}" if rows else head
