"""From a goal to one action record whose text is the whole plan."""

from __future__ import annotations

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.containers.stack.plan import Planned, expected
from aistack_backend.containers.stack.tool import DOWN, KINDS, PROGRAM, RECREATE, Planner
from aistack_backend.errors import BadInput
from aistack_backend.wire.actions import Target
from aistack_backend.wire.boot import StepKind

VERBS = {"stack.up": "up", DOWN: "down", RECREATE: "recreate"}
TITLES = {"stack.up": "bring up", DOWN: "take down", RECREATE: "make anew"}


class StackPreparer:
    """Prepares the stack's kinds; changes nothing."""

    kinds = KINDS

    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Plan now, and bind the action to that plan.

        Raises:
            ManifestError, BadInput: the file, the goal, or a plan that cannot work. PodmanDown: it does not answer.
        """
        _, planned = self._planner.make(kind, target)
        if planned.problems:
            more = f" And {len(planned.problems) - 1} more: see plan." if len(planned.problems) > 1 else ""
            raise BadInput(f"{planned.problems[0]}{more}")
        targets = tuple(
            Target(type="service", id=step.container_id or step.service.container, name=step.service.id, pin=step.pin)
            for step in planned.steps
        )
        if not targets:
            raise BadInput("There is nothing to do: no container of the goal exists.")
        action = Action(
            kind=kind,
            argv=(PROGRAM, VERBS[kind], *target.replace(",", " ").split()),
            script=planned.words(),
            targets=targets,
            requester=requester,
            task_id=task_id,
        )
        evidence = Evidence(
            title=f"{TITLES[kind]} {target or 'the whole stack'}: {counts(planned)}",
            effect=_effect(planned),
            undo="aistack-console up" if kind == DOWN else "aistack-console down; data volumes stay",
            managed=True,
        )
        return action, evidence


def counts(planned: Planned) -> str:
    """Return how many services get which step: ``create 5, keep 2``."""
    words = [f"{kind.value} {count}" for kind in StepKind if (count := planned.count(kind))]
    return ", ".join(words) or "nothing to do"


def _effect(planned: Planned) -> str:
    if planned.verb == "down":
        return (
            "Its containers are stopped and removed, what needs others first. Data volumes, networks and secrets stay."
        )
    memory = sum(expected(step.service) for step in planned.steps if step.kind is not StepKind.KEEP)
    got = planned.images()
    images = f" {len(got)} images are got first." if got else ""
    stopped = planned.count(StepKind.RECREATE)
    interrupts = f" {stopped} running containers are replaced." if stopped else ""
    short = f" That is {planned.short / 2**20:.0f} MiB more than is free now." if planned.short else ""
    return f"About {memory / 2**20:.0f} MiB of memory more.{short}{images}{interrupts} Data volumes stay as they are."
