"""``up``, ``down``, ``recreate``, ``update``, ``rollback``, ``hold``, ``release``: one gate for them all."""

from __future__ import annotations

from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.boot import Boot, Plan, PlanRequest
from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.verbs import booting, gate, plan, waiting
from aistack_console.verbs.context import Context
from aistack_console.verbs.exits import Exit

HELD = frozenset({"hold", "release"})
"""Verbs of one service, whose kinds begin with ``service``."""
PLANNED = frozenset({"up", "down", "recreate"})
"""Verbs whose plan is shown before anybody is asked."""


def run(context: Context) -> Exit:
    """Show the plan and the action, make sure, ask; with ``--wait`` follow it to its end."""
    chosen = context.arguments
    verb, goal = chosen.verb, plan.goal_of(chosen)
    if getattr(chosen, "dry_run", False):
        return _dry(context, verb, goal)
    context.mutate(verb)
    kind = f"{'service' if verb in HELD else 'stack'}.{verb}"
    return asked(context, ActionRequest(kind=kind, target=goal))


def asked(context: Context, request: ActionRequest) -> Exit:
    """Ask for an action of the stack and tell what became of it."""
    chosen = context.arguments

    async def job(client: Client) -> tuple[Task, Boot | None]:
        said = await _planned(client, request) if not chosen.yes else ""
        task = await gate.ask(context, client, request, said)
        return await booting.follow(client, task, chosen.timeout, context.json) if chosen.wait else (task, None)

    task, boot = context.with_backend(job)
    context.show(boot or task, lambda: waiting.words(task))
    if not chosen.wait:
        return waiting.verdict(task)
    booting.tell_failures(boot)
    return booting.verdict(task, boot)


def _dry(context: Context, verb: str, goal: str) -> Exit:
    async def job(client: Client) -> Plan:
        return await client.plan(PlanRequest(verb=verb, goal=goal))

    return plan.printed(context, context.with_backend(job))


async def _planned(client: Client, request: ActionRequest) -> str:
    verb = request.kind.removeprefix("stack.")
    return plan.words(await client.plan(PlanRequest(verb=verb, goal=request.target))) if verb in PLANNED else ""
