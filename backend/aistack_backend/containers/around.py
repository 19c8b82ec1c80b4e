"""What is known around an action: who is hit, what could bring data back, a dry run. Measured, or told as unknown.

Read from the newest snapshot of the stack's ladder: nothing is asked of Podman here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from aistack_backend.approvals.action import Action
from aistack_backend.wire.actions import Fact, Target
from aistack_backend.wire.stack import Service, ServiceState, Stack

INTERRUPTS = frozenset(
    {"container.stop", "container.restart", "container.kill", "container.pause", "container.remove", "stack.down",
     "stack.recreate", "stack.update", "stack.rollback", "stack.restore", "certificate.renew"}
)  # fmt: skip
"""Kinds during which others miss their target, for a moment or for good."""
LOSES = frozenset({"container.remove", "volume.remove", "stack.restore", "stack.down", "stack.rollback"})
"""Kinds after which somebody may want the data of before."""
PLANNED = "the plan in the script; it is made anew and compared before it runs, and what it would change is all in it"
LISTED = "every object that goes is listed above, by its id; each is looked at again before it goes"
DRY = {
    "image.remove": LISTED, "volume.remove": LISTED, "network.remove": LISTED,
    "stack.up": PLANNED, "stack.down": PLANNED, "stack.recreate": PLANNED, "stack.update": PLANNED,
    "stack.rollback": PLANNED, "stack.restore": PLANNED, "stack.backup": PLANNED,
}  # fmt: skip
"""Kinds that were tried dry when they were asked for, and how."""
LADDER = "the stack's file and its health ladder"


class Around:
    """Tells the facts around an action from the newest stack snapshot."""

    def __init__(self, stack: Callable[[], Stack | None]) -> None:
        self._stack = stack

    def facts(self, action: Action) -> tuple[Fact, ...]:
        """Return what is known of who is hit, of backups and of a dry run; what is not known says so."""
        stack = self._stack()
        hit = action.kind in INTERRUPTS
        found = [one for one in (_service(stack, target) for target in action.targets) if one is not None]
        facts = [*_radius(stack, action, found)] if hit else []
        facts += [_kept(stack, found)] if hit or action.kind in LOSES else []
        facts.append(Fact(name="dry run", text=DRY.get(action.kind, "none: this kind of action has none")))
        return tuple(facts)


def _service(stack: Stack | None, target: Target) -> Service | None:
    """Return the stack's service that a target is, by its own name, id or container; another machine has none."""
    if stack is None or target.host or target.type not in ("container", "service"):
        return None
    names = {target.name, target.id}
    if target.type == "service":
        return next((one for one in stack.services if names & {one.id, one.container}), None)
    return next((one for one in stack.services if names & {one.container_id or one.container, one.container}), None)


def _radius(stack: Stack | None, action: Action, found: Sequence[Service]) -> Iterator[Fact]:
    if stack is None:
        yield Fact(name="blast radius", text="unknown: the stack was not measured yet", known=False)
        return
    if not found:
        what = ", ".join(target.name for target in action.targets[:4]) or "it"
        text = f"unknown: {what} is no service of this stack, and its file says nothing of what needs it"
        yield Fact(name="blast radius", text=text, source=stack.file, known=False)
        return
    mine = {one.id for one in found}
    above = [one for one in _users(stack, mine) if one.id not in mine]
    runs = [one for one in above if one.state not in (ServiceState.STOPPED, ServiceState.UNKNOWN)]
    idle = [one for one in above if one not in runs]
    said = [f"{len(runs)} that run now need {'it' if len(mine) == 1 else 'them'}"] if above else ["nothing needs it"]
    said[0] += f": {', '.join(f'{one.id} {one.state.value}' for one in runs)}" if runs else ""
    said += [f"stopped or not measured: {', '.join(one.id for one in idle)}"] if idle else []
    yield Fact(name="blast radius", text="; ".join(said), source=LADDER, at=stack.at, known=stack.at is not None)


def _users(stack: Stack, mine: set[str]) -> list[Service]:
    """Return every service that needs one of these, directly or through others, nearest first."""
    by_id = {one.id: one for one in stack.services}
    reached: dict[str, None] = {}
    level = sorted(mine)
    while level:
        level = [user for one in level if one in by_id for user in by_id[one].used_by if user not in reached]
        reached |= dict.fromkeys(level)
    return [by_id[one] for one in reached if one in by_id]


def _kept(stack: Stack | None, found: Sequence[Service]) -> Fact:
    if stack is None or not found:
        return Fact(name="backup", text="unknown: no service of this stack", known=False)
    data = [one for one in found if one.keeps_data]
    if not data:
        return Fact(name="backup", text="not needed: it keeps no data that a backup copies", source=stack.file)
    bare = [one.id for one in data if one.last_backup is None]
    if bare:
        said = f"none holds the data of {', '.join(bare)}: take one first (aistack-console backup, or B in Approvals)"
        return Fact(name="backup", text=said, source="the backup shelf", at=stack.at)
    oldest = min(one.last_backup or 0.0 for one in data)
    proven = all(one.backup_verified is not None for one in data)
    said = "the newest that holds its data" + ("" if proven else ", never proven by a trial restore")
    return Fact(name="backup", text=said, source="the backup shelf", at=oldest)
