"""Logs: the lines of chosen containers, merged by time, filtered, searched and saved."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.worker import Worker

from aistack_backend.wire.config import Config
from aistack_backend.wire.containers import Container, LogBatch
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import SourceState
from aistack_console.client.pace import Pace
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present.log_status import (
    LEVELS,
    SOURCE_COLUMNS,
    Seen,
    empty_text,
    entry_paras,
    saved_line,
    source_rows,
    status_cells,
)
from aistack_console.present.logs import LogRing, Wanted, unseen, wanted
from aistack_console.present.units import many
from aistack_console.present.words import source_line
from aistack_console.saving import save_lines
from aistack_console.screens.base import BaseScreen
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.empty import Empty
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.log_view import LogView

TAIL = 1000
"""Lines of the past that a container begins with."""
CHUNK = 250
"""Lines taken in before keys get a turn."""
PAUSE, LONG = 0.05, 0.15
"""Seconds between two paints of the log while lines come, and while more come than anybody reads."""
FLOOD = 500
"""Lines between two paints that are more than anybody reads."""
RETRY = (1.0, 2.0, 5.0)
"""Seconds to wait before asking again for lines that broke off; the last one repeats."""


class LogsScreen(BaseScreen):
    """Choose containers with space; their lines are read until they are unchosen."""

    NAME = "logs"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="logs.sources", keys="space", title="Choose containers", hint="sources"),
        Action(id="logs.lines", keys="escape", title="Back from the containers to the lines", hint="lines"),
        Action(id="logs.filter", keys="slash", title="Show only lines that match (! inverts)", hint="filter"),
        Action(id="logs.highlight", keys="backslash", title="Filter, or highlight only", hint="highlight"),
        Action(id="logs.next", keys="n", title="Next hit"),
        Action(id="logs.previous", keys="N", title="Previous hit"),
        Action(id="logs.follow", keys="f", title="Follow the newest line", hint="follow"),
        Action(id="logs.wrap", keys="w", title="Wrap long lines", hint="wrap"),
        Action(id="logs.time", keys="t", title="Show the time", hint="time"),
        Action(id="logs.level", keys="L", title="Least level shown", hint="level"),
        Action(id="logs.pretty", keys="v", title="JSON and logfmt as message and fields", hint="pretty"),
        Action(id="logs.fields", keys="enter", title="The current line in full", hint="line"),
        Action(id="logs.save", keys="s", title="Save the shown lines to a file", hint="save"),
    )
    TOPICS = frozenset({Topic.FLEET})
    CSS_PATH = "logs.tcss"
    AUTO_FOCUS = "LogView"

    def __init__(self) -> None:
        super().__init__()
        self.ring = LogRing()
        self._errors: dict[int, int] = {}
        self._readers: dict[str, Worker[None]] = {}
        self._faults: dict[str, str] = {}
        self._text = ""
        self._highlight_only = False
        self._paint_due = self._flood = False
        self._came = 0
        self._pace = Pace()

    def compose_body(self) -> ComposeResult:
        """Lay out sources, log and the fields of the current line."""
        yield Line(id="log-status", classes="pane-title")
        with Horizontal():
            yield LiveTable(SOURCE_COLUMNS, markable=True, id="sources")
            with Vertical():
                yield LogView(self.ring, id="log")
                yield Empty(id="log-empty")
            yield Detail(id="fields")

    @property
    def _view(self) -> LogView:
        return self.query_one(LogView)

    def receive(self, argument: str) -> None:
        """Read exactly the containers named (names, ids or their beginnings)."""
        words = argument.split()
        fleet = self.store.fleet
        if not words or fleet is None:
            return
        known = fleet.containers
        found = {one.ref for one in known if any(_meant(one, word) for word in words)}
        missing = [word for word in words if not any(_meant(one, word) for one in known)]
        if missing:
            self.console.say(f"There is no container {', '.join(missing)}.", "warn")
        if not found:
            return
        self._choose(found)
        self.query_one("#sources", LiveTable).move_to(min(found))
        self.do_lines()

    def paint(self) -> None:
        """Show the containers, and the lines if more came."""
        self._name_sources()
        self._paint_sources()
        self._paint_log()

    def _paint_sources(self) -> None:
        store = self.store
        self._errors = dict(self.ring.errors)
        rows = source_rows(store.fleet, self.ring, self._readers.keys(), store.down, store.now())
        table = self.query_one("#sources", LiveTable)
        table.set_rows(rows)
        if table.marked != self._readers.keys():
            table.set_marked(tuple(self._readers))

    def _name_sources(self) -> None:
        fleet = self.store.fleet
        if fleet is not None:
            chosen = [one for one in fleet.containers if one.ref in self._readers]
            self._view.names = {self.ring.source(one.ref): one.full_name for one in chosen}

    def _paint_log(self) -> None:
        seen = self._seen()
        self.query_one("#log-status", Line).show(status_cells(self.ring, seen))
        empty = not self.ring.view
        self.query_one(Empty).display = empty
        self._view.display = not empty or bool(self._readers)
        if empty:
            self.query_one(Empty).say(empty_text(seen, self._fleet_fault()))
        self._view.show_new()
        if self.ring.errors != self._errors:
            self._paint_sources()
        # hidden or not: whether it is shown may be known only after the paint
        self.query_one("#fields", Detail).show(entry_paras(self._view.current, self._view.names))

    def _fleet_fault(self) -> str:
        fleet = self.store.fleet
        if fleet is None:
            return self.store.why_down or "The containers have not been measured yet."
        return "" if fleet.source.state is SourceState.OK else source_line(fleet.source, self.store.now())

    def _seen(self) -> Seen:
        fleet = self.store.fleet
        return Seen(
            names=tuple(sorted(self._view.names.values())),
            known=len(fleet.containers) if fleet else None,
            follow=self._view.follow,
            highlight=self._text if self._highlight_only else "",
            faults=tuple(self._faults.values()),
        )

    def _choose(self, ids: set[str]) -> None:
        fleet = self.store.fleet
        names = {one.ref: one for one in fleet.containers} if fleet else {}
        for gone in self._readers.keys() - ids:
            self._readers.pop(gone).cancel()
            self._faults.pop(gone, None)
            self.ring.forget(gone)
        new = [one for key, one in names.items() if key in ids and key not in self._readers]
        for one in sorted(new, key=lambda one: one.full_name):
            self.ring.source(one.ref)
            self._readers[one.ref] = self.run_worker(self._read(one), group="logs", exit_on_error=False)
        self.ring.limit(self._kept * len(self._readers))
        self._name_sources()
        self.paint()

    @property
    def _kept(self) -> int:
        """Lines kept for each container, as the config file says."""
        config: Config = getattr(self.app, "config", Config())
        return config.console.log_lines

    async def _read(self, one: Container) -> None:
        """Take in the lines of one container, and ask again from the last stamp when they break off."""
        tries = 0
        while True:
            since = self.ring.last_at(one.ref)
            known = self.ring.known_since(one.ref, since)
            try:
                async for batch in self.console.client.logs(one.ref, tail=TAIL, since=since, follow=True):
                    tries = 0
                    self._faults.pop(one.ref, None)
                    await self._take(unseen(batch, known) if known else batch)
            except ConsoleError as error:
                self._faults[one.ref] = f"{one.full_name}: {error.sentence}"
                self._soon(0)
            await asyncio.sleep(RETRY[min(tries, len(RETRY) - 1)])
            tries += 1

    async def _take(self, batch: LogBatch) -> None:
        for start in range(0, max(len(batch.lines), 1), CHUNK):
            part = batch.lines[start : start + CHUNK]
            dropped = batch.dropped if start == 0 else 0
            self.ring.add([LogBatch(id=batch.id, lines=part, dropped=dropped)])
            self._soon(len(part))
            await self._pace.rest(self._last_key)

    def _last_key(self) -> float:
        return getattr(self.app, "last_key", 0.0)

    def _soon(self, came: int) -> None:
        self._came += came
        if not self._paint_due and self.is_current:
            self._paint_due = True
            self.set_timer(LONG if self._flood else PAUSE, self._paint_new)

    def _paint_new(self) -> None:
        """Paint what came, after what a key just did."""
        if (left := self._pace.held(self._last_key())) > 0:
            self.set_timer(left, self._paint_new)
            return
        self._flood, self._came, self._paint_due = self._came >= FLOOD, 0, False
        self._paint_log()

    @on(LiveTable.RowMarked, "#sources")
    def _marked(self, event: LiveTable.RowMarked) -> None:
        self._choose(set(event.table.marked))

    @on(LiveTable.RowSelected, "#sources")
    def _only(self, event: LiveTable.RowSelected) -> None:
        self._choose({event.key})
        self.do_sources()

    @on(LogView.Moved)
    def _moved(self) -> None:
        self._paint_log()

    def filter_text(self) -> str:
        """Return what was typed after ``/``."""
        return self._text

    def set_filter(self, text: str) -> None:
        """Show, or highlight, what matches."""
        self._text = text
        level = self.ring.wanted.level
        found = wanted(text)
        self._view.search = found.pattern if not found.inverse else None
        self.ring.want(wanted("" if self._highlight_only else text, level))
        self._paint_log()

    def do_filter(self) -> None:
        """Type a filter."""
        self.open_entry("filter", self._text)

    def do_highlight(self) -> None:
        """Hide what does not match, or show it too."""
        self._highlight_only = not self._highlight_only
        self.set_filter(self._text)

    def do_next(self) -> None:
        """Go to the next hit."""
        self._hit(1)

    def do_previous(self) -> None:
        """Go to the previous hit."""
        self._hit(-1)

    def _hit(self, step: int) -> None:
        if self._view.search is None:
            self.console.say("Nothing is searched yet: type / and what to find.")
        elif not self._view.go_to_hit(step):
            self.console.say("No further hit that way.")

    def do_follow(self) -> None:
        """Follow, or hold the line."""
        with self.prevent(LogView.Moved):
            self._view.toggle_follow()
        self._paint_log()  # here, so that the line above it changes in the same frame

    def do_wrap(self) -> None:
        """Wrap, or cut at the edge."""
        self._view.wrap_lines = not self._view.wrap_lines
        self._view.show_new()

    def do_time(self) -> None:
        """Show or hide the time."""
        self._view.show_time = not self._view.show_time
        self._view.show_new()

    def do_level(self) -> None:
        """Go to the next least level."""
        now: Wanted = self.ring.wanted
        level = LEVELS[(LEVELS.index(now.level) + 1) % len(LEVELS)]
        self.ring.want(wanted(now.text, level))
        self._paint_log()

    def do_pretty(self) -> None:
        """Show lines with fields folded, or as they came."""
        self._view.fold = not self._view.fold
        self._view.show_new()

    def do_fields(self) -> None:
        """Show the current line in full, or hide it."""
        self.toggle_class("-fields")
        self.call_after_refresh(self._paint_log)

    def do_sources(self) -> None:
        """Go to the list of containers, or back to the lines."""
        table = self.query_one("#sources", LiveTable)
        if table.has_focus:
            self.do_lines()
        else:
            self.add_class("-sources")
            self.set_focus(table)  # at once: ``focus()`` waits behind keys that came with this one

    def do_lines(self) -> None:
        """Go to the lines."""
        self.remove_class("-sources")
        self.set_focus(self._view)

    async def do_save(self) -> None:
        """Write the shown lines to a file in the data directory."""
        lines = [saved_line(entry, self._view.names) for entry in self.ring.view]
        if not lines:
            self.console.say("There is no line to save.", "warn")
            return
        try:
            path = await asyncio.to_thread(save_lines, self.console.options.data_dir / "saved", "logs", lines)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.console.say(f"{many(len(lines), 'line')} saved to {path}.")


def _meant(one: Container, word: str) -> bool:
    return word == one.full_name or one.ref.startswith(word)
