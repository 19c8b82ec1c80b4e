"""A chat as a text to keep: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict

from aistack_backend.wire.chat import Cite, Message, Role, Transcript
from aistack_console.present.talk import origin
from aistack_console.present.units import many, stamp

FORMATS = ("md", "json")


def exported(transcript: Transcript, form: str) -> str:
    """Return a chat in one of :data:`FORMATS`, without a newline at its end."""
    if form == "json":
        return json.dumps(asdict(transcript), indent=2, ensure_ascii=False)
    return "\n".join(_markdown(transcript)).rstrip("\n")


def _markdown(transcript: Transcript) -> Iterator[str]:
    session = transcript.session
    yield f"# {' '.join(session.title.split()) or f'Session {session.id}'}"
    yield ""
    facts = [f"session {session.id}", f"begun {stamp(session.created_at)}", many(len(transcript.messages), "message")]
    yield ", ".join([*facts, f"persona {session.persona}"] if session.persona else facts)
    for one in transcript.messages:
        yield from _message(one)


def _message(one: Message) -> Iterator[str]:
    yield ""
    who = {Role.USER: "you", Role.ASSISTANT: _who(one)}.get(one.role, one.role.value)
    yield f"## {who}, {stamp(one.at)}"
    yield ""
    yield one.text
    told = [one.finish.value if one.finish and one.finish.value != "stop" else "", one.route]
    told += [many(one.tokens, "token") if one.tokens is not None else ""]
    told += [f"{one.tokens_per_second:.1f} tok/s" if one.tokens_per_second is not None else ""]
    told += [f"proposed task {one.task_id}" if one.task_id is not None else ""]
    if any(told):
        yield ""
        yield f"*{', '.join(filter(None, told))}*"
    for cite in one.cites:
        yield from _cite(cite)


def _who(answer: Message) -> str:
    own = answer.model or "model"
    return f"{origin(answer)}, then {own}" if any(cite.told for cite in answer.cites) else own


def _cite(cite: Cite) -> Iterator[str]:
    yield ""
    yield f"[{cite.number}] {' '.join(cite.what.split())}, read {stamp(cite.at)}"
    if cite.text:
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", cite.text)), default=0))
        yield from (f"{fence}text", cite.text, fence)
