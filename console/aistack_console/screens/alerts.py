"""Alerts: what fires, what people said to it, and whether each rule and target is alive."""

from __future__ import annotations

from typing import ClassVar

from textual import work

from aistack_backend.wire.alerts import Alert, RuleStanding
from aistack_backend.wire.events import Topic
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import alert_rows as show
from aistack_console.present import alerts as words
from aistack_console.present import empty
from aistack_console.present.para import para
from aistack_console.screens.listing import ListingScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line

SNOOZE = "minutes to snooze"
USUAL = "60"
"""What stands in the line when one snoozes."""


class AlertsScreen(ListingScreen):
    """The inbox, every rule and every target, and the chosen one in full."""

    NAME = "alerts"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="alerts.ack", keys="a", title="Say that you have seen it", hint="seen", mutates=True),
        Action(id="alerts.snooze", keys="s", title="Hear of it later", hint="snooze", mutates=True),
        Action(id="alerts.copy", keys="y", title="Copy its name or condition", hint="copy"),
        Action(id="alerts.back", keys="escape", title="Back to the last screen", hint="back"),
    )
    TOPICS = frozenset({Topic.ALERTS})
    CSS_PATH = "alerts.tcss"
    COLUMNS = show.COLUMNS

    @property
    def chosen(self) -> show.Chosen | None:
        """What is under the cursor."""
        return show.chosen(self.store.alerts, self.table.cursor_key or "")

    @property
    def alarm(self) -> Alert | None:
        """The alarm under the cursor."""
        one = self.chosen
        return one if isinstance(one, Alert) else None

    def paint(self) -> None:
        """Show the inbox, the rules and the targets."""
        found, now = self.store.alerts, self.store.now()
        said = show.problem(found)
        lead = (*show.head(found, now), *(((f"  {said}", "warn"),) if said else ()))
        self.query_one("#head", Line).show(lead)
        table = self.table
        table.set_rows(show.rows(found, now))
        share(self, table, len(table.rows) + 1, 2 / 3)
        self.paint_side()

    def paint_side(self) -> None:
        """Show the chosen one."""
        detail, one, found = self.query_one(Detail), self.chosen, self.store.alerts
        said = show.problem(found)
        beside = (para((said, "warn")),) if said else ()
        if one is not None:
            detail.show((*show.detail(one, self.store.now()), *beside))
        elif self.store.down is not None:
            detail.show(empty.away(self.store.why_down))
        else:
            detail.show((para(("No rule was looked at yet." if found is None else "No alarm.", "dim")), *beside))

    def why_not(self, action: Action) -> str:
        """Return why the chosen one can be neither seen nor snoozed."""
        if action.name in ("ack", "snooze"):
            one = self.alarm
            return "No alarm is chosen." if one is None else "It is over." if one.ended_at is not None else ""
        return "Nothing is chosen." if action.name == "copy" and self.chosen is None else ""

    def do_ack(self) -> None:
        """Say that it was seen."""
        if (one := self.alarm) is not None:
            self._say(one, None)

    def do_snooze(self) -> None:
        """Let the operator type for how many minutes."""
        self.open_entry(SNOOZE, USUAL)

    def entered(self, kind: str, text: str) -> None:
        """Snooze for what was typed."""
        one = self.alarm
        if kind != SNOOZE or one is None or not text.strip():
            return
        if not text.strip().isdigit():
            self.console.say("Write minutes as a number, e.g. 60.", "warn")
        else:
            self._say(one, int(text))

    @work(exclusive=True, group="say")
    async def _say(self, one: Alert, minutes: int | None) -> None:
        client = self.console.client
        try:
            done = await (client.acknowledge_alert(one.id) if minutes is None else client.snooze_alert(one.id, minutes))
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.console.say(f"Alarm {done.id} ({done.rule}): {words.state(done, self.store.now())}.")

    def do_copy(self) -> None:
        """Offer what can be copied of the chosen one."""
        one = self.chosen
        if isinstance(one, Alert):
            offer(self.app, (("rule", one.rule), ("line", f"aistack-console alerts ack {one.id}")))
        elif one is not None:
            more = (("condition", one.condition),) if isinstance(one, RuleStanding) else ()
            offer(self.app, (("name", one.name), *more))
