"""``doctor``: what is right and wrong with this machine; it needs no backend."""

from __future__ import annotations

from aistack_backend.wire.status import DoctorReport
from aistack_console.client import launch
from aistack_console.client.api import Client
from aistack_console.verbs import backend
from aistack_console.verbs.context import Context, columns
from aistack_console.verbs.exits import Exit

MARK = {True: "OK", False: "BAD", None: "UNKNOWN"}


def run(context: Context) -> Exit:
    """Ask the running backend, or run ``aistack-backend doctor`` where none answers; FAILED when something is bad."""
    from aistack_backend.wire.rendezvous import socket_path

    if not launch.answers(socket_path(context.options.data_dir)):
        return backend.become(context, "doctor", *(["--json"] if context.json else []))

    async def job(client: Client) -> DoctorReport:
        return await client.doctor()

    report = context.with_backend(job)
    context.show(report, lambda: _words(report))
    return Exit.FAILED if any(one.ok is False for one in report.findings) else Exit.OK


def _words(report: DoctorReport) -> str:
    rows = [(one.name, MARK[one.ok], f"{one.detail} {one.fix}".strip()) for one in report.findings]
    return columns(("CHECK", "STATE", "WHAT"), rows)
