"""Chats, their branches and the search in them: one contract on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert
from tests.bed.postgres import emptied

from aistack_backend.clock import HandClock
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.inference import branches
from aistack_backend.inference.chats import Chats, Said
from aistack_backend.store.database import Database
from aistack_backend.store.tables import chat_message, chat_session
from aistack_backend.wire.chat import Cite, Finish, Role, SayRequest


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give an empty database."""
    made = f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else ""
    opened = Database(made or emptied(request.getfixturevalue("postgres"), "queue"))
    yield opened
    opened.close()


@pytest.fixture
def chats(database: Database) -> Chats:
    return Chats(database, HandClock())


def turn(chats: Chats, text: str, answer: str = "yes", session: int = 0, after: int | None = None) -> tuple[Said, int]:
    """Say something and answer it; return what was said and the answer's id."""
    said = chats.begin(SayRequest(session_id=session, text=text, after=after))
    made = chats.open_answer(said.session_id, said.message_id, "m")
    chats.close_answer(made, text=answer, finish=Finish.STOP.value, route="local")
    return said, made


def texts(chats: Chats, session: int, through: int | None = None) -> list[str]:
    return [message.text for message in chats.transcript(session, through).messages]


def test_a_message_edited_is_a_branch_beside_the_old_one(chats: Chats) -> None:
    first, answered = turn(chats, "one", "1")
    session = first.session_id
    old, _ = turn(chats, "two", "2", session)
    new, _ = turn(chats, "zwei", "II", session, after=answered)
    assert texts(chats, session) == ["one", "1", "zwei", "II"]
    assert chats.transcript(session).messages[2].siblings == (old.message_id, new.message_id)
    assert texts(chats, session, old.message_id) == ["one", "1", "two", "2"]
    assert [message.text for message in new.branch] == ["one", "1", "zwei"]
    turn(chats, "back", "b", session, after=chats.transcript(session, old.message_id).messages[-1].id)
    assert texts(chats, session) == ["one", "1", "two", "2", "back", "b"]
    assert texts(chats, session, new.message_id) == ["one", "1", "zwei", "II"]


def test_the_chat_begins_anew_beside_its_old_beginning(chats: Chats) -> None:
    first, _ = turn(chats, "one")
    again, _ = turn(chats, "eins", session=first.session_id, after=0)
    assert texts(chats, first.session_id) == ["eins", "yes"]
    assert chats.transcript(first.session_id).messages[0].siblings == (first.message_id, again.message_id)
    assert chats.sessions().sessions[0].messages == 4


def test_an_answer_once_more_is_its_sibling(chats: Chats) -> None:
    first, answered = turn(chats, "one", "1")
    for after in (first.message_id, answered, None):
        said = chats.begin(SayRequest(session_id=first.session_id, text="", after=after, again=True))
        assert (said.message_id, [one.text for one in said.branch]) == (first.message_id, ["one"])
    made = chats.open_answer(first.session_id, first.message_id, "m")
    chats.close_answer(made, text="uno", finish=Finish.STOP.value)
    assert texts(chats, first.session_id) == ["one", "uno"]
    assert chats.transcript(first.session_id).messages[-1].siblings == (answered, made)


def test_what_was_read_is_kept_with_the_message(chats: Chats) -> None:
    read = (Cite(number=1, what="logs of web", at=1.5, text="a\nb ☃"),)
    said = chats.begin(SayRequest(text="look"), read)
    made = chats.open_answer(said.session_id, said.message_id, "m")
    chats.close_answer(made, text="[1]", finish=Finish.STOP.value, route="rules", task_id=7, cites=read)
    asked, answered = chats.transcript(said.session_id).messages
    assert asked.cites == answered.cites == read
    assert (answered.route, answered.task_id, asked.route, asked.task_id) == ("rules", 7, "", None)


def test_what_does_not_exist_is_said_and_nothing_is_stored(chats: Chats) -> None:
    other, _ = turn(chats, "other")
    first, _ = turn(chats, "one")
    for request in (
        SayRequest(session_id=99, text="x"),
        SayRequest(text="x", after=first.message_id),
        SayRequest(session_id=first.session_id, text="x", after=other.message_id),
        SayRequest(session_id=first.session_id, text="x", after=-1),
        SayRequest(session_id=first.session_id, text="", after=99, again=True),
    ):
        with pytest.raises(NotFound):
            chats.begin(request)
    with pytest.raises(BadInput, match="answered again"):
        chats.begin(SayRequest(session_id=first.session_id, text="", after=0, again=True))
    for through in (99, other.message_id):
        with pytest.raises(NotFound):
            chats.transcript(first.session_id, through)
    assert [session.messages for session in chats.sessions().sessions] == [2, 2]


