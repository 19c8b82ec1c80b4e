"""``knowledge import``: a page or a repository into a collection, shown whole and confirmed before anything is sent."""

from __future__ import annotations

import json
from dataclasses import asdict

from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.imports import ImportKind, ImportRequest
from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.verbs import gate, waiting
from aistack_console.verbs.context import Context, VerbError
from aistack_console.verbs.exits import Exit


def run(context: Context, collection: str) -> Exit:
    """Ask for the import; with ``--wait`` tell what became of it."""
    context.mutate("knowledge import")
    chosen = context.arguments
    if len(chosen.rest) != 1:
        hint = "For example: knowledge import https://example.org/page.html"
        raise VerbError(Exit.USAGE, "Say one URL, or the path of a repository.", hint)
    (url,) = chosen.rest
    kind = ImportKind.GIT if chosen.git or url.startswith("/") or url.endswith(".git") else ImportKind.PAGE
    wish = ImportRequest(
        url=url,
        collection=collection,
        kind=kind,
        ref=chosen.ref,
        only=tuple(chosen.only),
        files=chosen.files,
        megabytes=chosen.megabytes,
        keep_days=chosen.keep_days,
    )

    async def job(client: Client) -> Task:
        task = await gate.ask(context, client, ActionRequest(kind="knowledge.import", script=json.dumps(asdict(wish))))
        return await waiting.until(client, task, waiting.ended, chosen.timeout) if chosen.wait else task

    done = context.with_backend(job)
    context.show(done, lambda: waiting.words(done))
    return waiting.verdict(done)
