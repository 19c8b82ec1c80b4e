"""``stop ID``: stop a task."""

from __future__ import annotations

from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.verbs import waiting
from aistack_console.verbs.context import Context
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Stop the task and print where it then stands."""
    context.mutate("stop")

    async def job(client: Client) -> Task:
        return await client.stop_task(context.arguments.id)

    task = context.with_backend(job)
    context.show(task, lambda: waiting.words(task))
    return Exit.OK
