"""Chat: talk to the local model; a goal said here goes to the approval queue like any agent's wish."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.worker import Worker

from aistack_backend.wire.actions import GoalRequest
from aistack_backend.wire.chat import Chunk, Message, Role, SayRequest, SessionList
from aistack_backend.wire.events import Topic
from aistack_backend.wire.tasks import Task
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import chat as words
from aistack_console.present import empty
from aistack_console.present.para import Para, para
from aistack_console.screens.base import BaseScreen
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.note import Note
from aistack_console.widgets.prompt import Prompt
from aistack_console.widgets.question import Question
from aistack_console.widgets.turn import Turn

SHOWN = 40
"""Newest messages of a session that are shown."""
PATIENCE = 2.0
"""Seconds that a cancelled answer may take to end before its stream is closed."""


class ChatScreen(BaseScreen):
    """One session at a time; an answer is formatted while it is written."""

    NAME = "chat"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="chat.write", keys="i,enter", title="Write a message", hint="write"),
        Action(id="chat.send", keys="", title="Send what stands in the prompt (Enter there)", mutates=True),
        Action(id="chat.cancel", keys="escape", title="Cancel the answer", hint="cancel"),
        Action(id="chat.new", keys="ctrl+n", title="New session", hint="new"),
        Action(id="chat.earlier", keys="left_square_bracket", title="Earlier session", hint="earlier"),
        Action(id="chat.later", keys="right_square_bracket", title="Later session", hint="later"),
        Action(id="chat.copy", keys="y", title="Copy the last answer, its code or the question", hint="copy"),
        Action(id="chat.models", keys="M", title="Models: what is here, fetch, use, measure", hint="models"),
        Action(id="chat.delete", keys="X", title="Delete this session", mutates=True),
    )
    TOPICS = frozenset({Topic.MODEL, Topic.TASKS})
    CSS_PATH = "chat.tcss"
    AUTO_FOCUS = "Prompt"

    def __init__(self) -> None:
        super().__init__()
        self.session_id = 0
        self._sessions: SessionList | None = None
        self._last: Chunk | None = None
        self._answering: Worker[None] | None = None
        self._silent = False
        self._goals: dict[int, Note] = {}

    def compose_body(self) -> ComposeResult:
        """Lay out sessions, conversation and prompt."""
        yield Line(id="chat-head", classes="pane-title")
        with Horizontal():
            yield LiveTable(words.SESSION_COLUMNS, id="sessions")
            with Vertical(id="conversation"):
                with VerticalScroll(id="preparation", can_focus=False):
                    yield Note(id="stages")
                yield VerticalScroll(id="talk")
                yield Prompt(id="prompt")

    def on_mount(self) -> None:
        """Open the session that was used last."""
        self._talk.anchor()
        self.app.mode_change_signal.subscribe(self, self._came)
        self.run_worker(self._begin(), group="sessions", exclusive=True, exit_on_error=False)

    def _came(self, mode: str) -> None:
        if mode == self.NAME:  # what is typed after coming here is a message, never a row of keys
            self.query_one(Prompt).focus()

    @property
    def _talk(self) -> VerticalScroll:
        return self.query_one("#talk", VerticalScroll)

    def paint(self) -> None:
        """Show the model, its preparation while it cannot answer, and where the goals of this session stand."""
        store = self.store
        self.query_one("#chat-head", Line).show(words.head_cells(store.model, self._last, self._title()))
        waiting = not words.answers(store.model) or store.down is not None
        self.query_one("#preparation").display = waiting
        if waiting:
            self.query_one("#stages", Note).show(words.preparation(store.model, store.why_down, store.now()))
        self.query_one("#sessions", LiveTable).set_rows(words.session_rows(self._sessions, store.now()))
        for task in store.tasks.tasks if store.tasks else ():
            if task.id in self._goals:
                self._goals[task.id].show(words.goal_note(task))

    def _title(self) -> str:
        for one in self._sessions.sessions if self._sessions else ():
            if one.id == self.session_id:
                return one.title or f"session {one.id}"
        return "new session"

    def receive(self, argument: str) -> None:
        """Put a text into the prompt, to be sent or changed."""
        if argument:
            self.query_one(Prompt).text = argument
            self.query_one(Prompt).focus()

    def why_not(self, action: Action) -> str:
        """Say why nothing can be copied or deleted."""
        if action.name == "copy" and not self._said():
            return "Nothing has been said in this session."
        if action.name == "delete" and not self.session_id:
            return "This session has not begun."
        return ""

    def hints(self) -> tuple[Action, ...]:
        """Return the actions of the footer; Esc cancels only while an answer is written."""
        return tuple(one for one in super().hints() if one.name != "cancel" or self._busy)

    def _said(self) -> tuple[tuple[str, str], ...]:
        return words.copies([(turn.who, turn.text, turn.code) for turn in self._talk.query(Turn)])

    def do_copy(self) -> None:
        """Offer the last answer, its blocks of code and the last question."""
        offer(self.app, self._said())

    def do_send(self) -> None:
        """Send what stands in the prompt."""
        self.query_one(Prompt).send()

    @property
    def _busy(self) -> bool:
        return self._answering is not None and self._answering.is_running

    async def _begin(self) -> None:
        await self._list_sessions()
        if self._sessions and self._sessions.sessions and not self.session_id:
            await self._open(self._sessions.sessions[0].id)
        elif not self._talk.children:
            await self._show([])

    async def _list_sessions(self) -> None:
        try:
            self._sessions = await self.console.client.chats()
        except ConsoleError as error:
            self.console.say(error.sentence, "warn")
        self.repaint()

    async def _open(self, session_id: int) -> None:
        try:
            found = await self.console.client.chat(session_id)
        except ConsoleError as error:
            self.console.say(error.sentence, "warn")
            return
        self.session_id, self._last = session_id, None
        turns = [_turn(message) for message in found.messages[-SHOWN:]]
        await self._show(turns, len(found.messages) - len(turns))

    async def _show(self, turns: list[Turn], earlier: int = 0) -> None:
        self._goals.clear()
        await self._talk.remove_children()
        note: list[Widget] = [Turn((f"{earlier} earlier messages are not shown", "dim"))] if earlier > 0 else []
        if not turns:
            note = [Note(empty.chat(words.answers(self.store.model)), id="intro")]
        await self._talk.mount_all([*note, *turns])
        self._talk.scroll_end(animate=False)
        self.query_one("#sessions", LiveTable).move_to(str(self.session_id))
        self.repaint()

    @on(LiveTable.RowSelected, "#sessions")
    def _chosen(self, event: LiveTable.RowSelected) -> None:
        self._go(int(event.key))

    def _go(self, session_id: int) -> None:
        if self._busy:
            self.console.say("An answer is being written; Esc cancels it.")
        else:
            self.run_worker(self._open(session_id), group="sessions", exclusive=True, exit_on_error=False)

    @on(Prompt.Sent)
    async def _sent(self, event: Prompt.Sent) -> None:
        await self._talk.query("#intro").remove()
        send = self.console.registry.get("chat.send")
        if send and (why := self.reason(send)):
            self.console.say(why, "warn")
            self.receive(event.text)
        elif (goal := words.goal_of(event.text)) is not None:
            await self._ask_goal(goal)
        elif self._busy:
            self.console.say("An answer is being written; Esc cancels it.")
            self.receive(event.text)
        else:
            await self._talk.mount(Turn(words.speaker(Role.USER), event.text))
            answer = Turn(words.speaker(Role.ASSISTANT), markdown=True)
            await self._talk.mount(answer)
            self._talk.scroll_end(animate=False)
            self._answering = self.run_worker(self._answer(event.text, answer), group="answer", exit_on_error=False)

    async def _answer(self, text: str, turn: Turn) -> None:
        self._silent = False
        chunk: Chunk | None = None
        try:
            async for chunk in self.console.client.say(SayRequest(session_id=self.session_id, text=text)):
                self.session_id, self._last = chunk.session_id, chunk
                if not self._silent:
                    turn.append(chunk.text)
        except ConsoleError as error:
            turn.close([(error.sentence, "bad")])
        except asyncio.CancelledError:
            turn.close([("cancelled before it ended", "warn")])
            raise
        else:
            ended = chunk is not None and chunk.finish is not None
            foot = words.chunk_foot(chunk) if chunk and ended else (("The answer broke off.", "bad"),)
            turn.close(foot)
        self._talk.scroll_end(animate=False)
        self.run_worker(self._list_sessions(), group="sessions", exit_on_error=False)

    async def _ask_goal(self, goal: str) -> None:
        if not goal:
            self.console.say("Say what is wanted: /do restart the nginx container")
            return
        try:
            task: Task = await self.console.client.run(GoalRequest(text=goal))
        except ConsoleError as error:
            paras = (para((error.sentence, "bad")),)
            await self._talk.mount(Turn(words.speaker(Role.USER), f"/do {goal}"), _note(paras))
        else:
            note = _note(words.goal_note(task))
            self._goals[task.id] = note
            await self._talk.mount(Turn(words.speaker(Role.USER), f"/do {goal}"), note)
        self._talk.scroll_end(animate=False)

    @on(Prompt.Escaped)
    async def _escaped(self) -> None:
        if self._busy:
            await self.do_cancel()
        else:
            self._talk.focus()

    async def do_cancel(self) -> None:
        """Silence the answer at once, tell the backend, and close the stream if that does not end it."""
        running = self._answering
        if running is None or not running.is_running or self._silent:
            return
        self._silent = True
        self.run_worker(self._stop(running), group="cancel", exit_on_error=False)

    async def _stop(self, running: Worker[None]) -> None:
        if self._last is None or not self.session_id:
            running.cancel()
            return
        try:
            await self.console.client.cancel_chat(self.session_id)
            await asyncio.wait_for(asyncio.shield(running.wait()), PATIENCE)
        except (ConsoleError, TimeoutError):
            running.cancel()

    def do_write(self) -> None:
        """Go to the prompt."""
        self.query_one(Prompt).focus()

    async def do_new(self) -> None:
        """Begin a new session."""
        if self._busy:
            self.console.say("An answer is being written; Esc cancels it.")
            return
        self.session_id, self._last = 0, None
        await self._show([])
        self.do_write()

    def do_earlier(self) -> None:
        """Open the session used before this one."""
        self._step(1)

    def do_later(self) -> None:
        """Open the session used after this one."""
        self._step(-1)

    def _step(self, by: int) -> None:
        ids = [one.id for one in self._sessions.sessions] if self._sessions else []
        place = ids.index(self.session_id) + by if self.session_id in ids else (0 if by > 0 else -1)
        if 0 <= place < len(ids):
            self._go(ids[place])
        else:
            self.console.say("There is no further session that way.")

    def do_models(self) -> None:
        """Go to the models."""
        self.console.goto("models")

    def do_delete(self) -> None:
        """Delete this session after one confirming key."""
        session = self.session_id

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._delete(session), group="sessions", exclusive=True, exit_on_error=False)

        known = (para("Its messages are removed from the backend. There is no undo."),)
        self.app.push_screen(Question(f"Delete {self._title()}?", known), answered)

    async def _delete(self, session_id: int) -> None:
        try:
            await self.console.client.delete_chat(session_id)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
            return
        self.session_id, self._last = 0, None
        await self._show([])
        await self._begin()


def _turn(message: Message) -> Turn:
    answer = message.role is Role.ASSISTANT
    return Turn(words.speaker(message.role), message.text, words.message_foot(message), markdown=answer)


def _note(paras: tuple[Para, ...]) -> Note:
    return Note(paras, classes="note")
