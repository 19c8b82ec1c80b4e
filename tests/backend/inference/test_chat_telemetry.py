"""Each finished answer of a chat is an interaction; deleting the chat takes its words out of telemetry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.backend.inference.conftest import Service
from tests.backend.inference.test_talk import say

from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import SystemClock
from aistack_backend.learning import lessons
from aistack_backend.learning.chatted import Chatted
from aistack_backend.learning.models import Verdict
from aistack_backend.learning.telemetry import Telemetry
from aistack_backend.store.database import Database
from aistack_backend.store.telemetry_tables import telemetry
from aistack_backend.wire.chat import Finish, SayRequest


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    held = Database(f"sqlite:///{tmp_path / 'a.db'}")
    yield held
    held.close()


@pytest.fixture
def kept(memory: Service, database: Database) -> Telemetry:
    held = Telemetry(database, SystemClock(), Redactor(b"k" * 32, ("hunter2-hunter2",)))
    memory.talk.notes = Chatted(held, lambda _: "lookup")
    return held


async def test_an_answer_is_written_down_without_its_secrets(memory: Service, kept: Telemetry) -> None:
    chunks = await say(memory, "is hunter2-hunter2 a good password", max_tokens=4)
    (one,) = kept.find()
    held = one.interaction
    assert (held.source, held.event, held.session, held.subject) == (
        "chat", "answered", f"chat:{chunks[0].session_id}", f"message:{chunks[-1].message_id}",
    )  # fmt: skip
    assert "hunter2" not in held.query
    assert held.answer
    assert (held.route, held.task_class, held.ok, held.consent) == ("local", "lookup", True, False)
    assert held.model
    assert held.latency is not None
    assert (held.tokens_in is not None, held.tokens_out) == (True, chunks[-1].tokens)
    assert (one.verdict, held.confidence, held.cost) == (None, None, None)


async def test_a_cancelled_answer_is_none(memory: Service, kept: Telemetry) -> None:
    async for chunk in memory.talk.say(SayRequest(text="one two three")):
        if chunk.tokens == 2:
            await memory.talk.cancel(chunk.session_id)
    assert chunk.finish is Finish.CANCELLED
    assert kept.find() == []


async def test_a_judged_answer_teaches_like_a_routed_one_where_its_question_stands_alone(
    memory: Service, kept: Telemetry, database: Database
) -> None:
    session = (await say(memory, "Which port does Qdrant use?", max_tokens=4))[0].session_id
    await say(memory, "and then?", session, max_tokens=4)
    notes = memory.talk.notes
    assert isinstance(notes, Chatted)
    first, second = sorted(one.interaction for one in notes.of(session).values())
    for number in (first, second):
        kept.judge(number, Verdict.GOOD, "operator:ann")
    assert {one.verdict for one in notes.of(session).values()} == {"good"}
    with database.read() as connection:
        found = {one.told.id: one.first for one in lessons.judged(connection)}
    assert found == {first: True, second: False}


async def test_deleting_a_chat_takes_its_words_and_leaves_what_was_measured(
    memory: Service, kept: Telemetry, database: Database
) -> None:
    other = (await say(memory, "a blue fox", max_tokens=4))[0].session_id
    session = (await say(memory, "nine red foxes", max_tokens=4))[0].session_id
    number = kept.find()[0].id
    kept.judge(number, Verdict.CORRECTED, "operator:ann", "ten foxes")
    memory.talk.delete(session)
    with database.read() as connection:
        row = connection.execute(select(telemetry).where(telemetry.c.id == number)).one()
        assert [one.told.id for one in lessons.judged(connection)] == []
    words = (row.query, row.answer, row.reason, row.detail, row.correction, row.sources)
    assert words == ("", "", "", "", "", "[]")
    assert (row.verdict, row.judged_by, row.tokens_out, row.session) == (
        "corrected", "operator:ann", 4, f"chat:{session}",
    )  # fmt: skip
    assert [one.interaction.query for one in kept.find(telemetry.c.session == f"chat:{other}")] == ["a blue fox"]
