"""Knowledge: collections, their documents, a search with its ranks and scores, and what could go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical

from aistack_backend.wire.knowledge import (
    Collection,
    Collections,
    Document,
    DocumentText,
    Hit,
    SearchAnswer,
    SearchMode,
    Surplus,
    SurplusList,
)
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import empty
from aistack_console.present import knowledge as show
from aistack_console.present.knowledge import COLLECTIONS, DOCUMENTS, HITS, SURPLUS
from aistack_console.present.para import Para, para
from aistack_console.screens.base import BaseScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.note import Note
from aistack_console.widgets.question import Question

MODES = (SearchMode.BOTH, SearchMode.WORDS, SearchMode.MEANING)
MOST = 50
"""Hits that are asked for."""


class KnowledgeScreen(BaseScreen):
    """A list of collections, documents, hits or surplus, and the chosen one in full."""

    NAME = "knowledge"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="knowledge.search", keys="slash,s", title="Search by words and by meaning", hint="search"),
        Action(id="knowledge.by", keys="t", title="By what to search: both, words, meaning", hint="by"),
        Action(id="knowledge.surplus", keys="u", title="What of this collection could go, and why", hint="surplus"),
        Action(id="knowledge.remove", keys="X", title="Remove the chosen document", hint="remove", mutates=True),
        Action(id="knowledge.reindex", keys="I", title="Compute all vectors of it anew", mutates=True),
        Action(id="knowledge.read", keys="r", title="Read again", hint="read"),
        Action(id="knowledge.copy", keys="y", title="Copy its citation, source or text", hint="copy"),
        Action(id="knowledge.back", keys="escape", title="Back to the list before, or the last screen", hint="back"),
    )
    CSS_PATH = "knowledge.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.view, self.collection, self.question = COLLECTIONS, "", ""
        self.mode = SearchMode.BOTH
        self._found: Collections | None = None
        self._documents: tuple[Document, ...] = ()
        self._answer: SearchAnswer | None = None
        self._surplus: SurplusList | None = None
        self._text: DocumentText | None = None
        self._problem, self._read = "", False

    def compose_body(self) -> ComposeResult:
        """Yield head, what was looked for, list and the chosen one."""
        yield Line(id="head")
        yield Note(id="said")
        with Vertical(id="panes"):
            yield LiveTable(show.COLUMNS[COLLECTIONS], id="table")
            yield Detail(id="detail")

    def receive(self, argument: str) -> None:
        """Search for what came with the command."""
        if argument.strip():
            self.entered("search", argument)

    @property
    def _key(self) -> str:
        return self.query_one("#table", LiveTable).cursor_key or ""

    @property
    def chosen(self) -> Collection | Document | Hit | Surplus | None:
        """What is under the cursor."""
        found: dict[str, Collection | Document | Hit | Surplus] = {}
        if self.view == COLLECTIONS:
            found = {one.name: one for one in (self._found.collections if self._found else ())}
        elif self.view == DOCUMENTS:
            found = {str(one.id): one for one in self._documents}
        elif self.view == HITS:
            found = {str(one.chunk_id): one for one in (self._answer.hits if self._answer else ())}
        else:
            found = {str(one.document.id): one for one in (self._surplus.surplus if self._surplus else ())}
        return found.get(self._key)

    def paint(self) -> None:
        """Show what was read; read when nobody has yet."""
        if self.store.down is None and not self._read:
            self.do_read()
        self.query_one("#head", Line).show(show.head(self.view, self.collection, self._found, self.mode))
        said = show.said(self.question, self.collection, self._answer) if self.view == HITS and self._answer else ()
        if self._problem:
            said = (para((self._problem, "bad")),)
        note = self.query_one("#said", Note)
        note.display = bool(said)
        note.show(said)
        table = self.query_one("#table", LiveTable)
        if table.columns != show.COLUMNS[self.view]:
            table.set_rows(())
            table.set_columns(show.COLUMNS[self.view])
        table.set_rows(
            {
                COLLECTIONS: lambda: show.collection_rows(self._found),
                DOCUMENTS: lambda: show.document_rows(self._documents, self.store.now()),
                HITS: lambda: show.hit_rows(self._answer),
                SURPLUS: lambda: show.surplus_rows(self._surplus),
            }[self.view]()
        )
        share(self, table, len(table.rows) + 1, 0.45)
        self._paint_side()

    def _paint_side(self) -> None:
        detail, one, now = self.query_one(Detail), self.chosen, self.store.now()
        if isinstance(one, Collection):
            detail.show(show.collection_paras(one))
        elif isinstance(one, Document):
            detail.show(show.document_paras(one, self._text, now))
        elif isinstance(one, Hit):
            whole = self._text if self._text and self._text.document.id == one.document_id else None
            detail.show((*show.hit_paras(one), *(show.document_paras(whole.document, whole, now) if whole else ())))
        elif isinstance(one, Surplus):
            detail.show(show.surplus_paras(one, now))
        else:
            detail.show(self._nothing())

    def _nothing(self) -> tuple[Para, ...]:
        if self._found is None:
            return empty.away(self.store.why_down if self.store.down is not None else "Reading ...")
        if self.view == HITS:
            return show.nothing_found()
        if self.view == SURPLUS:
            return (para((f"Nothing of {self.collection} is too much.", "dim")),)
        return show.empty()

    def do_read(self) -> None:
        """Read again what the list shows."""
        self._read = True
        self._fetch()

    @work(exclusive=True, group="knowledge")
    async def _fetch(self) -> None:
        client = self.console.client
        try:
            self._found = await client.collections()
            if self.view == DOCUMENTS:
                self._documents = (await client.documents(self.collection)).documents
            elif self.view == SURPLUS:
                self._surplus = await client.surplus(self.collection)
            elif self.view == HITS:
                names = [self.collection] if self.collection else []
                self._answer = await client.search(self.question, names, MOST, self.mode)
            self._problem = ""
        except ConsoleError as error:
            self._problem = error.sentence
        self.repaint()
        self._ask_text()

    def _go(self, view: str, collection: str) -> None:
        self.view, self.collection, self._problem = view, collection, ""
        self._documents, self._surplus, self._answer, self._text = (), None, None, None
        self.repaint()
        self.query_one("#table", LiveTable).focus()
        self.do_read()

    def do_search(self) -> None:
        """Let the operator type what to look for."""
        self.open_entry("search", self.question)

    def entered(self, kind: str, text: str) -> None:
        """Look for what was typed: in the collection that is open, else in all."""
        if kind == "search" and text.strip():
            self.question = text.strip()
            self._go(HITS, self.collection if self.view != COLLECTIONS else "")

    def do_by(self) -> None:
        """Search by the next of both, words and meaning."""
        self.mode = MODES[(MODES.index(self.mode) + 1) % len(MODES)]
        if self.view == HITS:
            self.do_read()
        self.repaint()

    def do_surplus(self) -> None:
        """Show what of the chosen collection could go."""
        one = self.chosen
        self._go(SURPLUS, one.name if isinstance(one, Collection) else self.collection)

    def do_remove(self) -> None:
        """Remove the chosen document after one confirming key."""
        one, client, now = self.chosen, self.console.client, self.store.now()
        if isinstance(one, Surplus):
            name, number = self.collection, one.document.id
            self._ask(
                f"Remove {one.document.title}?", show.surplus_paras(one, now), lambda: client.sweep(name, [number])
            )
        elif isinstance(one, Document):
            number = one.id
            known = show.document_paras(one, None, now)[:-1]
            self._ask(f"Remove {one.title} from {one.collection}?", known, lambda: client.remove_document(number))

    def do_reindex(self) -> None:
        """Compute every vector of the chosen collection anew, after one confirming key."""
        if isinstance(one := self.chosen, Collection):
            name, client = one.name, self.console.client
            self._ask(f"Index {name} anew?", show.collection_paras(one), lambda: client.reindex(name))

    def _ask(self, question: str, known: tuple[Para, ...], then: Callable[[], Awaitable[object]]) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self._do(then)

        self.app.push_screen(Question(question, known), answered)

    @work(group="do", exit_on_error=False)
    async def _do(self, then: Callable[[], Awaitable[object]]) -> None:
        try:
            await then()
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        self.do_read()

    def hints(self) -> tuple[Action, ...]:
        """Return the actions that can be done with what is under the cursor."""
        return tuple(one for one in super().hints() if not self.why_not(one))

    def why_not(self, action: Action) -> str:
        """Return why an action makes no sense for what is under the cursor."""
        one = self.chosen
        if action.name == "remove" and not isinstance(one, Document | Surplus):
            return "No document is chosen: Enter opens a collection."
        if action.name == "reindex" and not isinstance(one, Collection):
            return "No collection is chosen."
        if action.name == "surplus" and not (isinstance(one, Collection) or self.collection):
            return "No collection is chosen."
        return "Nothing is chosen." if action.name == "copy" and one is None else ""

    def do_copy(self) -> None:
        """Offer what can be copied of the chosen one."""
        one = self.chosen
        if isinstance(one, Hit):
            offer(self.app, (("citation", one.citation), ("text", one.text), ("source", one.source)))
        elif isinstance(one, Document):
            offer(self.app, (("source", one.source), ("sha256", one.sha256)))
        elif isinstance(one, Surplus):
            offer(self.app, (("source", one.document.source),))
        elif isinstance(one, Collection):
            offer(self.app, (("name", one.name),))

    def do_back(self) -> None:
        """Go back: from the text to the list, from there to the collections, then to the last screen."""
        table = self.query_one("#table", LiveTable)
        if not table.has_focus:
            table.focus()
        elif self.view in (SURPLUS, HITS) and self.collection:
            self._go(DOCUMENTS, self.collection)
        elif self.view != COLLECTIONS:
            self._go(COLLECTIONS, "")
        else:
            self.console.back()

    @on(LiveTable.RowHighlighted, "#table")
    def _highlighted(self) -> None:
        self._paint_side()
        if isinstance(self.chosen, Document):
            self._ask_text()

    @on(LiveTable.RowSelected, "#table")
    def _selected(self) -> None:
        if isinstance(one := self.chosen, Collection):
            self._go(DOCUMENTS, one.name)
        else:
            self.query_one(Detail).focus()
            self._ask_text(opened=True)

    def _ask_text(self, *, opened: bool = False) -> None:
        one = self.chosen
        number = one.id if isinstance(one, Document) else one.document_id if isinstance(one, Hit) and opened else None
        if number is not None and (self._text is None or self._text.document.id != number):
            self._fetch_text(number)

    @work(exclusive=True, group="text", exit_on_error=False)
    async def _fetch_text(self, number: int) -> None:
        try:
            self._text = await self.console.client.document(number)
        except ConsoleError as error:
            self._problem = error.sentence
        self.repaint()
