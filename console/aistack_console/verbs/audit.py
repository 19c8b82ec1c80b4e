"""``audit list``: what the log holds; ``audit verify``: walk its chain and witness, in the backend or of a folder."""

from __future__ import annotations

from aistack_backend.wire.audit import AuditCheck, AuditPage
from aistack_console.client import launch
from aistack_console.client.api import Client
from aistack_console.present.audit import said
from aistack_console.present.units import many, stamp
from aistack_console.verbs import backend
from aistack_console.verbs.context import Context, VerbError, columns, fields
from aistack_console.verbs.exits import Exit

TITLES = ("SEQ", "TIME", "WHO", "VIA", "PHASE", "WHAT")
MOST = 1000


def run(context: Context) -> Exit:
    """List or verify; FAILED when a record does not hold."""
    return _list(context) if context.arguments.what == "list" else _verify(context)


def _list(context: Context) -> Exit:
    limit, text = context.arguments.limit, context.arguments.text
    if context.arguments.dir is not None:
        raise VerbError(Exit.USAGE, "A folder can be verified, not listed.", "Leave it out, or use `audit verify DIR`.")
    if not 1 <= limit <= MOST:
        raise VerbError(Exit.USAGE, f"--limit is {limit}.", f"Give 1 to {MOST}.")

    async def job(client: Client) -> AuditPage:
        return await client.audit(limit, text=text)

    page = context.with_backend(job)
    context.show(page, lambda: _lines(page))
    return Exit.OK


def _lines(page: AuditPage) -> str:
    rows = [
        (str(one.seq), stamp(one.at), one.actor, one.via, one.phase.value, said(one)) for one in reversed(page.records)
    ]
    return f"{columns(TITLES, rows)}\n{len(page.records)} of {page.total}"


def _verify(context: Context) -> Exit:
    """A folder, or no running backend, needs the backend's program."""
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
            ("audit", f"{'HOLDS' if check.ok else 'DOES NOT HOLD'}, {many(check.count, 'record')}, {witnessed}"),
            ("head", check.head),
            ("bad", bad),
            ("detail", check.detail),
        ]
    )
