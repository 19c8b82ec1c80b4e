"""``boots``: the ups and downs that are remembered, or one with every service's way."""

from __future__ import annotations

from aistack_backend.wire.boot import Boot, BootList, BootRow
from aistack_console.client.api import Client
from aistack_console.present.units import span
from aistack_console.verbs import booting
from aistack_console.verbs.context import Context, VerbError, ago, columns
from aistack_console.verbs.exits import Exit

TITLES = ("ID", "WHAT", "STATE", "AGO", "TOOK", "SLOWEST", "SAID")
ROW_TITLES = ("SERVICE", "STEP", "STAGE", "TOOK", "USUALLY", "MARKS", "NOW")


def run(context: Context) -> Exit:
    """Print the list, or the boot of that number."""
    number = context.arguments.id

    async def job(client: Client) -> BootList:
        return await client.boots()

    found = context.with_backend(job)
    if number is None:
        context.show(found, lambda: columns(TITLES, [_line(one) for one in found.boots]))
        return Exit.OK
    boot = next((one for one in found.boots if one.id == number), None)
    if boot is None:
        raise VerbError(Exit.FAILED, f"There is no boot {number}.", "See aistack-console boots.")
    context.show(boot, lambda: whole(boot))
    return Exit.OK


def _line(one: Boot) -> tuple[str, ...]:
    took = span(one.ended_at - one.began_at) if one.ended_at is not None else "-"
    what = f"{one.verb} {one.goal or 'everything'}"
    return (str(one.id), what, one.state.value.upper(), ago(one.began_at), took, " > ".join(one.slowest), one.detail)


def whole(boot: Boot) -> str:
    """Return one boot: every service's way, then what failed."""
    rows = [_row(one) for one in boot.rows]
    parts = (columns(TITLES, [_line(boot)]), columns(ROW_TITLES, rows) if rows else "", booting.failures(boot))
    return "\n\n".join(filter(None, parts))


def _row(row: BootRow) -> tuple[str, ...]:
    began = row.marks[0].at if row.marks else 0.0
    marks = " ".join(f"{mark.stage.value}+{mark.at - began:.1f}s" for mark in row.marks)
    took = span(row.marks[-1].at - began) if row.marks else "-"
    return (row.service, row.step.value, row.stage.value, took, span(row.expected), marks, row.detail)
