"""The tools that act on containers and volumes, always on a full id, always on what was pinned."""

from __future__ import annotations

from collections.abc import Callable

from aistack_backend.approvals.action import Action
from aistack_backend.containers import pins
from aistack_backend.containers.aside import to_the_end
from aistack_backend.containers.models import Inspected
from aistack_backend.containers.parse import RUNS
from aistack_backend.containers.port import Podman
from aistack_backend.containers.prepare import CONTAINER_KINDS, VOLUME_REMOVE
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput, NotFound
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

    def __init__(self, podman: Podman, nudge: Callable[[str], None] = lambda _: None) -> None:
        """``nudge`` is told the id after each effect (``Watcher.nudge``): hosts without an events file see it
        at once too."""
        self._podman = podman
        self._nudge = nudge

    def nature(self, action: Action) -> Nature:
        """Restart and kill are effects; the others only lead to an end state."""
        return Nature.EFFECT if _verb(action) in REPEATS_HARM else Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """Inspect, and compare with the pin: same run, same configuration, same image."""
        target = _target(action, "container")
        try:
            return pins.changed(target.pin, pins.container_pin(self._podman.inspect(target.id)), target.name)
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
            self._do(verb, target.id, action)
        except BackendError as error:
            if text := self._reached(action):
                return Outcome(ok=True, text=f"{text} It was so already.")
            return Outcome(ok=False, text=error.detail)
        finally:
            self._nudge(target.id)
        return Outcome(ok=True, text=_said(action))

    def _do(self, verb: Verb, ident: str, action: Action) -> None:
        if verb in (Verb.STOP, Verb.RESTART):
            grace = self._podman.inspect(ident).stop_timeout
            (self._podman.stop if verb is Verb.STOP else self._podman.restart)(ident, grace)
        elif verb is Verb.REMOVE:
            self._podman.remove(ident, force="--force" in action.argv)
        else:
            calls: dict[Verb, Callable[[str], None]] = {
                Verb.START: self._podman.start,
                Verb.KILL: self._podman.kill,
                Verb.PAUSE: self._podman.pause,
                Verb.UNPAUSE: self._podman.unpause,
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
        verb, target = _verb(action), _target(action, "container")
        try:
            found = self._podman.inspect(target.id)
        except NotFound:
            return (Fate.DONE, _said(action)) if verb is Verb.REMOVE else (Fate.UNKNOWN, "")
        same_run = found.started == pins.started_of(target.pin)
        text = _said(action)
        if verb in (Verb.STOP, Verb.KILL) and not same_run and found.container.state not in OVER:
            text = f"The run of {target.name} that was to be {PAST[verb]} has ended; it was started anew since."
        return _fate_of(verb, found, same_run=same_run), text


class VolumeTool:
    """Runs ``volume.remove``, never forced."""

    kinds = frozenset({VOLUME_REMOVE})

    def __init__(self, podman: Podman) -> None:
        self._podman = podman

    def nature(self, action: Action) -> Nature:
        """Gone is gone; a later volume of the same name has another pin."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """The same volume, and nobody uses it."""
        target = _target(action, "volume")
        try:
            now = pins.volume_pin(self._podman.volume(target.id))
            users = self._podman.volume_users(target.id)
        except NotFound:
            return f"Volume {target.name} was removed since this was approved."
        except BackendError as error:
            return error.detail
        if users:
            return f"Volume {target.name} is used by {users[0].name} now."
        return "" if now == target.pin else f"Volume {target.name} was made anew since this was approved."

    async def run(self, key: str, action: Action) -> Outcome:
        """Remove it."""
        return await to_the_end(lambda: self._run(action))

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Look whether it is still there."""
        target = _target(action, "volume")
        try:
            same = pins.volume_pin(self._podman.volume(target.id)) == target.pin
        except NotFound:
            return Fate.DONE, Outcome(ok=True, text=f"Volume {target.name} is removed.")
        except BackendError:
            return Fate.UNKNOWN, None
        return (Fate.NOT_DONE if same else Fate.DONE), None

    def _run(self, action: Action) -> Outcome:
        target = _target(action, "volume")
        fate, outcome = self.probe("", action)
        if fate is Fate.DONE and outcome is not None:
            return outcome
        if why := self.recheck(action):
            return Outcome(ok=False, text=f"Nothing was done: {why}")
        try:
            self._podman.remove_volume(target.id)
        except BackendError as error:
            return Outcome(ok=False, text=error.detail)
        return Outcome(ok=True, text=f"Volume {target.name} is removed.")


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
