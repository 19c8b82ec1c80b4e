"""Turn: one message of a conversation, while it is written and afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Vertical

from aistack_backend.wire.chat import OWN, Message, Role, parts
from aistack_backend.wire.tasks import Task
from aistack_console.present import talk as words
from aistack_console.present.chat import goal_note
from aistack_console.present.markdown import Code
from aistack_console.present.table import Cell
from aistack_console.widgets.formatted import Formatted
from aistack_console.widgets.line import Line
from aistack_console.widgets.note import Note


class Turn(Vertical):
    """Who speaks, what is said, what was read for it, what it proposes, and what it cost.

    An answer is Markdown; a person's words stand as they are. What the model adds to what was measured stands apart.
    """

    DEFAULT_CSS = """
    Turn { height: auto; margin: 0 0 1 0; }
    Turn > Formatted, Turn > .cites, Turn > .foot { padding: 0 0 0 2; }
    Turn > .proposal, Turn > .own { padding: 0 0 0 2; }
    Turn > Line.own { margin: 1 0 0 0; }
    Turn > Formatted.own { padding: 0 0 0 4; }
    """

    def __init__(self, message: Message, foot: Sequence[Cell] = ()) -> None:
        super().__init__()
        self.message = message
        """What is known of it; id 0 = the backend has not told its number yet."""
        self.task_id = message.task_id
        """The task that it proposed or asked for."""
        self._foot = tuple(foot) or words.message_foot(message)
        self._head = Line()
        told, own = parts(message.text, message.cites)
        self._said = Formatted(told or own, formatted=message.role is Role.ASSISTANT)
        self._own: Formatted | None = self._apart(own) if told and own else None
        self._under = Line(classes="foot")
        self._cites: Note | None = None
        self._proposal: Note | None = None
        self._chosen = False

    @property
    def text(self) -> str:
        """What was said so far."""
        return self._said.text if self._own is None else f"{self._said.text}\n\n{OWN}\n\n{self._own.text}"

    @property
    def code(self) -> tuple[Code, ...]:
        """The blocks of code in it."""
        return self._said.code if self._own is None else (*self._said.code, *self._own.code)

    @property
    def waits_for_model(self) -> bool:
        """What was measured stands there, and the model's own words do not yet."""
        return self._own is None and bool(self.text) and any(cite.told for cite in self.message.cites)

    def _apart(self, text: str) -> Formatted:
        """Return where the model's own words are shown, after what was measured."""
        own = Formatted(text, numbered=len(self._said.code))
        own.add_class("own")
        return own

    def compose(self) -> ComposeResult:
        """Lay out head, body and foot."""
        yield self._head
        yield self._said
        if self._own is not None:
            yield self._own_head()
            yield self._own
        yield self._under

    def _own_head(self) -> Line:
        head = Line(classes="own")
        head.show(words.OWN_HEAD)
        return head

    def on_mount(self) -> None:
        """Show who speaks and what was measured."""
        self._show_head()
        self.say(self._foot)

    def choose(self, chosen: bool) -> None:
        """Put the cursor on this message, or take it off."""
        self._chosen = chosen
        self._show_head()

    def append(self, text: str) -> None:
        """Add text while it is written; the cites that came with it are to be known already."""
        if self._own is not None:
            self._own.append(text)
            return
        told, own = parts(text, self.message.cites)
        if not any(cite.told for cite in self.message.cites) or not own:
            self._said.append(text)
            return
        self._said.append(told)
        self._own = self._apart(own)
        self.mount(self._own_head(), self._own, before=self._under)

    def say(self, foot: Sequence[Cell]) -> None:
        """Show what goes on, or what the answer measured, under it."""
        self._foot = tuple(foot)
        self._under.show(self._foot)
        self._under.display = bool(self._foot)

    def close(self, foot: Sequence[Cell]) -> None:
        """Show what the answer measured; nothing more comes."""
        self._said.end()
        if self._own is not None:
            self._own.end()
        self.say(foot)

    def learn(self, message: Message) -> None:
        """Take what the backend stored of this message: its number, its branches, what it cost. The text stays."""
        if message != self.message:
            self.message = message
            self.task_id = message.task_id or self.task_id
            self._show_head()
            if message.finish is not None and message.role is Role.ASSISTANT and not self._says_more():
                self.say(words.message_foot(message))

    def update(self, **changed: object) -> None:
        """Take what came with the newest piece of the answer."""
        was = words.speaker(self.message)
        self.message = replace(self.message, **changed)  # type: ignore[arg-type]  # names of Message's own fields
        if words.speaker(self.message) != was:
            self._show_head()
        self.task_id = self.message.task_id or self.task_id

    def paint(self, now: float, task: Task | None) -> None:
        """Show how old is what was read, and where its proposal stands."""
        if self.message.cites:
            lines = words.cite_lines(self.message.cites, now)
            if self._cites is None:
                self._cites = Note(lines, classes="cites")
                self.mount(self._cites, after=self._said)
            self._cites.show(lines)
        if task is not None:
            note = goal_note(task)
            if self._proposal is None:
                self._proposal = Note(note, classes="proposal")
                self.mount(self._proposal, before=self._under)
            self._proposal.show(note)

    def _says_more(self) -> bool:
        """Whether the foot tells why an answer failed, which the stored message does not hold."""
        return any(isinstance(cell, tuple) and cell[1] == "bad" for cell in self._foot)

    def _show_head(self) -> None:
        self._head.show(words.turn_head(self.message, self._chosen))
