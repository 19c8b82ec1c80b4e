"""``logs``: a container's log as plain lines, or as one JSON object a line."""

from __future__ import annotations

import time

from aistack_backend.wire.containers import LogBatch
from aistack_console.client.api import Client
from aistack_console.present.units import many
from aistack_console.text import plain
from aistack_console.verbs import resolve
from aistack_console.verbs.context import Context, to_json, warn
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Print the log; with ``--follow`` until Ctrl+C."""
    chosen = context.arguments

    async def job(client: Client) -> Exit:
        one = resolve.container(await client.containers(), chosen.container)
        since = None if chosen.since is None else time.time() - chosen.since
        async for batch in client.logs(one.ref, tail=chosen.tail, since=since, follow=chosen.follow):
            _print(batch, context.json)
        return Exit.OK

    return context.with_backend(job)


def _print(batch: LogBatch, json: bool) -> None:
    if json:
        print(to_json(batch, indent=None), flush=True)
        return
    if batch.dropped:
        warn(f"... {many(batch.dropped, 'line was', 'lines were')} dropped here")
    for line in batch.lines:
        print(plain(line.text, "drop"))
    print(end="", flush=True)
