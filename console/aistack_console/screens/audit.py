"""Audit: every human, agent and automatic action, with a check of the whole chain on one key."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from aistack_backend.wire.audit import AuditCheck, AuditRecord
from aistack_backend.wire.events import Topic
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import empty
from aistack_console.present.audit import COLUMNS, copies, detail, head, rows
from aistack_console.screens.base import BaseScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable

PAGE = 200
"""Records read at once."""


class AuditScreen(BaseScreen):
    """The records, newest first; older ones are read when the cursor comes to the end."""

    NAME = "audit"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="audit.verify", keys="v", title="Check the whole chain", hint="verify"),
        Action(id="audit.filter", keys="slash", title="Filter by a text", hint="filter"),
        Action(id="audit.copy", keys="y", title="Copy the record's hash or line", hint="copy"),
        Action(id="audit.clear", keys="escape", title="Clear the filter"),
    )
    TOPICS = frozenset({Topic.AUDIT})
    CSS_PATH = "audit.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._records: tuple[AuditRecord, ...] = ()
        self._total = 0
        self._check: AuditCheck | None = None
        self._problem = ""
        self._read_at: object = self  # nothing was read yet

    def compose_body(self) -> ComposeResult:
        """Yield list and record."""
        yield Line(id="head")
        yield Line(id="problem")
        with Horizontal(id="panes"):
            yield LiveTable(COLUMNS, id="table")
            yield Detail(id="detail")

    def paint(self) -> None:
        """Show what was read; read again when the log grew."""
        now, newest = self.store.now(), self.store.audit
        if newest is not self._read_at and self.store.down is None:
            self._read_at = newest
            self._read()
        self.query_one("#head", Line).show(head(self._check, len(self._records), self._total, self.text, now))
        problem = self.query_one("#problem", Line)
        problem.display = bool(self._problem)
        problem.show(((self._problem, "bad"),))
        table = self.query_one("#table", LiveTable)
        table.set_rows(rows(self._records, now))
        share(self, table, len(self._records) + 1, 3 / 5)
        self._paint_side()

    def _paint_side(self) -> None:
        one = self.chosen
        known = self._total or self.store.audit is not None or self.text
        nothing = empty.audit(self.text) if known else empty.away(self.store.why_down)
        self.query_one(Detail).show(detail(one, self.store.now()) if one else nothing)

    @property
    def chosen(self) -> AuditRecord | None:
        """The record under the cursor."""
        key = self.query_one("#table", LiveTable).cursor_key
        return next((one for one in self._records if str(one.seq) == key), None)

    @work(exclusive=True, group="audit")
    async def _read(self, before: int | None = None) -> None:
        try:
            page = await self.console.client.audit(limit=PAGE, before=before, text=self.text)
        except ConsoleError as error:
            self._problem = error.sentence
        else:
            self._problem = ""
            self._records = page.records if before is None else (*self._records, *page.records)
            self._total = page.total
        self.repaint()

    @work(exclusive=True, group="verify")
    async def do_verify(self) -> None:
        """Check the whole chain and its witness."""
        try:
            self._check = await self.console.client.verify_audit()
        except ConsoleError as error:
            self._problem = error.sentence
        self.repaint()

    def do_filter(self) -> None:
        """Let the operator type a filter."""
        self.open_entry("filter", self.text)

    def do_clear(self) -> None:
        """Clear the filter."""
        self.set_filter("")

    def set_filter(self, text: str) -> None:
        """Filter by another text."""
        if text != self.text:
            self.text = text
            self._read()

    def do_copy(self) -> None:
        """Offer what can be copied of the chosen record."""
        if (one := self.chosen) is not None:
            offer(self.app, copies(one))

    @on(LiveTable.RowHighlighted, "#table")
    def _highlighted(self) -> None:
        self._paint_side()
        one = self.chosen
        if one and one is self._records[-1] and len(self._records) < self._total:
            self._read(before=one.seq)

    @on(LiveTable.RowSelected, "#table")
    def _selected(self) -> None:
        self.query_one(Detail).focus()
