"""The tools that act on containers, always on a full id, always on what was pinned."""

from __future__ import annotations

from collections.abc import Callable

from aistack_backend.approvals.action import Action
from aistack_backend.containers import pins
from aistack_backend.containers.aside import to_the_end
from aistack_backend.containers.models import Inspected
from aistack_backend.containers.parse import RUNS
from aistack_backend.containers.port import Podman
from aistack_backend.containers.prepare import CONTAINER_KINDS
from aistack_backend.containers.service import Side
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput, Conflict, NotFound
from aistack_backend.wire.actions import Target
from aistack_backend.wire.containers import ContainerState, Verb

REPEATS_HARM = frozenset({Verb.RESTART, Verb.KILL})
"""Doing these again hits the next run of the container."""
PAST = {
    Verb.START: "started",
    Verb.STOP: "stopped",
    Verb.RESTART: "restarted",
    Verb.KILL: "killed",
    Verb.PAUSE: "paused",
    Verb.UNPAUSE: "unpaused",
    Verb.REMOVE: "removed",
}
OVER = frozenset({ContainerState.EXITED, ContainerState.STOPPED, ContainerState.DEAD})


class ContainerTool:
    """Runs every ``container.*`` kind. Podman's calls cannot be taken back: a cancelled run waits for its call to
    end, so that nothing happens any more once CancelledError leaves."""

    kinds = CONTAINER_KINDS

    def __init__(
        self,
        podman: Podman,
        nudge: Callable[[str], None] = lambda _: None,
        side: Callable[[str], Side] | None = None,
    ) -> None:
        """``nudge`` is told the ref after each effect (``Containers.nudge``): hosts without an events file see it
        at once too. ``side`` gives the Podman of another machine by its name; None = there is none."""
        self._podman = podman
        self._nudge = nudge
        self._side = side

    def nature(self, action: Action) -> Nature:
        """Restart and kill are effects; the others only lead to an end state."""
        return Nature.EFFECT if _verb(action) in REPEATS_HARM else Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """Inspect, and compare with the pin: same run, same configuration, same image."""
        target = _target(action, "container")
        try:
            podman = self._podman_of(action)
        except BackendError as error:
            return error.detail
        try:
            return pins.changed(target.pin, pins.container_pin(podman.inspect(target.id)), target.name)
        except NotFound:
            return f"{target.name} was removed since this was approved."
        except BackendError as error:
            return error.detail

    async def run(self, key: str, action: Action) -> Outcome:
        """Do it once more checked against the pin; an end state that was reached already is a success."""
        return await to_the_end(lambda: self._run(action))

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Read the container's state against the pin."""
        try:
            fate, text = self._fate(action)
        except BackendError:
            return Fate.UNKNOWN, None
        return fate, Outcome(ok=True, text=text) if fate is Fate.DONE else None

    def _run(self, action: Action) -> Outcome:
        verb, target = _verb(action), _target(action, "container")
        if why := self.recheck(action):
            if text := self._reached(action):
                return Outcome(ok=True, text=f"{text} It was so already.")
            return Outcome(ok=False, text=f"Nothing was done: {why}")
        try:
            self._do(self._podman_of(action), verb, target.id, action)
        except BackendError as error:
            if text := self._reached(action):
                return Outcome(ok=True, text=f"{text} It was so already.")
            return Outcome(ok=False, text=error.detail)
        finally:
            self._nudge(target.ref)
        return Outcome(ok=True, text=_said(action))

    def _podman_of(self, action: Action) -> Podman:
        """Return the Podman that the action was approved for.

        Raises:
            NotFound, Conflict: its machine is not configured any more, or its name is another machine's now.
        """
        target = _target(action, "container")
        if not target.host:
            return self._podman
        if self._side is None:
            raise NotFound(f"There is no host {target.host!r} in the configuration.")
        side = self._side(target.host)
        if action.argv[1:3] != side.flags:
            raise Conflict(f"{target.host} is another machine or socket now ({side.url}) than when this was approved.")
        return side.podman

    def _do(self, podman: Podman, verb: Verb, ident: str, action: Action) -> None:
        if verb in (Verb.STOP, Verb.RESTART):
            grace = podman.inspect(ident).stop_timeout
            (podman.stop if verb is Verb.STOP else podman.restart)(ident, grace)
        elif verb is Verb.REMOVE:
            podman.remove(ident, force="--force" in action.argv)
        else:
            calls: dict[Verb, Callable[[str], None]] = {
                Verb.START: podman.start,
                Verb.KILL: podman.kill,
                Verb.PAUSE: podman.pause,
                Verb.UNPAUSE: podman.unpause,
            }
            calls[verb](ident)

    def _reached(self, action: Action) -> str:
        """Return a sentence when the end state is there already, else ""."""
        try:
            fate, text = self._fate(action)
        except BackendError:
            return ""
        return text if fate is Fate.DONE and _verb(action) not in REPEATS_HARM else ""

    def _fate(self, action: Action) -> tuple[Fate, str]:
        """Return what the container's state tells, and the sentence for DONE."""
        verb, target, podman = _verb(action), _target(action, "container"), self._podman_of(action)
        try:
            found = podman.inspect(target.id)
        except NotFound:
            return (Fate.DONE, _said(action)) if verb is Verb.REMOVE else (Fate.UNKNOWN, "")
        same_run = found.started == pins.started_of(target.pin)
        text = _said(action)
        if verb in (Verb.STOP, Verb.KILL) and not same_run and found.container.state not in OVER:
            text = f"The run of {target.name} that was to be {PAST[verb]} has ended; it was started anew since."
        return _fate_of(verb, found, same_run=same_run), text


def _fate_of(verb: Verb, found: Inspected, *, same_run: bool) -> Fate:
    state = found.container.state
    runs = state in RUNS and state is not ContainerState.STOPPING
    match verb:
        case Verb.RESTART:
            return Fate.DONE if runs and not same_run else Fate.NOT_DONE if runs else Fate.UNKNOWN
        case Verb.STOP | Verb.KILL:
            return Fate.DONE if state in OVER or not same_run else Fate.NOT_DONE if runs else Fate.UNKNOWN
        case Verb.START:
            return Fate.DONE if runs else Fate.NOT_DONE
        case Verb.PAUSE:
            return Fate.DONE if state is ContainerState.PAUSED else Fate.NOT_DONE
        case Verb.UNPAUSE:
            return Fate.DONE if state is ContainerState.RUNNING else Fate.NOT_DONE
        case Verb.REMOVE:
            return Fate.UNKNOWN if state is ContainerState.REMOVING else Fate.NOT_DONE
    return Fate.UNKNOWN


def _verb(action: Action) -> Verb:
    return Verb(action.kind.partition(".")[2])


def _target(action: Action, kind: str) -> Target:
    if len(action.targets) != 1 or action.targets[0].type != kind or not action.targets[0].id:
        raise BadInput(f"A {action.kind} needs exactly one {kind}.")
    return action.targets[0]


def _said(action: Action) -> str:
    return f"Container {action.targets[0].name} is {PAST[_verb(action)]}."
