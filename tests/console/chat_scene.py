"""What the pictures of the chat show: an answer on one of two branches, with its sources and its proposal."""

from __future__ import annotations

from tests.console import scenes
from tests.console.stage import NOW, Stage

from aistack_backend.wire.chat import OWN, Cite, Message, Persona, PersonaList, Role, Session, SessionList, Transcript


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
        siblings=(2, 3), cites=cites, route="local", task_id=42, interaction_id=9, verdict="good",
    )  # fmt: skip
    one.answers |= {
        "GET /v1/chats": SessionList(sessions=(session,)),
        "GET /v1/chats/1": Transcript(
            session=session,
            messages=(Message(id=1, role=Role.USER, text="Why is @service hybrid down?", at=NOW - 210), answer),
        ),
        "GET /v1/personas": PersonaList(
            personas=(
                Persona(name="usual", system="Answer in a few plain sentences."),
                Persona(name="terse", system="Answer in one sentence."),
                Persona(name="critic", system="Look for what is wrong with what was said, and say it first.", own=True),
            )
        ),
    }


def asking(one: Stage) -> None:
    """What was measured, and under it what the model made of it; three sessions to search in."""
    chatting(one)
    found = "is redis up? it said Ready to accept connections"
    sessions = (
        Session(id=1, title="is redis up?", created_at=NOW - 300, updated_at=NOW - 200, messages=2, found=found),
        Session(id=2, title="night of the disk", created_at=NOW - 90_000, updated_at=NOW - 86_000, messages=9),
        Session(id=3, title="why is hybrid down", created_at=NOW - 99_000, updated_at=NOW - 98_000, messages=4),
    )
    text = (
        "redis is OK. Since 09:12 at every look. [1]\n\n    present: pass.\n    running: pass.\n    listening: pass."
        f"\n\n{OWN}\n\nThe answer: no. To be sure:\n\n```python\nimport socket\n\n"
        "def up(port: int = 6379) -> bool:  # asks, and waits a second\n"
        '    return socket.create_connection(("127.0.0.1", port), 1)\n```'
    )
    cite = Cite(number=1, what="ladder of redis", at=NOW - 12, text="redis is OK.\npresent: pass.", told=True)
    answer = Message(
        id=2, role=Role.ASSISTANT, text=text, at=NOW - 10, tokens=61, tokens_per_second=40.2, first_token_after=0.4,
        parent_id=1, siblings=(2,), cites=(cite,), route="local", model="smollm2-135m-instruct",
    )  # fmt: skip
    asked = Message(id=1, role=Role.USER, text="is redis up?", at=NOW - 12, siblings=(1,))
    one.answers |= {
        "GET /v1/chats": SessionList(sessions=sessions),
        "GET /v1/chats/1": Transcript(session=sessions[0], messages=(asked, answer)),
    }
