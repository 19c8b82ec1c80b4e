"""Resources: the machine with its trends, its GPUs, and what each container takes of it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll

from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import resources as show
from aistack_console.present.units import percent, size
from aistack_console.screens.base import BaseScreen
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.note import Note
from aistack_console.widgets.spark import Spark

TRENDS = {"cpu": "host.cpu", "mem": "host.memory", "net in": "host.net_in", "net out": "host.net_out"}
"""Label of a trend and its series in the recorder."""
KEPT = 300
"""Samples of a trend kept: ten minutes at one sample in two seconds."""
BACK = 600.0
"""Seconds of the past that are asked of the recorder."""


class ResourcesScreen(BaseScreen):
    """Trends begin with what the recorder holds and go on with what comes."""

    NAME = "resources"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="resources.sort", keys="o", title="Sort by processor, memory, name", hint="sort"),
        Action(id="resources.logs", keys="l", title="Logs of the container", hint="logs"),
        Action(id="resources.models", keys="M", title="Models: the engine, its memory, what fits", hint="models"),
        Action(id="resources.describe", keys="d", title="The container in Services", hint="describe"),
    )
    TOPICS = frozenset({Topic.HOST, Topic.USAGE, Topic.FLEET})
    CSS_PATH = "resources.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._sort = 0
        self._trends: dict[str, deque[float | None]] = {label: deque(maxlen=KEPT) for label in TRENDS}
        self._seen: HostSample | None = None

    def compose_body(self) -> ComposeResult:
        """Lay out machine, GPUs and containers."""
        yield Line(id="host", classes="pane-title")
        with Horizontal(id="machine"):
            with Vertical(id="trends"):
                for label in TRENDS:
                    yield Spark(label)
                yield Note(id="disks")
            with VerticalScroll(id="gpus", can_focus=False):
                yield Note(id="gpu")
        yield Line(id="usage-head", classes="pane-title")
        yield LiveTable(show.USAGE_COLUMNS, id="usage")

    def on_mount(self) -> None:
        """Ask the recorder for the past."""
        self.run_worker(self._past(), group="series", exclusive=True, exit_on_error=False)

    async def _past(self) -> None:
        client, since = self.console.client, self.store.now() - BACK
        try:
            found = await asyncio.gather(*(client.series(name, since) for name in TRENDS.values()))
        except ConsoleError:
            return  # the trends then begin now; the link line says that the backend is away
        for label, series in zip(TRENDS, found, strict=True):
            before = [value for at, value in zip(series.times, series.values, strict=False) if self._before(at)]
            now = list(self._trends[label])
            self._trends[label] = deque([*before, *now], maxlen=KEPT)
        self.repaint()

    def _before(self, at: float) -> bool:
        return self._seen is None or at < self._seen.at

    def paint(self) -> None:
        """Show the newest samples."""
        store, now = self.store, self.store.now()
        self._take(store.host)
        self.query_one("#host", Line).show(show.host_cells(store.host, now, store.down))
        self._paint_trends(store.host)
        self.query_one("#disks", Note).show(show.disk_paras(store.host))
        names = {one.id: one.name for one in store.fleet.local} if store.fleet else {}
        self.query_one("#gpu", Note).show(show.gpu_paras(store.host, names))
        sort = show.SORTS[self._sort]
        budget = show.budget(store.fleet, store.usage_table, store.host)
        self.query_one("#usage-head", Line).show((("CONTAINERS ", "accent"), (f"by {sort}  ", "dim"), *budget))
        total = store.host.memory_total if store.host else None
        rows = show.usage_rows(store.fleet, store.usage_table, sort, now=now, down=store.down, total=total)
        self.query_one("#usage", LiveTable).set_rows(rows)

    def _take(self, host: HostSample | None) -> None:
        if host is None or host == self._seen:
            return
        self._seen = host
        values = (host.cpu_percent, host.memory_used, host.net_in_rate, host.net_out_rate)
        for trend, value in zip(self._trends.values(), values, strict=True):
            trend.append(value)

    def _paint_trends(self, host: HostSample | None) -> None:
        memory = f"{size(host.memory_used)}/{size(host.memory_total)}" if host else "-"
        said = {
            "cpu": f"{percent(host.cpu_percent)}%" if host else "-",
            "mem": memory,
            "net in": f"{size(host.net_in_rate)}/s" if host else "-",
            "net out": f"{size(host.net_out_rate)}/s" if host else "-",
        }
        tops = {"cpu": 100.0, "mem": float(host.memory_total) if host and host.memory_total else None}
        for widget, (label, trend) in zip(self.query(Spark), self._trends.items(), strict=True):
            widget.show(trend, said[label], tops.get(label))

    def do_sort(self) -> None:
        """Sort by the next measure."""
        self._sort = (self._sort + 1) % len(show.SORTS)
        self.repaint()

    def _chosen_name(self) -> str:
        key = self.query_one("#usage", LiveTable).cursor_key
        fleet = self.store.fleet
        return next((one.full_name for one in fleet.containers if one.ref == key), "") if fleet else ""

    def why_not(self, action: Action) -> str:
        """Say that no container is chosen."""
        return "No container is chosen." if action.name in {"logs", "describe"} and not self._chosen_name() else ""

    def do_logs(self) -> None:
        """Go to the logs of the container."""
        self.console.goto("logs", self.query_one("#usage", LiveTable).cursor_key or "")

    def do_models(self) -> None:
        """Go to the models."""
        self.console.goto("models")

    def do_describe(self) -> None:
        """Go to the container in Services."""
        self.console.goto("services", self._chosen_name())

    @on(LiveTable.RowSelected, "#usage")
    def _selected(self) -> None:
        self.do_describe()
