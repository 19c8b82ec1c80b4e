"""What the pictures of the chat show: an answer on one of two branches, with its sources and its proposal."""

from __future__ import annotations

from tests.console import scenes
from tests.console.stage import NOW, Stage

from aistack_backend.wire.chat import Cite, Message, Persona, PersonaList, Role, Session, SessionList, Transcript


def chatting(one: Stage) -> None:
    """An answer of which there are two, with code, what was read for it, and a proposal that waits."""
    scenes.normal(one)
    session = Session(
        id=1, title="why is hybrid down", created_at=NOW - 300, updated_at=NOW - 200, messages=3, persona="terse"
    )
    text = (
        "It runs, but nothing listens on 8092 [1]. Look:\n\n```sh\npodman logs hybrid\n```\n\n- `config.yaml` wins [2]"
    )
    cites = (
        Cite(number=1, what="ladder of hybrid", at=NOW - 210, text="present OK\nrunning OK\nlistening NO"),
        Cite(number=2, what="logs of hybrid", at=NOW - 205, text="bind port 8000"),
    )
    answer = Message(
        id=3, role=Role.ASSISTANT, text=text, at=NOW - 200, tokens=61, tokens_per_second=40.2, parent_id=1,
        siblings=(2, 3), cites=cites, route="local", task_id=42,
    )  # fmt: skip
    one.answers |= {
        "GET /v1/chats": SessionList(sessions=(session,)),
        "GET /v1/chats/1": Transcript(
            session=session,
            messages=(Message(id=1, role=Role.USER, text="Why is @service hybrid down?", at=NOW - 210), answer),
        ),
        "GET /v1/personas": PersonaList(personas=(Persona(name="usual", system="Answer."),)),
    }
