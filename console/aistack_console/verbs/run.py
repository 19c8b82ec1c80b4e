"""``run "goal"``: ask for something in words."""

from __future__ import annotations

from aistack_backend.wire.actions import GoalRequest
from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.verbs import waiting
from aistack_console.verbs.context import Context
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Submit the goal and print the task once its action is proposed, or once it has ended."""
    context.mutate("run")
    chosen = context.arguments
    good = waiting.ended if chosen.until_done else waiting.proposed

    async def job(client: Client) -> Task:
        task = await client.run(GoalRequest(text=chosen.goal, planner=chosen.planner))
        return task if chosen.no_wait else await waiting.until(client, task, good, chosen.timeout)

    task = context.with_backend(job)
    context.show(task, lambda: waiting.words(task))
    return waiting.verdict(task)
