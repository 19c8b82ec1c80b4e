"""The model as a planner: a schema of what exists, a short prompt, and no trust in the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from aistack_backend.errors import BadInput
from aistack_backend.inference.grammar import check
from aistack_backend.inference.models import Turn
from aistack_backend.orchestration.models import Proposal
from aistack_backend.orchestration.names import candidates, image_word
from aistack_backend.orchestration.port import Choose
from aistack_backend.orchestration.rules import command_of, meanings
from aistack_backend.wire.chat import Role
from aistack_backend.wire.containers import Container

SHOWN = 60
"""Containers offered to the model; those that the goal mentions come first."""
TOKENS = 160
NOBODY = "none"
"""The target of an action that has none."""
SYSTEM = (
    "You choose one action for an operator of containers. Answer with JSON only: the kind of action, its target, "
    "a shell script only for shell.run, and one short reason. The containers are: {containers}."
)
EXAMPLES = (
    ("restart the mailbox container", "container.restart", "mailbox", "", "The operator asked to restart it."),
    ("please stop ledger", "container.stop", "ledger", "", "The operator asked to stop it."),
)
"""Worked answers. Their containers are made up: a small model repeats the names of examples."""


def schema(kinds: Sequence[str], names: Sequence[str]) -> str:
    """Return the JSON schema of one choice, built from what can be run and what exists now."""
    properties: dict[str, dict[str, object]] = {
        "kind": {"type": "string", "enum": list(kinds)},
        "target": {"type": "string", "enum": [*names, NOBODY]},
    }
    if "shell.run" in kinds:
        properties["script"] = {"type": "string", "maxLength": 200}
    properties["reason"] = {"type": "string", "maxLength": 120}
    return json.dumps({"type": "object", "properties": properties, "required": list(properties)})


def prompt(goal: str, kinds: Sequence[str], containers: Sequence[Container]) -> tuple[Turn, ...]:
    """Return the system prompt with what exists, worked examples of kinds that can be run, and the goal."""
    listed = ", ".join(f"{container.name} ({image_word(container)})" for container in containers)
    turns = [Turn(role=Role.SYSTEM, text=SYSTEM.format(containers=listed or "none"))]
    for text, kind, target, script, reason in EXAMPLES:
        if kind not in kinds:
            continue
        answer = {"kind": kind, "target": target, "script": script, "reason": reason}
        if "shell.run" not in kinds:
            del answer["script"]
        turns.append(Turn(role=Role.USER, text=text))
        turns.append(Turn(role=Role.ASSISTANT, text=json.dumps(answer, separators=(",", ":"))))
    return (*turns, Turn(role=Role.USER, text=goal))


async def propose(goal: str, kinds: Sequence[str], containers: Sequence[Container], model: Choose) -> Proposal:
    """Ask the model for one action and hold its answer against the schema and the words of the goal.

    Volumes are not offered to the model: nothing that is destroyed for good is chosen by it; nor are other machines'
    containers, whose plain names may mean two.

    Raises:
        BadInput: the answer is outside the schema or does not fit the goal; says what was chosen.
        Unavailable: no model can answer.
    """
    containers = [container for container in containers if not container.host]
    offered = tuple(kind for kind in kinds if not kind.startswith(("volume.", "http.")))
    shown = _mentioned_first(goal, containers)[:SHOWN]
    wanted = schema(offered, [container.name for container in shown])
    answer = check(wanted, await model.choose(prompt(goal, offered, shown), wanted, TOKENS))
    by_name = {container.name: container for container in containers}
    chosen = by_name.get(answer["target"])
    script = answer.get("script", "").strip()
    if why := _implausible(goal, answer["kind"], chosen, script, containers):
        target = f" {chosen.name}" if chosen else ""
        raise BadInput(f"The model chose {answer['kind']}{target}, and {why}.")
    return Proposal(
        kind=answer["kind"],
        target=chosen.id if chosen and answer["kind"] != "shell.run" else "",
        script=script if answer["kind"] == "shell.run" else "",
        says=answer["reason"],
        planner=f"model {model.status().model}",
    )


def _implausible(goal: str, kind: str, chosen: Container | None, script: str, containers: Sequence[Container]) -> str:
    """Say why a choice does not fit the words of the goal; "" when it may."""
    room, _, verb = kind.partition(".")
    asked = meanings(goal)
    if room == "shell":
        if not script:
            return "gave no command"
        if (given := command_of(goal)) and script != given:
            return f"changed the command that the goal gives into {script!r}"
        return f"the goal asks to {' or '.join(sorted(asked))}" if asked else ""
    if chosen is None:
        return "named no container"
    if asked and verb not in asked:
        return f"the goal asks to {' or '.join(sorted(asked))}"
    mentioned = mentions(goal, containers)
    if not mentioned:
        return "the goal names no container that exists"
    if chosen.name not in mentioned:
        return f"the goal speaks of {', '.join(sorted(mentioned))}"
    return ""


def mentions(goal: str, containers: Sequence[Container]) -> set[str]:
    """Return the names of the containers that the words of ``goal`` can mean."""
    found: set[str] = set()
    for word in re.findall(r"[\w.-]+", goal):
        for reading in candidates(word.rstrip("."), containers):
            if reading:
                found.update(container.name for container in reading)
                break
    return found


def _mentioned_first(goal: str, containers: Sequence[Container]) -> list[Container]:
    mentioned = mentions(goal, containers)
    return sorted(containers, key=lambda container: (container.name not in mentioned, container.name))
