"""``tasks``: the newest tasks, or one in full."""

from __future__ import annotations

from aistack_backend.wire.tasks import Task, TaskList
from aistack_console.client.api import Client
from aistack_console.verbs import waiting
from aistack_console.verbs.context import Context, ago, columns
from aistack_console.verbs.exits import Exit

TITLES = ("ID", "STATE", "AGE", "APPROVAL", "GOAL", "WHY")


def run(context: Context) -> Exit:
    """Print the tasks."""
    number = context.arguments.id

    async def job(client: Client) -> Task | TaskList:
        return await client.tasks() if number is None else await client.task(number)

    found = context.with_backend(job)
    context.show(found, lambda: waiting.words(found) if isinstance(found, Task) else _words(found))
    return Exit.OK


def _words(tasks: TaskList) -> str:
    rows = [
        (str(one.id), one.state.value, ago(one.created_at), str(one.approval_id or ""), one.goal, one.reason)
        for one in tasks.tasks
    ]
    return columns(TITLES, rows)
