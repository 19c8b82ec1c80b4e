"""``stop ID``, ``pause ID``, ``resume ID``: end a task, have it stop in between, take it up again."""

from __future__ import annotations

from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.verbs import waiting
from aistack_console.verbs.context import Context
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Do so, and print where the task then stands."""
    verb = context.arguments.verb
    context.mutate(verb)

    async def job(client: Client) -> Task:
        does = {"stop": client.stop_task, "pause": client.pause_task, "resume": client.resume_task}[verb]
        return await does(context.arguments.id)

    task = context.with_backend(job)
    context.show(task, lambda: waiting.words(task))
    return Exit.OK
