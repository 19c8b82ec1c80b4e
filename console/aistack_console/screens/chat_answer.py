"""Saying something in the chat: a message, a branch of it, once more; the answer as it comes, and its end."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from textual import events, on
from textual.worker import Worker

from aistack_backend.wire.actions import GoalRequest
from aistack_backend.wire.chat import Chunk, Message, Role, SayRequest
from aistack_backend.wire.tasks import Task
from aistack_console.attached import read_file
from aistack_console.errors import ConsoleError
from aistack_console.keys import with_control
from aistack_console.present import talk as words
from aistack_console.present.chat import typing_hints
from aistack_console.present.colours import ready
from aistack_console.present.mention import MOST, mentions
from aistack_console.screens.chat_judge import JudgeScreen
from aistack_console.widgets.hint_line import HintLine
from aistack_console.widgets.prompt import Prompt
from aistack_console.widgets.talk import goal_turn
from aistack_console.widgets.turn import Turn

PATIENCE = 2.0
"""Seconds that a cancelled answer may take to end before its stream is closed."""
BUSY = "An answer is being written; Esc cancels it."


class AnswerScreen(JudgeScreen):
    """Sends one message at a time and shows its answer while it is written."""

    def __init__(self) -> None:
        super().__init__()
        self.asks = False
        """Whether the answers may read the stack."""
        self.editing: Turn | None = None
        """The message of a person that the next one takes the place of, as a branch."""
        self.following: Turn | None = None
        """The answer that the next message follows, as a branch."""
        self._answering: Worker[None] | None = None
        self._silent = False

    @property
    def busy(self) -> bool:
        """Whether an answer is being written."""
        return self._answering is not None and self._answering.is_running

    def paint_hints(self) -> None:
        """Show the keys that matter now: while one types, letters are text."""
        if isinstance(self.focused, Prompt):
            known = [self.console.registry.get(f"chat.{name}") for name in ("new", "ask")]
            own = [(with_control(one.keys), one.hint) for one in known if one is not None]
            self.query_one(HintLine).set_hints([(*one, True) for one in typing_hints(self.busy, own) if one[0]])
        else:
            super().paint_hints()

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _moved_focus(self) -> None:
        self.call_next(self.paint_hints)

    async def say(self, text: str, ask: bool = False) -> None:
        """Send a message; it comes back into the prompt when it cannot go."""
        try:
            attach = await self._attached(text)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
            self.query_one(Prompt).write(text)
            return
        after = self._place()
        if self.editing is not None or self.following is not None:
            await self.talk.cut(after or 0)
        request = self._request(text=text, after=after, ask=ask or self.asks, attach=attach)
        await self._begin_answer(request, Turn(Message(id=0, role=Role.USER, text=text, at=self.store.now())))

    async def again(self, question: Turn) -> None:
        """Answer a person's message once more, beside the answers it has."""
        await self.talk.cut(question.message.id)
        await self._begin_answer(self._request(text="", after=question.message.id, again=True, ask=self.asks))

    def _request(self, **said: object) -> SayRequest:
        opened = self.sessions.get(self.session_id)
        persona = self.persona if opened is None or opened.persona != self.persona else ""
        return SayRequest(session_id=self.session_id, persona=persona, **said)  # type: ignore[arg-type]  # its fields

    def _place(self) -> int | None:
        """Return the message that the next one follows: see ``SayRequest.after``."""
        if self.editing is not None:
            return self.editing.message.parent_id
        if self.following is not None:
            return self.following.message.id
        return self.talk.last_id or None

    async def _attached(self, text: str) -> tuple[str, ...]:
        found = mentions(text)
        if found and self.personas is None:
            raise ConsoleError("This backend is older: it would not read what is attached.")
        if len(found) > MOST:
            raise ConsoleError(f"A message can attach {MOST} things; this one names {len(found)}.")
        return tuple(
            [
                await asyncio.to_thread(read_file, one.name) if one.kind == "file" else f"{one.kind} {one.name}"
                for one in found
            ]
        )

    async def _begin_answer(self, request: SayRequest, *before: Turn) -> None:
        self.editing = self.following = None
        answer = Turn(Message(id=0, role=Role.ASSISTANT, text="", at=self.store.now()))
        await self.talk.add(*before, answer)
        self.run_worker(ready, thread=True, group="colours", exit_on_error=False)
        self._answering = self.run_worker(self._answer(request, answer), group="answer", exit_on_error=False)
        self.repaint()

    async def _answer(self, request: SayRequest, turn: Turn) -> None:
        self._silent = False
        chunk: Chunk | None = None
        turn.say(words.running(None, 0.0))
        try:
            async for chunk in self.console.client.say(request):
                self._take(chunk, turn)
        except ConsoleError as error:
            turn.close([(error.sentence, "bad")])
        except asyncio.CancelledError:
            turn.close([("cancelled before it ended", "warn")])
            raise
        else:
            ended = chunk is not None and chunk.finish is not None
            foot = words.chunk_foot(turn.message, chunk) if chunk and ended else (("The answer broke off.", "bad"),)
            turn.close(foot)
        finally:
            self.run_worker(self._settle(), group="sessions", exit_on_error=False)

    def _take(self, chunk: Chunk, turn: Turn) -> None:
        """Show one piece of the answer."""
        self.session_id, self._last = chunk.session_id, chunk
        turn.update(
            id=chunk.message_id,
            finish=chunk.finish,
            tokens=chunk.tokens or None,
            tokens_per_second=chunk.tokens_per_second,
            first_token_after=chunk.first_token_after,
            cites=chunk.cites or turn.message.cites,
            route=chunk.route or turn.message.route,
            task_id=chunk.task_id if chunk.task_id is not None else turn.message.task_id,
        )
        if self._silent:
            return
        turn.append(chunk.text)
        if not turn.text or chunk.looking:
            turn.say(words.running(chunk, self.store.now() - turn.message.at))
        else:
            turn.say(words.OWN_WAITS if turn.waits_for_model else ())

    async def _settle(self) -> None:
        """Learn what the backend stored of what was just said: numbers, branches, the session's title."""
        await self.sessions.read()
        if self.session_id:
            leaf = self.talk.last_id or None
            try:
                found = await self.console.client.chat(self.session_id, leaf)
            except ConsoleError:
                return  # said by the list already; the words on the screen stand
            if not self.busy and not self.talk.learn(found.messages):
                await self.show(found.messages)
        self.sessions.table.move_to(str(self.session_id))
        await self._read_tasks()
        self.repaint()

    async def goal(self, goal: str) -> None:
        """Give the stack a goal; what is proposed waits for a person."""
        if not goal:
            self.console.say("Say what is wanted: /do restart the nginx container")
            return
        said = Message(id=0, role=Role.USER, text=f"/do {goal}", at=self.store.now())
        try:
            task: Task = await self.console.client.run(GoalRequest(text=goal))
        except ConsoleError as error:
            await self.talk.add(goal_turn(said, ((error.sentence, "bad"),)))
            return
        self._tasks[task.id] = task
        await self.talk.add(goal_turn(replace(said, task_id=task.id)))
        self.repaint()

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
