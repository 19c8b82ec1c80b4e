"""What a loop was asked, as text in the action record: read strictly, written canonically."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import PurePosixPath

import msgspec

from aistack_backend.containers.workspace.copy import inside
from aistack_backend.errors import BadInput
from aistack_backend.orchestration.loop import endpoint
from aistack_backend.wire.loops import AgentKind, LoopLimits, LoopRequest

LONGEST = 4_000
"""Characters of a goal, a proof or a command."""
FILES = 100
NAME = 200
"""Characters of a model's name."""
ANY = "local"
"""Names the local model that is loaded when the loop is asked for."""
WITH_MODEL = frozenset({AgentKind.LOCAL, AgentKind.OPENAI, AgentKind.AIDER})
"""Agents that cannot work without a model."""
WITHOUT_MODEL = frozenset({AgentKind.RULES, AgentKind.HTTP})
MOST = LoopLimits(
    passes=200,
    seconds=7 * 86_400,
    pass_seconds=3_600,
    proof_seconds=3_600,
    unchanged=100,
    same_error=100,
    repeats=100,
    megabytes=2_048,
    tokens=50_000_000,
    cost=100_000,
)
"""The highest limits that a person can give."""


def canonical(request: LoopRequest) -> str:
    """Return the request as canonical JSON: sorted keys, no blanks."""
    return json.dumps(msgspec.to_builtins(request), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def read(script: str) -> LoopRequest:
    """Read a request back, and hold it against the bounds.

    Raises:
        BadInput: it is no request, or something in it cannot be; one sentence.
    """
    try:
        request = msgspec.json.decode(script.encode(), type=LoopRequest)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise BadInput(f"The loop that is asked for cannot be read: {error}.") from error
    _words(request)
    _bounded(request.limits)
    for path in (*request.checks, *request.files):
        inside(path)
    if len(request.files) > FILES or any(path.startswith("-") or "\n" in path for path in request.files):
        raise BadInput(f"More than {FILES} files are named, or one that begins with '-'.", "Name fewer, or ./-NAME.")
    return request


def _words(request: LoopRequest) -> None:
    for name in ("goal", "proof"):
        if not str(getattr(request, name)).strip():
            raise BadInput(f"The loop has no {name}.", "Name what is wanted, and the command that proves it.")
    for name in ("goal", "proof", "command"):
        text = str(getattr(request, name))
        if len(text) > LONGEST or "\0" in text:
            raise BadInput(f"The loop's {name} is longer than {LONGEST} characters or holds a NUL.", "Shorten it.")
    if request.agent is AgentKind.UNKNOWN:
        known = ", ".join(one.value for one in AgentKind if one is not AgentKind.UNKNOWN)
        raise BadInput("There is no such agent.", f"Use one of {known}.")
    if (request.agent is AgentKind.COMMAND) != bool(request.command.strip()):
        raise BadInput("A command belongs to the agent 'command', and to no other.", "Name the agent and its command.")
    _model(request)
    if not PurePosixPath(request.source).is_absolute() or "\0" in request.source:
        raise BadInput(f"{request.source!r} is no absolute path.", "Name the folder from / on.")


def _model(request: LoopRequest) -> None:
    if not all(32 < ord(one) < 127 for one in request.model) or len(request.model) > NAME:
        raise BadInput(f"{request.model[:NAME]!r} names no model.", "aistack-console model list names them.")
    if request.agent in WITHOUT_MODEL and request.model:
        raise BadInput(f"The agent {request.agent.value!r} takes no model.", "Name another agent, or no model.")
    if request.agent in WITH_MODEL and not request.model:
        raise BadInput(f"The agent {request.agent.value!r} needs a model.", f"Name one, or {ANY!r} for the loaded one.")
    _endpoint(request)


def _endpoint(request: LoopRequest) -> None:
    if not request.endpoint and request.agent in (AgentKind.OPENAI, AgentKind.HTTP):
        raise BadInput(f"The agent {request.agent.value!r} needs an endpoint.", "Give its URL.")
    if request.endpoint and request.agent in (AgentKind.LOCAL, AgentKind.RULES):
        raise BadInput(f"The agent {request.agent.value!r} has no endpoint.", "Name another agent, or no endpoint.")
    if not request.endpoint:
        if request.key_file or request.price:
            raise BadInput("A key and a price belong to an endpoint, and none is named.", "Name the endpoint.")
        return
    endpoint.check(request.endpoint, keyed=bool(request.key_file))
    if request.key_file and (not PurePosixPath(request.key_file).is_absolute() or len(request.key_file) > LONGEST):
        raise BadInput(f"{request.key_file[:NAME]!r} is no absolute path.", "Name the key's file from / on.")
    if request.agent is AgentKind.HTTP:
        if request.price:
            raise BadInput("What an agent behind HTTP costs cannot be counted here.", "Name no price.")
        return
    if not request.model:
        raise BadInput("An endpoint is named, and no model of it.", "Name the model.")
    if not request.price:
        raise BadInput("What the endpoint's tokens cost is not named.", "Give the price; 0/0 = they cost nothing.")
    endpoint.price(request.price)


def _bounded(limits: LoopLimits) -> None:
    for one in fields(LoopLimits):
        value, most = getattr(limits, one.name), getattr(MOST, one.name)
        if not 1 <= value <= most:
            raise BadInput(f"The limit {one.name} is {value}.", f"Give 1 to {most}.")
