"""The tools of a request: how the model is told of them, and the schema that its answer is held to.

A model that is only asked writes calls into its prose (``facts/inference.md`` §2), so each answer is held to one JSON
object: ``{"answer": …}``, where it may answer in words, or ``{"tool": NAME, "args": …}`` with that tool's own schema.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aistack_backend.api.openai.asked import ChatAsked, Choice, Function, Tool
from aistack_backend.api.openai.errors import Wrong
from aistack_backend.errors import BadInput
from aistack_backend.inference import grammar
from aistack_backend.inference.models import Turn
from aistack_backend.wire.chat import Role

ANSWER, TOOL, ARGS = "answer", "tool", "args"
WORDS = {"type": "string"}
LOOSE = {"type": "object"}
"""Any JSON object: the arguments of a tool whose schema cannot be kept and need not be."""
CALL = f'{{"{TOOL}": NAME, "{ARGS}": {{…}}}} calls a tool'
MUST = f"Write one JSON object and nothing else: {CALL}."
MAY = (
    f"Write one JSON object and nothing else: {CALL}, "
    f'{{"{ANSWER}": …}} answers without one. Once a tool has given what you need, answer.'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a model may write where there are tools."""

    schema: str
    told: str
    """What the model is told of it."""
    loose: tuple[str, ...]
    """Schemas of arguments that are not kept, as fields of the request."""


def offer_of(asked: ChatAsked, answer: dict[str, Any] | None) -> Offer | None:
    """Return what the request offers, ``answer`` being the schema of an answer in words (None = text); None = no tool.

    Raises:
        Wrong: two tools have one name, none has the chosen one, or a schema that must be kept cannot be.
    """
    tools = asked.tools or []
    choice = asked.tool_choice or ("auto" if tools else "none")
    if choice == "none" or (choice == "auto" and not tools):
        return None
    functions = _chosen(tools, choice)
    forms, definitions, loose = [], dict[str, Any](), []
    if choice == "auto":
        forms.append(_object({ANSWER: _apart(answer or WORDS, "a", definitions)}))
    for number, one in functions:
        schema, kept = _arguments(one, number)
        if not kept:
            loose.append(f"tools.{number}.function.parameters")
        forms.append(_object({TOOL: {"const": one.name}, ARGS: _apart(schema, f"t{number}", definitions)}))
    held = (forms[0] if len(forms) == 1 else {"anyOf": forms}) | ({"$defs": definitions} if definitions else {})
    told = _told([tool.function for tool in tools], MAY if choice == "auto" else MUST)
    return Offer(schema=checked(held, "tools"), told=told, loose=tuple(loose))


def with_offer(turns: tuple[Turn, ...], offer: Offer) -> tuple[Turn, ...]:
    """Return the conversation with what the model is told of its tools: first, so that it stays computed."""
    if turns[0].role is Role.SYSTEM:
        return (replace(turns[0], text=f"{turns[0].text}\n\n{offer.told}"), *turns[1:])
    return (Turn(role=Role.SYSTEM, text=offer.told), *turns)


def checked(schema: dict[str, Any], param: str) -> str:
    """Return the schema as text, once it is known that an answer can be held to it.

    Raises:
        Wrong: it cannot be; says why, and names ``param``.
    """
    try:
        text = json.dumps(schema)
        grammar.compile_schema(text)
    except BadInput as error:
        raise Wrong(param, f"{param}: {error.detail}", error.hint, kind="invalid-schema") from error
    except RecursionError as error:
        raise Wrong(param, f"{param} is nested too deeply.", kind="invalid-schema") from error
    return text


def _chosen(tools: Sequence[Tool], choice: str | Choice) -> list[tuple[int, Function]]:
    every = [(number, tool.function) for number, tool in enumerate(tools)]
    names = [one.name for _, one in every]
    if not every:
        raise Wrong("tool_choice", "tool_choice asks for a tool, and tools has none.", "Give the tools.")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Wrong("tools", f"tools has {twice!r} twice.", "Give each tool a name of its own.")
    if isinstance(choice, str):
        return every
    if choice.function.name not in names:
        what = f"tool_choice names {choice.function.name[:64]!r}, which is not among the tools."
        raise Wrong("tool_choice", what, f"Name one of {', '.join(names)[:400]}.")
    return [one for one in every if one[1].name == choice.function.name]


def _arguments(function: Function, number: int) -> tuple[dict[str, Any], bool]:
    """Return the schema of a function's arguments, and whether it is the one that was given."""
    given, param = function.parameters or {}, f"tools.{number}.function.parameters"
    if given.get("type", "object") != "object":
        raise Wrong(param, f"{param}.type must be object.", "A function's arguments are one object.")
    schema = {"type": "object", **given}
    if not schema.get("properties"):
        schema = {"additionalProperties": False, **schema}  # it takes none, unless it says otherwise
    try:
        checked(schema, param)
    except Wrong:
        if function.strict:
            raise
        return LOOSE, False
    return schema, True


def _apart(schema: dict[str, Any], prefix: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema as a part of a bigger one, its own definitions moved into ``definitions``."""

    def moved(value: Any) -> Any:
        if isinstance(value, list):
            return [moved(one) for one in value]
        if not isinstance(value, dict):
            return value
        made = {key: moved(one) for key, one in value.items() if key not in ("$defs", "definitions")}
        if isinstance(name := made.get("$ref"), str):
            made["$ref"] = f"#/$defs/{prefix}-{name.rpartition('/')[2]}"
        return made

    for key in ("$defs", "definitions"):
        for name, one in (schema.get(key) or {}).items():
            definitions[f"{prefix}-{name}"] = moved(one)
    found: dict[str, Any] = moved(schema)
    return found


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _told(functions: Sequence[Function], how: str) -> str:
    lines = [f"- {one.name}: {one.description} Arguments: {json.dumps(one.parameters or {})}" for one in functions]
    return "\n".join(("You have these tools:", *lines, how))
