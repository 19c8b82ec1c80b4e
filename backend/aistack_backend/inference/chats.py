"""Chat sessions, their branches and their messages in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, update

from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.inference import branches, chatrows, chatsearch
from aistack_backend.inference.personas import USUAL
from aistack_backend.store.chat_tables import chat_link, chat_thread
from aistack_backend.store.database import Database
from aistack_backend.store.tables import chat_message, chat_session
from aistack_backend.wire.chat import Cite, Finish, Message, Role, SayRequest, Session, SessionList, Transcript

TITLE_WORDS, TITLE_LENGTH = 8, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A person's message that is to be answered."""

    session_id: int
    message_id: int
    persona: str = ""
    branch: tuple[Message, ...] = ()
    """The messages up to this one, this one included."""


class Chats:
    """Every call is one short transaction; call it from a thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def sessions(self, search: str = "") -> SessionList:
        """Return all sessions, last used first; with ``search`` those that have its words (see ``chatsearch``).

        Raises:
            BadInput: far too much is looked for.
        """
        with self._database.read() as connection:
            if search:
                return SessionList(sessions=chatsearch.search(connection, search))
            wanted = chatrows.heads().order_by(chat_session.c.updated_at.desc(), chat_session.c.id.desc())
            return SessionList(sessions=tuple(chatrows.session(row) for row in connection.execute(wanted)))

    def transcript(self, session_id: int, through: int | None = None) -> Transcript:
        """Return a session with one branch, oldest first: that which was used last, or the newest that goes ``through``
        a message.

        Raises:
            NotFound: there is no such session, or no such message in it.
        """
        with self._database.read() as connection:
            head = chatrows.head(connection, session_id)
            parent_of = chatrows.family(connection, session_id)
            if through is not None and through not in parent_of:
                raise NotFound(f"There is no message {through} in chat {session_id}.")
            start = through if through is not None else head.leaf_id or 0
            line = branches.path(parent_of, branches.leaf(parent_of, start))
            return Transcript(session=chatrows.session(head), messages=chatrows.messages(connection, parent_of, line))

    def begin(self, request: SayRequest, cites: Sequence[Cite] = ()) -> Said:
        """Store what a person says, with what is attached; with session 0 begin a session. With ``again`` only
        find it: an answer stands for the message that it answers.

        Raises:
            NotFound: there is no such session, or no such message in it.
            BadInput: what is to be answered again is no person's message.
        """
        now = self._clock.now()
        with self._database.tx() as connection:
            session = request.session_id or self._new(connection, request.text, now)
            head = chatrows.head(connection, session)
            persona = request.persona or head.persona or ""
            if request.persona:
                chatrows.keep(connection, session, persona="" if persona == USUAL else persona)
            connection.execute(update(chat_session).where(chat_session.c.id == session).values(updated_at=now))
            after = _place(connection, head.leaf_id or 0, session, request.after)
            if not request.again:
                kept = chatrows.packed(cites)
                after = chatrows.add(connection, session, after, Role.USER, kept, text=request.text, at=now, model="")
            parent_of = chatrows.family(connection, session)
            branch = chatrows.messages(connection, parent_of, branches.path(parent_of, after))
            if request.again and branch and branch[-1].role is Role.ASSISTANT:
                branch = branch[:-1]
            if not branch or branch[-1].role is not Role.USER:
                raise BadInput("There is no message of a person here that could be answered again.")
        return Said(session_id=session, message_id=branch[-1].id, persona=persona, branch=branch)

    def _new(self, connection: Connection, text: str, now: float) -> int:
        values = {"title": title(text), "created_at": now, "updated_at": now}
        return int(connection.execute(insert(chat_session).values(**values).returning(chat_session.c.id)).scalar_one())

    def open_answer(self, session_id: int, parent_id: int, model: str) -> int:
        """Store the beginning of an answer to ``parent_id``; return the message's id."""
        with self._database.tx() as connection:
            now = self._clock.now()
            return chatrows.add(connection, session_id, parent_id, Role.ASSISTANT, text="", at=now, model=model)

    def close_answer(
        self, message_id: int, *, route: str = "", task_id: int | None = None, cites: Sequence[Cite] = (), **values: Any
    ) -> None:
        """Store how an answer ended: ``text``, ``finish``, ``model``, ``tokens``, ``tokens_per_second``,
        ``first_token_after``; what it read, who wrote it, and the task that it proposed."""
        link = {"route": route, "task_id": task_id, "cites": chatrows.packed(cites)}
        with self._database.tx() as connection:
            connection.execute(update(chat_message).where(chat_message.c.id == message_id).values(**values))
            connection.execute(update(chat_link).where(chat_link.c.message_id == message_id).values(**link))

    def change(self, session_id: int, new_title: str | None = None, persona: str | None = None) -> Session:
        """Give a session another title or persona; what is None stays.

        Raises:
            BadInput: the title is empty.
            NotFound: there is no such session.
        """
        clean = " ".join((new_title or "").split())[:TITLE_LENGTH]
        if new_title is not None and not clean:
            raise BadInput("A chat's title needs at least one visible character.")
        with self._database.tx() as connection:
            chatrows.head(connection, session_id)
            if new_title is not None:
                connection.execute(update(chat_session).where(chat_session.c.id == session_id).values(title=clean))
            if persona is not None:
                chatrows.keep(connection, session_id, persona=persona)
            return chatrows.session(chatrows.head(connection, session_id))

    def delete(self, session_id: int) -> None:
        """Remove a session with its messages.

        Raises:
            NotFound: there is no such session.
        """
        with self._database.tx() as connection:
            for table in (chat_link, chat_thread, chat_message):
                connection.execute(delete(table).where(table.c.session_id == session_id))
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


def _place(connection: Connection, used_last: int, session: int, after: int | None) -> int:
    """Return the message that is followed: ``after`` where it is given, else the end of the branch used last.

    Raises:
        NotFound: there is no such message in the session.
    """
    if after == 0:
        return 0
    parent_of = chatrows.family(connection, session)
    if after is None:
        return branches.leaf(parent_of, used_last)
    if after not in parent_of:
        raise NotFound(f"There is no message {after} in chat {session}.")
    return after
