"""Chat sessions and their messages in the store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.store.database import Database
from aistack_backend.store.tables import chat_message, chat_session
from aistack_backend.wire.chat import Finish, Message, Role, Session, SessionList, Transcript

TITLE_WORDS, TITLE_LENGTH = 8, 60


class Chats:
    """Every call is one short transaction; call it from a thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def sessions(self) -> SessionList:
        """Return all sessions, last used first."""
        count = (
            select(func.count())
            .select_from(chat_message)
            .where(chat_message.c.session_id == chat_session.c.id)
            .scalar_subquery()
        )
        wanted = select(chat_session, count.label("messages")).order_by(
            chat_session.c.updated_at.desc(), chat_session.c.id.desc()
        )
        with self._database.read() as connection:
            return SessionList(sessions=tuple(_session(row, row.messages) for row in connection.execute(wanted)))

    def transcript(self, session_id: int) -> Transcript:
        """Return a session with its messages, oldest first.

        Raises:
            NotFound: there is no such session.
        """
        with self._database.read() as connection:
            head = connection.execute(select(chat_session).where(chat_session.c.id == session_id)).first()
            if head is None:
                raise NotFound(f"There is no chat {session_id}.")
            of_session = select(chat_message).where(chat_message.c.session_id == session_id)
            rows = connection.execute(of_session.order_by(chat_message.c.id)).all()
        return Transcript(session=_session(head, len(rows)), messages=tuple(_message(row) for row in rows))

    def begin(self, session_id: int, text: str) -> int:
        """Store what a person says; with session 0 begin a new session. Return the session's id.

        Raises:
            NotFound: there is no such session.
        """
        now = self._clock.now()
        with self._database.tx() as connection:
            if session_id == 0:
                made = connection.execute(
                    insert(chat_session).values(title=title(text), created_at=now, updated_at=now)
                )
                session_id = int(made.inserted_primary_key[0])  # type: ignore[index]  # one row was inserted
            else:
                touched = connection.execute(
                    update(chat_session).where(chat_session.c.id == session_id).values(updated_at=now)
                )
                if not touched.rowcount:
                    raise NotFound(f"There is no chat {session_id}.")
            connection.execute(
                insert(chat_message).values(session_id=session_id, role=Role.USER.value, text=text, at=now, model="")
            )
        return session_id

    def open_answer(self, session_id: int, model: str) -> int:
        """Store the beginning of an answer; return the message's id."""
        with self._database.tx() as connection:
            made = connection.execute(
                insert(chat_message).values(
                    session_id=session_id, role=Role.ASSISTANT.value, text="", at=self._clock.now(), model=model
                )
            )
            return int(made.inserted_primary_key[0])  # type: ignore[index]  # one row was inserted

    def close_answer(self, message_id: int, **values: Any) -> None:
        """Store how an answer ended: ``text``, ``finish``, ``tokens``, ``tokens_per_second``, ``first_token_after``."""
        with self._database.tx() as connection:
            connection.execute(update(chat_message).where(chat_message.c.id == message_id).values(**values))

    def rename(self, session_id: int, new: str) -> Session:
        """Give a session another title.

        Raises:
            BadInput: the title is empty.
            NotFound: there is no such session.
        """
        clean = " ".join(new.split())[:TITLE_LENGTH]
        if not clean:
            raise BadInput("A chat's title needs at least one visible character.")
        with self._database.tx() as connection:
            connection.execute(update(chat_session).where(chat_session.c.id == session_id).values(title=clean))
        return self.transcript(session_id).session

    def delete(self, session_id: int) -> None:
        """Remove a session with its messages.

        Raises:
            NotFound: there is no such session.
        """
        with self._database.tx() as connection:
            connection.execute(delete(chat_message).where(chat_message.c.session_id == session_id))
            if not connection.execute(delete(chat_session).where(chat_session.c.id == session_id)).rowcount:
                raise NotFound(f"There is no chat {session_id}.")

    def end_interrupted(self) -> int:
        """Mark answers that a stopped backend left open; return how many."""
        with self._database.tx() as connection:
            open_ones = (chat_message.c.role == Role.ASSISTANT.value) & chat_message.c.finish.is_(None)
            ended = connection.execute(update(chat_message).where(open_ones).values(finish=Finish.ERROR.value))
            return int(ended.rowcount)


def title(text: str) -> str:
    """Make a title of the first words of what was said."""
    words = " ".join(text.split()[:TITLE_WORDS])
    return words if len(words) <= TITLE_LENGTH else words[: TITLE_LENGTH - 1] + "…"


def _session(row: Row[Any], messages: int) -> Session:
    return Session(id=row.id, title=row.title, created_at=row.created_at, updated_at=row.updated_at, messages=messages)


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        role=Role(row.role),
        text=row.text,
        at=row.at,
        finish=Finish(row.finish) if row.finish else None,
        tokens=row.tokens,
        tokens_per_second=row.tokens_per_second,
        first_token_after=row.first_token_after,
        model=row.model,
    )
