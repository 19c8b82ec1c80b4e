"""Chats as rows and as what the operator reads of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from aistack_backend.errors import NotFound
from aistack_backend.inference import branches
from aistack_backend.store.chat_tables import chat_link, chat_thread
from aistack_backend.store.tables import chat_message, chat_session
from aistack_backend.wire.chat import Cite, Finish, Message, Role, Session


def heads() -> Select[Any]:
    """Select sessions with ``messages``, ``persona`` and ``leaf_id``."""
    of_session = chat_message.c.session_id == chat_session.c.id
    count = select(func.count()).select_from(chat_message).where(of_session).scalar_subquery()
    joined = chat_session.outerjoin(chat_thread, chat_thread.c.session_id == chat_session.c.id)
    columns = (chat_session, count.label("messages"), chat_thread.c.persona, chat_thread.c.leaf_id)
    return select(*columns).select_from(joined)


def head(connection: Connection, session_id: int) -> Row[Any]:
    """Return one row of ``heads``.

    Raises:
        NotFound: there is no such session.
    """
    found = connection.execute(heads().where(chat_session.c.id == session_id)).first()
    if found is None:
        raise NotFound(f"There is no chat {session_id}.")
    return found


def family(connection: Connection, session_id: int) -> dict[int, int]:
    """Return the parent of each message of a session, in the order of the ids."""
    joined = chat_message.outerjoin(chat_link, chat_link.c.message_id == chat_message.c.id)
    wanted = select(chat_message.c.id, chat_link.c.parent_id).select_from(joined)
    mine = wanted.where(chat_message.c.session_id == session_id).order_by(chat_message.c.id)
    return branches.parents((row.id, row.parent_id) for row in connection.execute(mine))


def messages(connection: Connection, parent_of: Mapping[int, int], line: Sequence[int]) -> tuple[Message, ...]:
    """Return the messages of one branch."""
    if not line:
        return ()
    joined = chat_message.outerjoin(chat_link, chat_link.c.message_id == chat_message.c.id)
    columns = (chat_message, chat_link.c.route, chat_link.c.task_id, chat_link.c.cites)
    within = chat_message.c.id.between(min(line), max(line))  # a list of ids would have a limit
    mine = select(*columns).select_from(joined).where(within)
    rows = {row.id: row for row in connection.execute(mine)}
    beside = branches.siblings(parent_of)
    return tuple(_message(rows[one], parent_of[one], beside[parent_of[one]]) for one in line)


def session(row: Row[Any], found: str = "") -> Session:
    """Return a row of ``heads`` as the console reads it."""
    return Session(
        id=row.id,
        title=row.title,
        created_at=row.created_at,
        updated_at=row.updated_at,
        messages=row.messages,
        persona=row.persona or "",
        found=found,
    )


def add(connection: Connection, session_id: int, parent_id: int, role: Role, cites: str = "", **values: Any) -> int:
    """Store a message that follows ``parent_id``, and make it the end of the branch used last; return its id."""
    row = insert(chat_message).values(session_id=session_id, role=role.value, **values).returning(chat_message.c.id)
    made = int(connection.execute(row).scalar_one())
    link = {"message_id": made, "session_id": session_id, "parent_id": parent_id, "cites": cites}
    connection.execute(insert(chat_link).values(**link))
    keep(connection, session_id, leaf_id=made)
    return made


def keep(connection: Connection, session_id: int, **values: Any) -> None:
    """Store the ``leaf_id`` or the ``persona`` of a session."""
    mine = chat_thread.c.session_id == session_id
    if not connection.execute(update(chat_thread).where(mine).values(**values)).rowcount:
        row = {"leaf_id": 0, "persona": "", **values}
        connection.execute(insert(chat_thread).values(session_id=session_id, **row))


def packed(cites: Sequence[Cite]) -> str:
    """Return what was read as text to store."""
    return json.dumps([asdict(cite) for cite in cites], ensure_ascii=True) if cites else ""


def _message(row: Row[Any], parent_id: int, siblings: tuple[int, ...]) -> Message:
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
        parent_id=parent_id,
        siblings=siblings,
        cites=tuple(Cite(**cite) for cite in json.loads(row.cites)) if row.cites else (),
        route=row.route or "",
        task_id=row.task_id,
    )
