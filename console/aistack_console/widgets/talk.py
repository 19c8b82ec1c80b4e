"""Talk: the messages of one branch of a chat, with a cursor on one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget

from aistack_backend.wire.chat import Message, Role
from aistack_backend.wire.tasks import Task
from aistack_console.present.para import Para, para
from aistack_console.present.table import Cell
from aistack_console.widgets.note import Note
from aistack_console.widgets.turn import Turn

SHOWN = 40
"""Newest messages of a branch that are shown."""


class Talk(VerticalScroll, inherit_bindings=False):
    """Shows turns, oldest first; keeps the newest in view until somebody scrolls up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", show=False, id="talk.up"),
        Binding("down", "scroll_down", show=False, id="talk.down"),
        Binding("pageup,ctrl+u", "page_up", show=False, id="talk.page-up"),
        Binding("pagedown,ctrl+d,space", "page_down", show=False, id="talk.page-down"),
        Binding("home,g", "scroll_home", show=False, id="talk.first"),
        Binding("end,G", "scroll_end", show=False, id="talk.last"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._cursor: Turn | None = None

    def on_mount(self) -> None:
        """Follow what is written."""
        self.anchor()

    @property
    def turns(self) -> list[Turn]:
        """The shown messages, oldest first."""
        return [one for one in self.children if isinstance(one, Turn)]

    @property
    def chosen(self) -> Turn | None:
        """The message under the cursor: the newest unless another was chosen."""
        turns = self.turns
        if self._cursor in turns:
            return self._cursor
        return turns[-1] if turns else None

    @property
    def last_id(self) -> int:
        """Number of the newest message that the backend told of; 0 = none."""
        return next((one.message.id for one in reversed(self.turns) if one.message.id), 0)

    async def show(self, messages: Sequence[Message], intro: Sequence[Para]) -> None:
        """Show the newest messages of a branch, or the introduction when there is none."""
        self._cursor = None
        earlier = len(messages) - SHOWN
        told: list[Widget] = [Note((para((f"{earlier} earlier messages are not shown; s saves all", "dim")),))]
        turns = [Turn(message) for message in messages[-SHOWN:]]
        notes = told if earlier > 0 else [] if turns else [Note(intro, id="intro")]
        with self.app.batch_update():
            await self.remove_children()
            await self.mount_all([*notes, *turns])
        self.scroll_end(animate=False)

    async def add(self, *turns: Turn | Note) -> None:
        """Show further messages."""
        await self.query("#intro").remove()
        self._choose(None)
        await self.mount_all(turns)
        self.scroll_end(animate=False)

    async def cut(self, after: int) -> None:
        """Take away what follows a message; 0 = everything."""
        ids = [one.message.id for one in self.turns]
        keep = ids.index(after) + 1 if after in ids else 0
        self._cursor = None
        for one in self.turns[keep:]:
            await one.remove()

    def learn(self, messages: Sequence[Message]) -> bool:
        """Take the numbers and branches that the backend stored; False = these are not the shown messages."""
        turns = [one for one in self.turns if not one.has_class("-goal")]
        pairs = list(zip(reversed(turns), reversed(messages), strict=False))
        if len(messages) < len(turns) or any(turn.message.role is not one.role for turn, one in pairs):
            return False
        for turn, message in pairs:
            turn.learn(message)
        return True

    def move(self, by: int) -> None:
        """Put the cursor on another message and show it."""
        turns, chosen = self.turns, self.chosen
        if chosen is None:
            return
        at = turns.index(chosen) + (by if self._cursor is not None else 0)
        self._choose(turns[max(0, min(len(turns) - 1, at))])
        if self._cursor is not None:
            self.scroll_to_widget(self._cursor, animate=False, top=self._cursor is not turns[-1])

    def choose(self, message_id: int) -> None:
        """Put the cursor on the message of that number, if it is shown."""
        for turn in self.turns:
            if turn.message.id == message_id:
                self._choose(turn)
                self.scroll_to_widget(turn, animate=False)

    def _choose(self, turn: Turn | None) -> None:
        if self._cursor is not None:
            self._cursor.choose(False)
        self._cursor = turn
        if turn is not None:
            turn.choose(True)

    def before(self, turn: Turn, role: Role) -> Turn | None:
        """Return the newest turn of that role at or before a turn."""
        turns = self.turns
        return next((one for one in reversed(turns[: turns.index(turn) + 1]) if one.message.role is role), None)

    def paint(self, now: float, tasks: Mapping[int, Task]) -> None:
        """Show ages and where proposals stand."""
        for turn in self.turns:
            if turn.message.cites or turn.task_id is not None:
                turn.paint(now, tasks.get(turn.task_id or 0))


def goal_turn(message: Message, foot: Sequence[Cell] = ()) -> Turn:
    """Return a turn for a goal, which is no message of the chat."""
    turn = Turn(message, foot)
    turn.add_class("-goal")
    return turn
