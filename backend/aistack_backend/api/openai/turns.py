"""The conversation of a request, as the model is told it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aistack_backend.api.openai.asked import Content, Message, ToolCall
from aistack_backend.api.openai.errors import Wrong
from aistack_backend.inference.models import Turn
from aistack_backend.inference.prompt import FENCE
from aistack_backend.wire.chat import Role


def turns_of(messages: Sequence[Message], calling: bool = False) -> tuple[Turn, ...]:
    """Return the conversation. With ``calling`` the model's own earlier words have the form that it is held to now.

    Raises:
        Wrong: a message has no text, or what is no text, or tells a tool's answer to no call before it.
    """
    called: dict[str, str] = {}
    made = []
    for number, one in enumerate(messages):
        at = f"messages.{number}"
        if one.role == "tool":
            made.append(_result(one, called, at))
        elif one.role == "assistant":
            called |= {call.id: call.function.name for call in one.tool_calls or ()}
            made.append(_answer(one, calling, at))
        else:
            made.append(Turn(role=Role.USER if one.role == "user" else Role.SYSTEM, text=text_of(one, at)))
    return tuple(made)


def text_of(message: Message, at: str) -> str:
    """Return a message's text, its parts put together.

    Raises:
        Wrong: there is none, or a part is no text.
    """
    if message.content is None:
        raise Wrong(f"{at}.content", f"{at}.content is missing.", "Give the message's text.")
    if isinstance(message.content, str):
        return message.content
    return "".join(_part(one, f"{at}.content.{number}") for number, one in enumerate(message.content))


def _part(part: Content, at: str) -> str:
    if part.type not in ("text", "refusal"):
        raise Wrong(f"{at}.type", f"{at} is of type {part.type[:40]!r}; this model reads text only.", "Send text.")
    return part.text


def _answer(message: Message, calling: bool, at: str) -> Turn:
    """The model's turn: what it said, then what it called, each as it is held to write it."""
    said = text_of(message, at) if message.content is not None or not message.tool_calls else ""
    if said and calling:
        said = json.dumps({"answer": said}, ensure_ascii=False)
    calls = [_written(call, f"{at}.tool_calls.{number}") for number, call in enumerate(message.tool_calls or ())]
    return Turn(role=Role.ASSISTANT, text="\n".join(one for one in (said, *calls) if one))


def _written(call: ToolCall, at: str) -> str:
    try:
        args = json.loads(call.function.arguments or "{}")
    except (ValueError, RecursionError) as error:
        where = f"{at}.function.arguments"
        raise Wrong(where, f"{where} is no JSON.", "Send it back as it was given.") from error
    return json.dumps({"tool": call.function.name, "args": args}, ensure_ascii=False)


def _result(message: Message, called: dict[str, str], at: str) -> Turn:
    """A tool's answer: data, every line of it behind the fence."""
    if message.tool_call_id not in called:
        where = f"{at}.tool_call_id"
        raise Wrong(where, f"{where} names no call of an answer before it.", "Send the answer with the call too.")
    lines = "\n".join(f"{FENCE}{line}" for line in text_of(message, at).splitlines())
    return Turn(role=Role.USER, text=f"The tool {called[message.tool_call_id]} gave:\n{lines}")
