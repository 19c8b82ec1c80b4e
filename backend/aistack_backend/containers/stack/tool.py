"""The tool behind ``stack.up``, ``stack.down`` and ``stack.recreate``: an approved plan is made anew and compared."""

from __future__ import annotations

from collections.abc import Mapping

from aistack_backend.approvals.action import Action
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.stack import plan
from aistack_backend.containers.stack.apply import Applier
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.containers.stack.plan import Planned
from aistack_backend.containers.stack.progress import failed
from aistack_backend.containers.stack.source import ManifestSource
from aistack_backend.containers.stack.world import look
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput, Conflict
from aistack_backend.wire.boot import BootState, StepKind

UP, DOWN, RECREATE = "stack.up", "stack.down", "stack.recreate"
KINDS = frozenset({UP, DOWN, RECREATE})
PROGRAM = "aistack-console"


class Planner:
    """Makes plans of the manifest in force and of what is there now. Blocks for a few calls to Podman."""

    def __init__(self, source: ManifestSource, podman: Podman, provisioner: Provisioner) -> None:
        self.source = source
        self._podman = podman
        self._provisioner = provisioner

    def make(self, kind: str, goal: str, anew: Mapping[str, str] | None = None) -> tuple[Manifest, Planned]:
        """Plan one of ``KINDS`` now; ``anew``: which containers a recreate is to replace, by service.

        Raises:
            ManifestError, BadInput: the file or the goal. PodmanDown: it does not answer.
        """
        manifest = self.source.get()
        world = look(self._podman, self._provisioner)
        if kind == DOWN:
            return manifest, plan.down(manifest, goal, world)
        return manifest, plan.up(manifest, goal, world, anew=(anew or {}) if kind == RECREATE else None)


class StackTool:
    """Runs the stack's kinds; a repeat leads to the same end state, so a killed backend takes it up again."""

    kinds = KINDS

    def __init__(self, planner: Planner, applier: Applier) -> None:
        self._planner = planner
        self._applier = applier

    def nature(self, action: Action) -> Nature:
        """A second run finds what the first one did, and goes on from there."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """Plan again: the same services, the same declarations, the same containers."""
        try:
            _, now = self._planner.make(action.kind, goal_of(action))
        except BackendError as error:
            return error.detail
        approved = {target.name: target.pin for target in action.targets}
        wanted = {step.service.id: step.pin for step in now.steps}
        for name in sorted(approved.keys() | wanted.keys()):
            if approved.get(name) != wanted.get(name):
                return f"{name} is not what was approved any more: the file or its container changed since."
        return ""

    async def run(self, key: str, action: Action) -> Outcome:
        """Carry out what is still to be done; declarations that changed since the approval are refused."""

        def plan_now() -> tuple[Manifest, Planned]:
            manifest, planned = self._planner.make(action.kind, goal_of(action), _replaced(action))
            if changed := _changed(action, planned):
                raise Conflict(f"Nothing was done: {changed} changed since this was approved.")
            return manifest, planned

        boot = await self._applier.take(plan_now, task_of(key))
        if not boot.rows:
            return Outcome(ok=True, text="There was nothing to do.")
        took = (boot.ended_at or boot.began_at) - boot.began_at
        lines = [f"{row.service}: {row.detail}" for row in failed(boot.rows)]
        if boot.state is not BootState.DONE:
            return Outcome(ok=False, text="\n".join([boot.detail, *lines]))
        acted = sum(row.step is not StepKind.KEEP for row in boot.rows)
        done = "stopped and removed" if action.kind == DOWN else "ready"
        return Outcome(ok=True, text=f"{len(boot.rows)} services {done} after {took:.1f} s ({acted} acted on).")

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Only a new plan can tell, and ``run`` makes one."""
        return Fate.UNKNOWN, None


def task_of(key: str) -> int:
    """Return the number of the task that an effect's key begins with; a person's action is made before its task is."""
    number = key.partition(":")[0]
    return int(number) if number.isdigit() else 0


def goal_of(action: Action) -> str:
    """Return the goal that stands in an action's command.

    Raises:
        BadInput: it is no command of ours.
    """
    if action.argv[:1] != (PROGRAM,) or len(action.argv) < 2:
        raise BadInput(f"A {action.kind} is a command of {PROGRAM}.")
    return " ".join(action.argv[2:])


def _changed(action: Action, planned: Planned) -> str:
    approved = {target.name: _wanted(target.pin) for target in action.targets}
    for step in planned.steps:
        if approved.get(step.service.id) != _wanted(step.pin):
            return step.service.id
    return ""


def _replaced(action: Action) -> dict[str, str]:
    return {target.name: target.pin.rpartition("now=")[2] for target in action.targets}


def _wanted(pin: str) -> str:
    return " ".join(part for part in pin.split() if part.startswith(("want=", "of=")))
