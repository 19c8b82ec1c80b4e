"""``audit verify``: walk the chain and its witness, in the backend or of a folder."""

from __future__ import annotations

from aistack_backend.wire.audit import AuditCheck
from aistack_console.client import launch
from aistack_console.client.api import Client
from aistack_console.verbs import backend
from aistack_console.verbs.context import Context, fields
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Verify; FAILED when a record does not hold. A folder, or no running backend, needs the backend's program."""
    from aistack_backend.wire.rendezvous import socket_path

    folder = context.arguments.dir
    json = ["--json"] if context.json else []
    if folder is not None:
        return backend.become(context, "audit", "verify", folder, *json)
    if not launch.answers(socket_path(context.options.data_dir)):
        return backend.become(context, "audit", "verify", str(context.options.data_dir), *json)

    async def job(client: Client) -> AuditCheck:
        return await client.verify_audit()

    check = context.with_backend(job)
    context.show(check, lambda: _words(check))
    return Exit.OK if check.ok else Exit.FAILED


def _words(check: AuditCheck) -> str:
    witnessed = "no witness" if check.witnessed is None else f"witnessed up to {check.witnessed}"
    bad = "" if check.first_bad is None else f"first record that does not hold: {check.first_bad}"
    return fields(
        [
            ("audit", f"{'HOLDS' if check.ok else 'DOES NOT HOLD'}, {check.count} records, {witnessed}"),
            ("head", check.head),
            ("bad", bad),
            ("detail", check.detail),
        ]
    )
