"""What the chat screen stands on: one session, the branch of it that is shown, and the list of sessions."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.chat import Chunk, Message, PersonaList, SessionChange
from aistack_backend.wire.tasks import Task
from aistack_console.errors import ConsoleError
from aistack_console.present import chat as words
from aistack_console.present import empty
from aistack_console.present.talk import session_name
from aistack_console.screens.base import BaseScreen
from aistack_console.screens.chat_sessions import SessionsPane
from aistack_console.widgets.talk import Talk


class ChatBase(BaseScreen):
    """Opens, lists, renames and deletes sessions; knows the personas and where proposals stand."""

    def __init__(self) -> None:
        super().__init__()
        self.session_id = 0
        self.persona = ""
        """Who answers from the next message on; empty = the usual one."""
        self.personas: PersonaList | None = None
        self._last: Chunk | None = None
        self._tasks: dict[int, Task] = {}

    @property
    def talk(self) -> Talk:
        """The conversation."""
        return self.query_one(Talk)

    @property
    def sessions(self) -> SessionsPane:
        """The list of sessions."""
        return self.query_one(SessionsPane)

    def session_title(self) -> str:
        """Return what the open session is called."""
        one = self.sessions.get(self.session_id)
        if one is not None:
            return session_name(one)
        return f"session {self.session_id}" if self.session_id else "new session"

    async def begin(self) -> None:
        """List the sessions and open the one used last."""
        await self.sessions.read()
        await self._read_personas()
        found = self.sessions.all
        if found and found.sessions and not self.session_id:
            await self.open(found.sessions[0].id)
        elif not self.talk.children:
            await self.show(())

    async def _read_personas(self) -> None:
        try:
            self.personas = await self.console.client.personas()
        except ConsoleError:
            self.personas = None  # an older backend has none; who wants to choose one is told then

    async def open(self, session_id: int, leaf: int | None = None) -> bool:
        """Show a session: the branch used last, or the one through ``leaf``. False = it cannot be read."""
        try:
            found = await self.console.client.chat(session_id, leaf)
        except ConsoleError as error:
            self.console.say(error.sentence, "warn")
            return False
        if self.session_id != session_id:
            self._last = None
        self.session_id, self.persona = session_id, found.session.persona
        await self.show(found.messages)
        return True

    async def show(self, messages: Sequence[Message]) -> None:
        """Show the messages of a branch."""
        await self.talk.show(messages, empty.chat(words.answers(self.store.model)))
        self.sessions.table.move_to(str(self.session_id))
        await self._read_tasks()
        self.repaint()

    async def _read_tasks(self) -> None:
        """Ask for the proposed tasks that are older than the list of the newest."""
        known = {task.id for task in self.store.tasks.tasks} if self.store.tasks else set()
        wanted = {turn.task_id for turn in self.talk.turns if turn.task_id is not None} - known - set(self._tasks)
        for task_id in wanted:
            try:
                self._tasks[task_id] = await self.console.client.task(task_id)
            except ConsoleError as error:
                self.console.say(error.sentence, "warn")

    def paint_talk(self) -> None:
        """Show ages, and where the proposals and goals of this session stand."""
        for task in self.store.tasks.tasks if self.store.tasks else ():
            self._tasks[task.id] = task
        self.talk.paint(self.store.now(), self._tasks)

    async def change(self, title: str | None = None, persona: str | None = None) -> None:
        """Give the open session another title or persona."""
        try:
            await self.console.client.change_chat(self.session_id, SessionChange(title=title, persona=persona))
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        await self.sessions.read()
        self.repaint()

    async def delete(self, session_id: int) -> None:
        """Delete a session; the one used last takes its place when it was open."""
        try:
            await self.console.client.delete_chat(session_id)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
            return
        if session_id == self.session_id:
            self.session_id, self._last = 0, None
            await self.show(())
            await self.begin()
        else:
            await self.sessions.read()
