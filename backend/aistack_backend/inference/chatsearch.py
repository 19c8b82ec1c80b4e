"""Words looked for in the titles and texts of chats, alike on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from aistack_backend.errors import BadInput
from aistack_backend.inference import chatrows
from aistack_backend.store.tables import chat_message, chat_session
from aistack_backend.wire.chat import Session

LONGEST = 200
"""Characters of what is looked for."""
MOST = 50
"""Chats that are returned, those used last."""
LINE = 160
"""Characters of the line that is shown."""


def search(connection: Connection, text: str) -> tuple[Session, ...]:
    """Return the chats whose title, or one of whose messages, has every word of ``text``; capitals do not matter.

    Raises:
        BadInput: no word, or far too many.
    """
    words = text.split()
    if not words or len(text) > LONGEST or "\0" in text:
        raise BadInput(f"What is looked for needs 1 to {LONGEST} visible characters.")
    in_text = and_(*(_holds(chat_message.c.text, word) for word in words))
    in_title = and_(*(_holds(chat_session.c.title, word) for word in words))
    said = exists(select(chat_message.c.id).where(chat_message.c.session_id == chat_session.c.id, in_text))
    newest = (chat_session.c.updated_at.desc(), chat_session.c.id.desc())
    rows = connection.execute(chatrows.heads().where(or_(in_title, said)).order_by(*newest).limit(MOST)).all()
    return tuple(chatrows.session(row, _line(connection, row.id, in_text, words) or row.title) for row in rows)


def _holds(column: ColumnElement[str], word: str) -> ColumnElement[bool]:
    forms = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
    return or_(*(column.icontains(form, autoescape=True) for form in sorted(forms)))  # SQLite folds ASCII only


def _line(connection: Connection, session_id: int, in_text: ColumnElement[bool], words: list[str]) -> str:
    """Return the line of the newest message that has all the words; "" when only the title has them."""
    mine = select(chat_message.c.text).where(chat_message.c.session_id == session_id, in_text)
    text = connection.execute(mine.order_by(chat_message.c.id.desc()).limit(1)).scalar()
    if text is None:
        return ""
    folded = [word.lower() for word in words]
    line = max(text.splitlines(), key=lambda one: sum(word in one.lower() for word in folded))
    begin = min((at for word in folded if (at := line.lower().find(word)) >= 0), default=0)
    first = max(0, begin - LINE // 4) if len(line) > LINE else 0
    cut = line[first : first + LINE].strip()
    return f"{'…' if first else ''}{cut}{'…' if first + LINE < len(line) else ''}"
