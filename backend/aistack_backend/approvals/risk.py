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
    "stack.up": (Risk.MEDIUM, "creates, replaces or starts the containers of the plan; data volumes stay"),
    "stack.recreate": (Risk.MEDIUM, "stops the containers of the plan and makes them anew; data volumes stay"),
    "stack.update": (Risk.MEDIUM, "replaces a container by one of a newer image, and goes back when it fails"),
    "stack.down": (Risk.HIGH, "stops and removes the containers of the plan; data volumes stay"),
    "stack.rollback": (Risk.HIGH, "puts earlier images and settings in the place of the present ones"),
    "stack.backup": (Risk.LOW, "reads the data of the stack into a new folder"),
    "stack.restore": (Risk.DESTRUCTIVE, "puts the data of a backup in the place of the present data"),
    "backup.verify": (Risk.LOW, "restores into throw-away containers and removes them"),
    "certificate.renew": (
        Risk.MEDIUM,
        "interrupts the proxy; the old certificate comes back unless the new one is seen",
    ),
    "loop.run": (Risk.HIGH, "lets an agent run programs in a sandbox, pass after pass, on a private copy of a folder"),
    "http.fetch": (Risk.HIGH, "sends a request to a machine outside, which learns the whole URL"),
    "knowledge.import": (Risk.HIGH, "reads a place, mostly outside, into what is searched; that place learns of it"),
    "nixos.import": (Risk.HIGH, "sends a request to a machine outside; what comes replaces what the index has"),
    "workspace.remove": (Risk.HIGH, "deletes what agents left in their folders, and with it the patches"),
    "federation.fetch": (Risk.HIGH, "sends a request to a machine outside, which learns the whole URL"),
    "model.train": (Risk.MEDIUM, "keeps a processor busy and writes an adapter that no model uses by that"),
    "service.hold": (Risk.LOW, "keeps self-heal and updates off a service"),
    "service.release": (Risk.LOW, "lets self-heal and updates act on a service again"),
    "network.remove": (Risk.MEDIUM, "deletes a network that no container is in"),
    "image.remove": (Risk.HIGH, "deletes images; what nobody can pull or build again is gone"),
    "volume.remove": (Risk.DESTRUCTIVE, "deletes the volume's data for good"),
}
"""Kinds whose risk does not depend on their contents."""
PLANNED = frozenset(kind for kind in KINDS if kind.startswith(("stack.", "backup.", "knowledge.", "nixos.", "model.")))
"""Kinds whose script is the plan or the request, shown to the person: it is compared, never run."""
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
    if away := [value for name, value in action.limits if name.endswith(" asked at")]:
        found.append(Judgement(Risk.HIGH, (f"what it reads of the folder can go to {away[0]}: high",)))
    if not action.targets:
        found.append(Judgement(Risk.HIGH, ("no target is named: high",)))
    if not managed:
        why = "the object does not carry the label io.aistack.managed: at least high"
        found.append(Judgement(Risk.HIGH, (why,)))
    if action.kind != "loop.run" and ((action.script and action.kind not in PLANNED) or action.mounts or action.env):
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
