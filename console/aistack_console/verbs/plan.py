"""``plan``: what an up or a down would do now; nothing is done."""

from __future__ import annotations

from argparse import Namespace

from aistack_backend.wire.boot import Plan, PlanRequest, StepKind
from aistack_console.client.api import Client
from aistack_console.present.units import many, size
from aistack_console.verbs.context import Context, columns
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Print the plan; FAILED when something would make it fail."""
    chosen = context.arguments
    request = PlanRequest(verb="down" if chosen.down else "up", goal=goal_of(chosen))

    async def job(client: Client) -> Plan:
        return await client.plan(request)

    return printed(context, context.with_backend(job))


def goal_of(chosen: Namespace) -> str:
    """Return what was named, the tier first; empty = everything."""
    return " ".join((*getattr(chosen, "tier", "").split(), *chosen.goal))


def printed(context: Context, plan: Plan) -> Exit:
    """Print a plan and return the exit code that it stands for."""
    context.show(plan, lambda: words(plan))
    return Exit.FAILED if plan.problems else Exit.OK


def words(plan: Plan) -> str:
    """Return a plan for a person: what changes, what stays, what stands in its way, and the memory it wants."""
    changes = [step for step in plan.steps if step.kind is not StepKind.KEEP]
    rows = [
        (step.kind.value, step.object, step.name, f"{step.why}{_after(step.after)}".strip(" ;")) for step in changes
    ]
    kept = [step.name for step in plan.steps if step.kind is StepKind.KEEP]
    parts = [f"plan: {plan.verb} {plan.goal or 'everything'}, {many(len(changes), 'step')}"]
    if rows:
        parts.append(columns(("DO", "WHAT", "NAME", "WHY"), rows))
    if kept:
        parts.append(f"stays as it is: {', '.join(kept)}")
    if plan.memory_reserved:
        parts.append(f"memory: {size(plan.memory_reserved)} expected of {size(plan.memory_available)} available")
    parts += [f"WOULD FAIL: {problem}" for problem in plan.problems]
    return "\n".join(parts)


def _after(services: tuple[str, ...]) -> str:
    return f"; after {', '.join(services)}" if services else ""
