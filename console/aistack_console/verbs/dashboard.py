"""``dashboard``: the same console in a browser of this machine, behind a link that works once."""

from __future__ import annotations

import asyncio
import shlex
import sys

from aistack_backend.wire.rendezvous import socket_path
from aistack_console.client import launch
from aistack_console.client.api import Client
from aistack_console.verbs import numbers
from aistack_console.verbs.context import Context, VerbError
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Serve until told to end; with ``--link`` only print the newest link of the one that serves.

    ``numbers``, or ``--json``, prints what is measured and serves nothing.
    """
    if context.arguments.what == "numbers" or context.json:
        if context.arguments.link or context.arguments.allow_decisions:
            raise VerbError(
                Exit.USAGE, "--link and --allow-decisions are for serving.", "Write dashboard numbers [--json]."
            )
        return numbers.run(context)
    if context.arguments.link:
        print(link(context))
        return Exit.OK
    try:
        asyncio.run(_serve(context))
    except OSError as error:
        port = context.arguments.port
        raise VerbError(
            Exit.FAILED, f"The dashboard cannot listen on 127.0.0.1:{port}: {error.strerror}.", "Choose another --port."
        ) from error
    return Exit.OK


def link(context: Context) -> str:
    """Return the address that opens a session, once.

    Raises:
        VerbError: no dashboard has served from this data folder.
    """
    from aistack_console.web.server import token_file

    try:
        token = token_file(context.options.data_dir).read_text().strip()
    except OSError:
        raise VerbError(
            Exit.FAILED, "No dashboard serves from this data folder.", "Run: aistack-console dashboard"
        ) from None
    return f"http://127.0.0.1:{context.arguments.port}/login#{token}"


async def _serve(context: Context) -> None:
    from aistack_console.web.guard import Door
    from aistack_console.web.server import Dashboard, serve, token_file

    options, port = context.options, context.arguments.port
    socket = socket_path(options.data_dir)
    if options.start_backend:
        await launch.ensure(options.data_dir, socket)
    client = Client(socket, via="dashboard")
    token_file(options.data_dir).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    door = Door(token_file(options.data_dir), port)

    async def ready() -> None:
        print(f"The dashboard listens on http://127.0.0.1:{port}/dashboard.html", flush=True)
        print(f"The console, once:       {link(context)}", flush=True)
        print("Decisions are allowed in it." if _decides(context) else "It is view-only.", flush=True)

    try:
        await serve(Dashboard(command(context), door, client, port), ready)
    finally:
        token_file(options.data_dir).unlink(missing_ok=True)
        await client.close()


def command(context: Context) -> str:
    """Return the shell line of a browser's console: view-only unless decisions were allowed; browsers show Unicode."""
    options = context.options
    words = ["env", "LC_ALL=C.UTF-8", sys.executable, "-m", "aistack_console", "--data-dir", str(options.data_dir)]
    words += ["--config", str(options.config_file)]
    words += [] if _decides(context) else ["--view-only"]
    return f"exec {shlex.join(words)}"


def _decides(context: Context) -> bool:
    return bool(context.arguments.allow_decisions) and not context.options.view_only
