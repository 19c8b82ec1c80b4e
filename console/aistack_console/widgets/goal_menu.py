"""GoalMenu: which set of services to bring up, with the plan of each shown before anything is chosen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from aistack_backend.wire.boot import Plan
from aistack_console.errors import ConsoleError
from aistack_console.present.boot import plan
from aistack_console.present.para import Para, para
from aistack_console.present.table import Column, Row
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable

ALL = "everything"
"""What the last line is called; its goal is the empty one."""
COLUMNS = (Column("SET", 14), Column("SERVICES", 0))


class GoalMenu(ModalScreen[str | None]):
    """Closes with the chosen goal; None = none was chosen."""

    DEFAULT_CSS = """
    GoalMenu { align: center middle; }
    GoalMenu > Vertical { width: 96; max-width: 100%; height: 90%; border: solid $border; background: $surface;
                          padding: 0 1; }
    GoalMenu Detail { height: 1fr; border-top: solid $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close", show=False, id="goal.close"),
    ]
    AUTO_FOCUS = "LiveTable"

    def __init__(
        self, heading: str, goals: Sequence[tuple[str, str]], plan_of: Callable[[str], Awaitable[Plan]]
    ) -> None:
        super().__init__()
        self._heading, self._goals, self._plan_of = heading, tuple(goals), plan_of

    def compose(self) -> ComposeResult:
        """Lay out the sets, and the plan of the one under the cursor."""
        with Vertical():
            yield Line(id="goal-head")
            yield LiveTable(COLUMNS, id="goals")
            yield Detail(id="plan")
            yield Line(id="goal-keys")

    def on_mount(self) -> None:
        """Fill the list and read the first plan."""
        self.query_one("#goal-head", Line).show(((self._heading, "accent"),))
        self.query_one("#goal-keys", Line).show(
            (
                ("enter", "accent"),
                " goes on to the question   ",
                ("tab", "accent"),
                " reads the plan   ",
                ("Esc", "accent"),
                " closes",
            )
        )
        table = self.query_one(LiveTable)
        table.styles.height = len(self._goals) + 1
        table.set_rows(tuple(Row(name or ALL, (name or ALL, (said, "dim"))) for name, said in self._goals))
        self._read()

    @work(exclusive=True, group="plan")
    async def _read(self) -> None:
        """Show the plan of the set under the cursor."""
        detail = self.query_one(Detail)
        detail.show((para(("Computing the plan ...", "dim")),), top=True)
        paras: Sequence[Para]
        try:
            paras = plan(await self._plan_of(self._goal()))
        except ConsoleError as error:
            paras = (para((error.sentence, "bad")),)
        detail.show(paras, top=True)

    def _goal(self) -> str:
        key = self.query_one(LiveTable).cursor_key or ALL
        return "" if key == ALL else key

    @on(LiveTable.RowHighlighted)
    def _moved(self) -> None:
        self._read()

    @on(LiveTable.RowSelected)
    def _chosen(self) -> None:
        self.dismiss(self._goal())
