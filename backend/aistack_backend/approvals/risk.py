"""The risk floor: rules on the structured action, before it runs. What they cannot judge is high (R1.10)."""

from __future__ import annotations

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.judgement import Judgement, worst
from aistack_backend.approvals.shell import judge_script
from aistack_backend.wire.actions import Risk

KINDS: dict[str, tuple[Risk, str]] = {
    "container.start": (Risk.LOW, "starts a container that exists"),
    "container.pause": (Risk.LOW, "freezes a container; unpause undoes it"),
    "container.unpause": (Risk.LOW, "lets a frozen container go on"),
    "container.stop": (Risk.MEDIUM, "interrupts what the container serves"),
    "container.restart": (Risk.MEDIUM, "interrupts what the container serves"),
    "container.kill": (Risk.HIGH, "ends the container without letting it save its state"),
    "container.remove": (Risk.HIGH, "deletes the container and what it wrote outside volumes"),
    "volume.remove": (Risk.DESTRUCTIVE, "deletes the volume's data for good"),
}
"""Kinds whose risk does not depend on their contents."""
SHELL = "shell.run"
_SHELLS = frozenset({"sh", "/bin/sh", "/usr/bin/sh", "bash", "/bin/bash", "/usr/bin/bash"})
_ENV_HARMLESS = frozenset({"LANG", "LC_ALL", "TZ", "TERM", "HOME", "USER", "NO_COLOR", "COLUMNS", "LINES"})


def judge(action: Action, *, managed: bool) -> Judgement:
    """Return the risk of an action and the rules that set it, most serious first; never raises."""
    try:
        return _judge(action, managed)
    except Exception as error:  # a rule that fails must not open the gate
        return Judgement(Risk.HIGH, (f"the rules could not judge it ({type(error).__name__}): high",))


def _judge(action: Action, managed: bool) -> Judgement:
    if action.kind == SHELL:
        return worst([_command(action), *_surroundings(action)])
    known = KINDS.get(action.kind)
    if known is None:
        return Judgement(Risk.HIGH, (f"no rule knows the kind {action.kind!r}: high",))
    found = [Judgement(known[0], (f"{action.kind}: {known[1]}",))]
    if not action.targets:
        found.append(Judgement(Risk.HIGH, ("no target is named: high",)))
    if not managed:
        why = "the object does not carry the label io.aistack.managed: at least high"
        found.append(Judgement(Risk.HIGH, (why,)))
    if action.script or action.mounts or action.env:
        found.append(Judgement(Risk.HIGH, ("it carries a script, mounts or variables that this kind never has: high",)))
    return worst(found)


def _command(action: Action) -> Judgement:
    """Judge the script; the argv may be absent, or the plain shell that runs exactly this script."""
    argv = action.argv
    if argv:
        wrapper = len(argv) == 3 and argv[0] in _SHELLS and argv[1] == "-c" and argv[2] == action.script
        if not wrapper:
            return Judgement(Risk.HIGH, ("the command is not a plain shell with the shown script: high",))
    return judge_script(action.script)


def _surroundings(action: Action) -> list[Judgement]:
    found: list[Judgement] = []
    if action.network not in ("", "none"):
        found.append(Judgement(Risk.HIGH, (f"it has a network ({action.network}): high",)))
    if action.mounts:
        found.append(Judgement(Risk.HIGH, ("it can see mounted files of the host: high",)))
    if odd := sorted(name for name, _ in action.env if name not in _ENV_HARMLESS):
        found.append(Judgement(Risk.HIGH, (f"it sets variables that can change what runs ({odd[0]}): high",)))
    return found
