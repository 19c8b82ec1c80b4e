"""``chats``: the chat sessions, a search in them, one in full, or one as a file."""

from __future__ import annotations

from pathlib import Path

from aistack_backend.wire.chat import SessionList, Transcript
from aistack_console.client.api import Client
from aistack_console.errors import ClientError
from aistack_console.present.exported import exported
from aistack_console.present.talk import session_name
from aistack_console.present.units import many
from aistack_console.saving import save_as
from aistack_console.text import plain
from aistack_console.verbs.context import Context, VerbError, ago, columns
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """List, search, show or export; USAGE when a number or the words are missing."""
    chosen = context.arguments
    if chosen.what in {"show", "export"}:
        return _one(context, _number(chosen.rest), export=chosen.what == "export")
    words = " ".join(chosen.rest)
    if chosen.what == "search" and not words.strip():
        raise VerbError(Exit.USAGE, "Say the words to search for.", "For example: chats search disk full")
    if chosen.what == "list" and chosen.rest:
        raise VerbError(Exit.USAGE, f"chats list takes no words, and got {words!r}.", "To search: chats search WORDS")

    async def job(client: Client) -> SessionList:
        if words:
            await _can_search(client)
        return await client.chats(words)

    found = context.with_backend(job)
    context.show(found, lambda: _table(found, bool(words)))
    return Exit.OK


async def _can_search(client: Client) -> None:
    """Refuse to call everything found: a backend without personas lists all, whatever is searched for."""
    try:
        await client.personas()
    except ClientError as error:
        raise VerbError(Exit.FAILED, "This backend is older and cannot search in chats.", "Restart it.") from error


def _number(rest: list[str]) -> int:
    if len(rest) != 1 or not rest[0].isdecimal():
        raise VerbError(Exit.USAGE, "Say the number of one chat.", "aistack-console chats lists them.")
    return int(rest[0])


def _one(context: Context, number: int, *, export: bool) -> Exit:
    chosen = context.arguments

    async def job(client: Client) -> Transcript:
        return await client.chat(number)

    found = context.with_backend(job)
    if not export:
        context.show(found, lambda: plain(exported(found, "md"), "drop"))
        return Exit.OK
    text = exported(found, chosen.format)
    if chosen.output:
        print(f"{many(len(found.messages), 'message')} saved to {save_as(Path(chosen.output), text)}.")
    else:
        print(plain(text, "drop"))
    return Exit.OK


def _table(found: SessionList, searched: bool) -> str:
    titles = ["ID", "TITLE", "MESSAGES", "LAST", *(["FOUND"] if searched else [])]
    rows = (
        [
            str(one.id),
            session_name(one),
            str(one.messages),
            f"{ago(one.updated_at)} ago",
            *([one.found] if searched else []),
        ]
        for one in found.sessions
    )
    return columns(titles, rows)
