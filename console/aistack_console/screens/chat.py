"""Chat: talk to the local model, and ask it about the stack; what it proposes waits like any agent's wish."""

from __future__ import annotations

import asyncio
import os
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll

from aistack_backend.wire.chat import Role
from aistack_backend.wire.events import Topic
from aistack_console import attached
from aistack_console.keys import Action
from aistack_console.present import chat as words
from aistack_console.present import completing, naming, slash, talk
from aistack_console.present.table import Cell
from aistack_console.said import Said, said_file
from aistack_console.screens.chat_answer import BUSY
from aistack_console.screens.chat_sessions import SessionsPane
from aistack_console.screens.chat_slash import SlashScreen
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.note import Note
from aistack_console.widgets.offer_list import OfferList
from aistack_console.widgets.prompt import Prompt
from aistack_console.widgets.reader import Reader
from aistack_console.widgets.talk import Talk
from aistack_console.widgets.turn import Turn

NEWER = frozenset({"edit", "again", "branch", "ask", "search", "rename", "persona"})
"""Actions that a backend without personas has no routes for."""


class ChatScreen(SlashScreen):
    """One branch of one session at a time; an answer is formatted while it is written."""

    NAME = "chat"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="chat.write", keys="i,enter", title="Write a message", hint="write"),
        Action(id="chat.send", keys="", title="Send what stands in the prompt (Enter there)", mutates=True),
        Action(id="chat.cancel", keys="escape", title="Cancel the answer; leave the list", hint="cancel"),
        Action(id="chat.new", keys="ctrl+n", title="New session", hint="new"),
        Action(id="chat.ask", keys="a,ctrl+t", title="Ask the stack: answers may read it, or no longer", hint="ask"),
        Action(id="chat.sessions", keys="S", title="Sessions: the list", hint="sessions"),
        Action(id="chat.search", keys="slash", title="Search in all sessions", hint="search"),
        Action(id="chat.up", keys="k", title="The message before"),
        Action(id="chat.down", keys="j", title="The message after"),
        Action(id="chat.edit", keys="e", title="Change this message of yours, as a branch", hint="edit", mutates=True),
        Action(id="chat.again", keys="r", title="Answer once more, as a branch", hint="again", mutates=True),
        Action(id="chat.branch", keys="b", title="Go on from this answer, as a branch", mutates=True),
        Action(id="chat.left", keys="h,left", title="The branch before, of this message"),
        Action(id="chat.right", keys="l,right", title="The branch after, of this message"),
        Action(id="chat.cites", keys="c", title="What was read for this answer", hint="cites"),
        Action(id="chat.good", keys="g", title="Judge this answer good", hint="good", mutates=True),
        Action(id="chat.bad", keys="B", title="Judge this answer bad", hint="bad", mutates=True),
        Action(id="chat.copy", keys="y", title="Copy the last answer, its code or the question", hint="copy"),
        Action(id="chat.code", keys="C", title="Copy the last block of code"),
        Action(id="chat.save", keys="s", title="Save this session as Markdown into a file"),
        Action(id="chat.persona", keys="P", title="Choose who answers", mutates=True),
        Action(id="chat.models", keys="M", title="Models: what is here, fetch, use, measure", hint="models"),
        Action(id="chat.routes", keys="W", title="Routes: the ways that questions took, and the way out"),
        Action(id="chat.knowledge", keys="K", title="Knowledge: documents, and the search in them"),
        Action(id="chat.earlier", keys="left_square_bracket", title="Earlier session"),
        Action(id="chat.later", keys="right_square_bracket", title="Later session"),
        Action(id="chat.rename", keys="R", title="Give this session another title", mutates=True),
        Action(id="chat.delete", keys="X", title="Delete this session", mutates=True),
    )
    TOPICS = frozenset({Topic.MODEL, Topic.TASKS})
    CSS_PATH = "chat.tcss"
    AUTO_FOCUS = "Prompt"

    def compose_body(self) -> ComposeResult:
        """Lay out sessions, conversation and prompt."""
        yield Line(id="chat-head", classes="pane-title")
        with Horizontal():
            yield SessionsPane(id="list")
            with Vertical(id="conversation"):
                with VerticalScroll(id="preparation", can_focus=False):
                    yield Note(id="stages")
                yield Talk(id="talk")
                yield Line(id="prompt-head")
                offers = OfferList(id="offers")
                yield offers
                yield Prompt(Said(said_file(os.environ)), offers, id="prompt")

    def on_mount(self) -> None:
        """Open the session that was used last."""
        self.app.mode_change_signal.subscribe(self, self._came)
        self.run_worker(self.begin(), group="sessions", exclusive=True, exit_on_error=False)

    def _came(self, mode: str) -> None:
        if mode == self.NAME:  # what is typed after coming here is a message, never a row of keys
            self.query_one(Prompt).focus()

    def paint(self) -> None:
        """Show the model, its preparation while it cannot answer, and where the goals of this session stand."""
        store = self.store
        head = talk.head_cells(
            store.model, self._last, session=self.session_title(), persona=self.persona, ask=self.asks
        )
        self.query_one("#chat-head", Line).show(head)
        waiting = not words.answers(store.model) or store.down is not None
        self.query_one("#preparation").display = waiting
        if waiting:
            self.query_one("#stages", Note).show(words.preparation(store.model, store.why_down, store.now()))
        self.sessions.paint()
        self.paint_talk()
        self._paint_prompt_head()

    def _paint_prompt_head(self) -> None:
        cells: tuple[Cell, ...] = ()
        if self.editing is not None:
            cells = (("Enter sends this in place of your message, as a branch; Esc leaves it", "warn"),)
        elif self.following is not None:
            cells = (("Enter sends this after the chosen answer, as a branch; Esc leaves it", "warn"),)
        elif full := talk.full_note(self._last):
            cells = ((full, "warn"),)
        line = self.query_one("#prompt-head", Line)
        line.show(cells)
        line.display = bool(cells)

    def receive(self, argument: str) -> None:
        """Put a text into the prompt, to be sent or changed."""
        if argument:
            self.query_one(Prompt).write(argument)
            self.query_one(Prompt).focus()

    def why_not(self, action: Action) -> str:
        """Say why nothing can be copied, changed or deleted."""
        if action.name in NEWER and self.personas is None:
            return "This backend is older and cannot do that."
        if action.name in {"edit", "again", "branch", "left", "right", "new"} and self.busy:
            return BUSY
        if action.name == "copy" and not self._said():
            return "Nothing has been said in this session."
        if action.name in {"edit", "again"} and self._question() is None:
            return "Nothing has been asked in this session."
        if action.name == "cites" and self._cited() is None:
            return "Nothing was read for an answer here."
        if action.name in {"good", "bad"} and self.judged_turn() is None:
            return "There is no answer here that ended and can be judged."
        listed = action.name == "delete" and self.sessions.table.has_focus and self.sessions.under_cursor
        if action.name in {"delete", "save", "rename"} and not self.session_id and not listed:
            return "This session has not begun."
        return ""

    def hints(self) -> tuple[Action, ...]:
        """Return the actions of the footer: those that can be done now."""
        shown = [one for one in super().hints() if one.name != "cancel" or self.busy]
        asked = {"edit", "again", "cites", "good", "bad", "copy"}
        return tuple(one for one in shown if one.name not in asked or not self.why_not(one))

    def _said(self) -> tuple[tuple[str, str], ...]:
        return words.copies([(turn.message.role, turn.text, turn.code) for turn in self.talk.turns])

    def _question(self) -> Turn | None:
        """The person's message at or before the cursor, once the backend told its number."""
        chosen = self.talk.chosen
        found = self.talk.before(chosen, Role.USER) if chosen is not None else None
        return found if found is not None and found.message.id else None

    def _cited(self) -> Turn | None:
        """The chosen answer if something was read for it, else the newest such."""
        cited = [turn for turn in self.talk.turns if turn.message.cites]
        chosen = self.talk.chosen
        return chosen if chosen in cited else cited[-1] if cited else None

    def do_copy(self) -> None:
        """Offer the last answer, its blocks of code and the last question."""
        offer(self.app, self._said())

    def do_cites(self) -> None:
        """Show what was read for an answer, as the model got it."""
        if (turn := self._cited()) is not None:
            self.app.push_screen(Reader("What was read", talk.cites_paras(turn.message.cites, self.store.now())))

    def do_send(self) -> None:
        """Send what stands in the prompt."""
        self.query_one(Prompt).send()

    def do_write(self) -> None:
        """Go to the prompt."""
        self.remove_class("-sessions")
        self.query_one(Prompt).focus()

    async def do_new(self) -> None:
        """Begin a new session."""
        self.session_id, self._last, self.editing, self.following = 0, None, None, None
        await self.show(())
        self.do_write()

    def do_up(self) -> None:
        """Put the cursor on the message before."""
        self.talk.move(-1)
        self.paint_hints()

    def do_down(self) -> None:
        """Put the cursor on the message after."""
        self.talk.move(1)
        self.paint_hints()

    def do_edit(self) -> None:
        """Take a message of the person back into the prompt; sent, it begins a branch."""
        if (turn := self._question()) is not None:
            self.editing, self.following = turn, None
            self.query_one(Prompt).write(turn.text)
            self.do_write()
            self.repaint()

    async def do_again(self) -> None:
        """Answer the question at the cursor once more."""
        if (turn := self._question()) is not None:
            await self.again(turn)

    def do_branch(self) -> None:
        """Let the next message follow the answer at the cursor."""
        chosen = self.talk.chosen
        found = self.talk.before(chosen, Role.ASSISTANT) if chosen is not None else None
        if found is None or not found.message.id:
            self.console.say("There is no answer to go on from.", "warn")
            return
        self.following, self.editing = found, None
        self.do_write()
        self.repaint()

    async def do_left(self) -> None:
        """Show the branch before this one."""
        await self._sibling(-1)

    async def do_right(self) -> None:
        """Show the branch after this one."""
        await self._sibling(1)

    async def _sibling(self, by: int) -> None:
        chosen = self.talk.chosen
        if chosen is not None and len(chosen.message.siblings) < 2:  # the nearest place above where branches part
            above = self.talk.turns[: self.talk.turns.index(chosen)]
            chosen = next((turn for turn in reversed(above) if len(turn.message.siblings) > 1), None)
        at, count = talk.place(chosen.message) if chosen is not None else (1, 1)
        if chosen is None or not 1 <= at + by <= count:
            self.console.say("There is no further branch that way.")
            return
        leaf = chosen.message.siblings[at + by - 1]
        if await self.open(self.session_id, leaf):
            self.talk.choose(leaf)

    def do_earlier(self) -> None:
        """Open the session used before this one."""
        self._step(1)

    def do_later(self) -> None:
        """Open the session used after this one."""
        self._step(-1)

    def _step(self, by: int) -> None:
        ids = [one.id for one in self.sessions.shown]
        place = ids.index(self.session_id) + by if self.session_id in ids else (0 if by > 0 else -1)
        if 0 <= place < len(ids):
            self._go(ids[place])
        else:
            self.console.say("There is no further session that way.")

    def _go(self, session_id: int) -> None:
        if self.busy:
            self.console.say(BUSY)
        else:
            self.editing = self.following = None
            self.run_worker(self.open(session_id), group="sessions", exclusive=True, exit_on_error=False)

    def do_sessions(self) -> None:
        """Show the list of sessions, or hide it where it takes the conversation's place."""
        if self.has_class("-sessions"):
            self.do_write()
        else:
            self.show_sessions()

    def do_search(self) -> None:
        """Ask for words to search for."""
        self.show_sessions()
        self.open_entry("search", self.sessions.words)

    def do_rename(self) -> None:
        """Ask for another title."""
        self.open_entry("title", self.session_title())

    def entered(self, kind: str, text: str) -> None:
        """Take the words of a search, or a title."""
        job = self.sessions.search(text) if kind == "search" else self.change(title=text)
        self.run_worker(job, group="sessions", exclusive=True, exit_on_error=False)

    async def do_cancel(self) -> None:
        """Cancel the answer; else leave a search, then the list, then a branch that was begun."""
        if self.busy:
            await super().do_cancel()
        elif self.has_class("-sessions") and self.sessions.words:
            await self.sessions.search("")
        elif self.has_class("-sessions"):
            self.do_write()
        elif self.editing or self.following:
            self.editing = self.following = None
            self.repaint()

    @on(LiveTable.RowSelected, "#sessions")
    def _chosen_session(self, event: LiveTable.RowSelected) -> None:
        self._go(int(event.key))
        self.do_write()

    @on(Prompt.Typed)
    def _begun(self, event: Prompt.Typed) -> None:
        found = completing.offers(event.before, naming.names(self.store, self.personas))
        self.query_one(OfferList).show(found)
        if found.files is not None:
            self.run_worker(self._list_files(found.start, found.files), group="files", exclusive=True)

    async def _list_files(self, start: int, begun: str) -> None:
        found = await asyncio.to_thread(attached.names, begun)
        self.query_one(OfferList).show(completing.file_offers(start, found))

    @on(Prompt.Failed)
    def _not_kept(self, event: Prompt.Failed) -> None:
        self.console.say(event.why, "warn")

    @on(Prompt.Sent)
    async def _sent(self, event: Prompt.Sent) -> None:
        self.query_one(OfferList).close()
        if (typed := slash.typed(event.text)) is not None:
            await self.command(typed)
            if typed.why:
                self.receive(event.text)
        elif why := self._off() or (BUSY if self.busy else ""):
            self.console.say(why, "warn")
            self.receive(event.text)
        else:
            await self.say(event.text)

    @on(Prompt.Escaped)
    async def _escaped(self) -> None:
        if self.busy or self.editing or self.following:
            await self.do_cancel()
        else:
            self.talk.focus()
