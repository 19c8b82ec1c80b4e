"""Branches on the screen: edit, once more, from one to the other; cites that open; search, rename and commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.console.shell import Shell
from tests.console.stage import NOW, Stage, stage, until
from tests.console.test_chat_screen import READY, piece
from textual.pilot import Pilot

from aistack_backend.wire.chat import (
    Cite,
    Finish,
    Message,
    Persona,
    PersonaList,
    Role,
    Session,
    SessionList,
    Transcript,
)
from aistack_backend.wire.events import Topic
from aistack_console.screens.chat import ChatScreen
from aistack_console.widgets.prompt import Prompt
from aistack_console.widgets.reader import Reader

SESSION = Session(id=3, title="ops", created_at=NOW, updated_at=NOW, messages=4)
CITE = Cite(number=1, what="logs of web", at=NOW - 12, text="cannot bind port 8091")
ASKED = Message(id=1, role=Role.USER, text="first question", at=NOW, siblings=(1, 3))
SAID = Message(
    id=2, role=Role.ASSISTANT, text="said [1]", at=NOW, parent_id=1, siblings=(2,), cites=(CITE,), route="local"
)


@pytest.fixture(autouse=True)
def _own_history(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@asynccontextmanager
async def chat() -> AsyncIterator[tuple[Stage, Shell, Pilot[int]]]:
    async with stage() as on:
        on.topics[Topic.MODEL] = READY
        on.answers |= {
            "GET /v1/chats": SessionList(sessions=(SESSION,)),
            "GET /v1/chats/3": Transcript(session=SESSION, messages=(ASKED, SAID)),
            "GET /v1/personas": PersonaList(
                personas=(Persona(name="usual", system="Answer."), Persona(name="terse", system="Be short."))
            ),
            "PATCH /v1/chats/3": SESSION,
        }
        app = Shell(on, ChatScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: "said [1]" in app.text)
            yield on, app, pilot


def body(on: Stage, asked: str) -> dict[str, Any]:
    return [found for one, found in on.asked if one == asked][-1]


def asked(on: Stage, call: str) -> int:
    return sum(one == call for one, _ in on.asked)


async def test_an_edited_message_goes_out_as_a_branch() -> None:
    async with chat() as (on, app, pilot):
        assert "1/2" in app.text
        await pilot.press("escape", "e")
        await until(lambda: app.screen.query_one(Prompt).text == "first question")
        assert "as a branch" in app.text
        await pilot.press("x", "enter")
        await until(lambda: asked(on, "POST /v1/chat") == 1)
        assert (body(on, "POST /v1/chat")["after"], body(on, "POST /v1/chat")["text"]) == (0, "first questionx")
        await until(lambda: "said [1]" not in app.text)


async def test_an_answer_is_asked_for_once_more() -> None:
    async with chat() as (on, app, pilot):
        await pilot.press("escape", "r")
        await until(lambda: asked(on, "POST /v1/chat") == 1)
        sent = body(on, "POST /v1/chat")
        assert (sent["after"], sent["again"], sent["text"]) == (1, True, "")
        on.chat.put_nowait(piece("other words", finish=Finish.STOP))
        on.chat.put_nowait(None)
        await until(lambda: "other words" in app.text)


async def test_from_one_branch_to_the_other() -> None:
    async with chat() as (on, _, pilot):
        await pilot.press("escape", "k", "k", "l")
        await until(lambda: body(on, "GET /v1/chats/3") == {"leaf": ["3"]})


async def test_what_was_read_is_shown_and_opens() -> None:
    async with chat() as (_, app, pilot):
        await until(lambda: "[1] logs of web · 12s ago" in app.text)
        await pilot.press("escape", "c")
        await until(lambda: isinstance(app.screen, Reader) and "cannot bind port 8091" in app.text)


async def test_sessions_are_searched_and_renamed() -> None:
    async with chat() as (on, app, pilot):
        await pilot.press("escape", "slash", *"disk", "enter")
        await until(lambda: {"search": ["disk"]} in [found for one, found in on.asked if one == "GET /v1/chats"])
        await until(lambda: "Found 1 with 'disk'" in app.text)
        await pilot.press("escape")
        await until(lambda: "Sessions 1" in app.text)
        await pilot.press("escape", "escape", "R", "2", "enter")
        await until(lambda: asked(on, "PATCH /v1/chats/3") == 1)
        assert body(on, "PATCH /v1/chats/3")["title"] == "ops2"


async def test_tab_with_nothing_to_complete_leaves_one_in_the_prompt() -> None:
    async with chat() as (_, app, pilot):
        await until(lambda: "enter send" in app.text and "^t ask" in app.text)
        await pilot.press(*"hi", "tab", *"aX")
        assert app.screen.query_one(Prompt).text == "hiaX"
        await pilot.press("escape")
        await until(lambda: "i write" in app.text and "enter send" not in app.text)


async def test_commands_and_what_is_offered_while_typing() -> None:
    async with chat() as (on, app, pilot):
        await pilot.press("slash", "p")
        await until(lambda: "/persona" in app.text)
        await pilot.press("tab", *"te", "tab", "enter")
        await until(lambda: asked(on, "PATCH /v1/chats/3") == 1)
        assert body(on, "PATCH /v1/chats/3")["persona"] == "terse"
        await pilot.press("slash", *"ask", "enter")
        await until(lambda: "ASKS THE STACK" in app.text)
        await pilot.press(*"why", "space", "at", *"task", "space", *"41", "enter")
        await until(lambda: asked(on, "POST /v1/chat") == 1)
        sent = body(on, "POST /v1/chat")
        assert (sent["ask"], sent["attach"], sent["after"]) == (True, ["task 41"], 2)


async def test_a_file_that_cannot_go_brings_the_message_back() -> None:
    async with chat() as (on, app, pilot):
        app.screen.query_one(Prompt).write("see @file /nowhere/x ")
        await pilot.press("enter")
        await until(lambda: any("cannot be attached" in said for said in app.said))
        await until(lambda: "see @file" in app.screen.query_one(Prompt).text)
        assert asked(on, "POST /v1/chat") == 0


async def test_place_and_looking_are_shown_while_one_waits() -> None:
    async with chat() as (on, app, pilot):
        await pilot.press(*"hi", "enter")
        on.chat.put_nowait(piece("", ahead=2))
        await until(lambda: "2 requests are served before this one" in app.text)
        on.chat.put_nowait(piece("", looking="ladder of redis"))
        await until(lambda: "looking at ladder of redis" in app.text)
        on.chat.put_nowait(None)
        await until(lambda: "The answer broke off." in app.text)


async def test_an_export_says_where_it_lies() -> None:
    async with chat() as (on, app, pilot):
        await pilot.press("escape", "s")
        await until(lambda: any("2 messages saved to" in said for said in app.said))
        files = await asyncio.to_thread(lambda: list((on.data / "saved").iterdir()))
        assert "first question" in await asyncio.to_thread(files[0].read_text)


async def test_an_older_backend_is_not_asked_for_what_it_cannot_do() -> None:
    async with stage() as on:
        on.topics[Topic.MODEL] = READY
        app = Shell(on, ChatScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: app.store.model is not None)
            await pilot.press("escape", "a")
            await until(lambda: any("older" in said for said in app.said))
            assert "ASKS THE STACK" not in app.text
            await pilot.press("i", *"see", "space", "at", *"task", "space", "4", "enter")
            await until(lambda: any("would not read" in said for said in app.said))
            assert asked(on, "POST /v1/chat") == 0
