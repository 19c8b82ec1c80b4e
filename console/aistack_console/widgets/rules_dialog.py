"""RulesDialog: what people allowed in advance, and one key that takes it back."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from aistack_backend.wire.rules import RuleList
from aistack_console.present.rules import COLUMNS, rows
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable


class RulesDialog(ModalScreen[int | None]):
    """Closes with the number of the rule to revoke, or None."""

    DEFAULT_CSS = """
    RulesDialog { align: center middle; }
    RulesDialog > Vertical { width: 110; max-width: 100%; height: 20; max-height: 100%; border: solid $border;
                             background: $surface; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("X", "revoke", "Revoke", show=False, id="rules.revoke"),
        Binding("escape,q", "dismiss", "Close", show=False, id="rules.close"),
    ]
    AUTO_FOCUS = "LiveTable"

    def __init__(self, found: RuleList, now: float, off: str = "") -> None:
        super().__init__()
        self._found, self._now, self._off = found, now, off

    def compose(self) -> ComposeResult:
        """Lay out the list and the keys."""
        with Vertical():
            yield Line(id="rules-head")
            yield LiveTable(COLUMNS)

    def on_mount(self) -> None:
        """Fill the list."""
        holds = sum(not one.ended for one in self._found.rules)
        said = self._off or "X revokes, Esc closes"
        self.query_one(Line).show([(f"RULES  {holds} hold", "accent"), (f"   {said}", "dim")])
        self.query_one(LiveTable).set_rows(rows(self._found, self._now))

    def action_revoke(self) -> None:
        """Close with the rule under the cursor when it holds."""
        key = self.query_one(LiveTable).cursor_key
        chosen = next((one for one in self._found.rules if str(one.id) == key and not one.ended), None)
        if chosen is not None and not self._off:
            self.dismiss(chosen.id)