def test_a_session_changes_and_goes(chats: Chats) -> None:
    first, _ = turn(chats, "one")
    session = first.session_id
    assert chats.change(session, "  new \n title ").title == "new title"
    assert chats.change(session, persona="coder").persona == "coder"
    assert chats.change(session, persona="").persona == ""
    chats.begin(SayRequest(session_id=session, text="x", persona="critic"))
    assert chats.transcript(session).session.persona == "critic"
    assert chats.sessions().sessions[0].title == "new title"
    with pytest.raises(BadInput, match="visible"):
        chats.change(session, " \n ")
    chats.delete(session)
    for gone in (chats.transcript, chats.delete, chats.change):
        with pytest.raises(NotFound):
            gone(session)


def test_a_chat_of_an_older_version_is_one_line_and_goes_on(database: Database, chats: Chats) -> None:
    with database.tx() as connection:
        row = insert(chat_session).values(title="old", created_at=1.0, updated_at=1.0)
        session = int(connection.execute(row.returning(chat_session.c.id)).scalar_one())
        for role, text in ((Role.USER, "a"), (Role.ASSISTANT, "b"), (Role.USER, "c")):
            values = {"session_id": session, "role": role.value, "text": text, "at": 1.0, "model": ""}
            connection.execute(insert(chat_message).values(**values))
    kept = chats.transcript(session)
    assert [message.text for message in kept.messages] == ["a", "b", "c"]
    assert [message.parent_id for message in kept.messages] == [0, kept.messages[0].id, kept.messages[1].id]
    turn(chats, "d", "e", session)
    assert texts(chats, session) == ["a", "b", "c", "d", "e"]
    turn(chats, "B?", "b2", session, after=kept.messages[0].id)
    assert texts(chats, session) == ["a", "B?", "b2"]
    with database.tx() as connection:  # the older version once more, on a chat that has branches
        values = {"session_id": session, "role": "user", "text": "late", "at": 2.0, "model": ""}
        connection.execute(insert(chat_message).values(**values))
    assert texts(chats, session) == ["a", "B?", "b2", "late"]
    chats.delete(session)


def test_words_are_found_in_titles_and_texts(chats: Chats) -> None:
    fox, _ = turn(chats, "the nine foxes", "They live\n" + "x " * 200 + "in the Größe of 100% _woods_ " + "y " * 200)
    dog, _ = turn(chats, "dogs")
    chats.change(dog.session_id, "Kennel")
    for words, session, line in (
        ("NINE foxes", fox.session_id, "the nine foxes"),
        ("foxes nine", fox.session_id, "the nine foxes"),
        ("kennel", dog.session_id, "Kennel"),
        ("DOGS", dog.session_id, "dogs"),
    ):
        (found,) = chats.sessions(words).sessions
        assert (found.id, found.found) == (session, line)
    (found,) = chats.sessions("GRÖSSE".replace("SS", "ß")).sessions
    assert "in the Größe of 100% _woods_" in found.found
    assert found.found[0] == found.found[-1] == "…"
    assert len(found.found) <= 162
    assert chats.sessions("100% _woods_").sessions[0].id == fox.session_id
    assert chats.sessions("1000 %").sessions == chats.sessions("nine dogs").sessions == ()
    assert [one.id for one in chats.sessions("s").sessions] == [dog.session_id, fox.session_id]
    for bad in (" \n ", "x" * 201, "a\0b"):
        with pytest.raises(BadInput, match="looked for"):
            chats.sessions(bad)


@given(st.lists(st.integers(0, 30), max_size=30))
def test_every_message_is_on_the_branch_that_goes_through_it(shape: list[int]) -> None:
    """Whatever was branched off where, each message is reached, and a branch begins at the beginning."""
    stored = [(number, None if parent > number else parent % number) for number, parent in enumerate(shape, 1)]
    parent_of = branches.parents(stored)
    for message in parent_of:
        end = branches.leaf(parent_of, message)
        line = branches.path(parent_of, end)
        assert message in line
        assert end not in parent_of.values()
        assert parent_of[line[0]] == 0
        assert list(line) == sorted(line)
    assert branches.leaf({}, 0) == 0
    assert sorted(one for beside in branches.siblings(parent_of).values() for one in beside) == sorted(parent_of)
