"""Models: what the engine holds, every model on this machine or offered, and the endpoints elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical

from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import ModelCard, Stage
from aistack_backend.wire.providers import ProviderList
from aistack_backend.wire.shelf import ModelDetail
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import empty
from aistack_console.present import models as show
from aistack_console.present import providers as elsewhere
from aistack_console.present.engine import engine_paras
from aistack_console.present.para import Para, para
from aistack_console.screens.base import BaseScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.note import Note
from aistack_console.widgets.question import Question

LOOK = 5.0
"""Seconds until how the endpoints elsewhere do is read again; nothing is sent to them for it."""


class ModelsScreen(BaseScreen):
    """The engine above, the list, and the chosen model in full."""

    NAME = "models"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="models.use", keys="u", title="Load this model, for everybody", hint="use", mutates=True),
        Action(id="models.fetch", keys="f", title="Fetch it, or go on with a fetch", hint="fetch", mutates=True),
        Action(id="models.add", keys="a", title="Fetch another by URL or OWNER/REPO:FILE", hint="add", mutates=True),
        Action(id="models.cancel", keys="c", title="Stop its fetch; what came is kept", hint="cancel", mutates=True),
        Action(id="models.bench", keys="b", title="Measure it with one short answer", hint="bench", mutates=True),
        Action(id="models.remove", keys="X", title="Remove it from our own cache", hint="remove", mutates=True),
        Action(id="models.read", keys="r", title="Look through the stores again", hint="look"),
        Action(id="models.filter", keys="slash", title="Filter by name, store, licence", hint="filter"),
        Action(id="models.copy", keys="y", title="Copy its id, path or sha256", hint="copy"),
        Action(id="models.back", keys="escape", title="Clear the filter, or back to the last screen", hint="back"),
    )
    TOPICS = frozenset({Topic.MODEL, Topic.SHELF})
    CSS_PATH = "models.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._detail: ModelDetail | None = None
        self._providers: ProviderList | None = None
        self._looked: float | None = None

    def compose_body(self) -> ComposeResult:
        """Yield engine, head, list, the chosen model and the endpoints elsewhere."""
        yield Note(id="engine")
        yield Line(id="head", classes="pane-title")
        with Vertical(id="panes"):
            yield LiveTable(show.COLUMNS, id="table")
            yield Detail(id="detail")
        yield Note(id="providers")

    @property
    def chosen(self) -> ModelCard | None:
        """The model under the cursor."""
        key = self.query_one("#table", LiveTable).cursor_key
        return next((card for card in self.store.shelf.cards if card.id == key), None) if self.store.shelf else None

    @property
    def _stages(self) -> tuple[Stage, ...]:
        model, shelf = self.store.model, self.store.shelf
        return (*(model.stages if model else ()), *(shelf.stages if shelf else ()))

    def paint(self) -> None:
        """Show the engine, the list and the chosen model."""
        store, now, roomy = self.store, self.store.now(), self.app.size.height >= 30
        self.query_one("#engine", Note).show(engine_paras(store.model, now, slots=roomy))
        self.query_one("#head", Line).show(show.head(store.shelf, self.text, now))
        table = self.query_one("#table", LiveTable)
        table.set_rows(show.rows(store.shelf, self._stages, self.text))
        share(self, table, len(table.rows) + 1, 0.45)
        self._paint_side()
        self._paint_providers(now, roomy=roomy)

    def _paint_providers(self, now: float, *, roomy: bool) -> None:
        if self.store.down is None and (self._looked is None or now - self._looked >= LOOK):
            self._looked = now
            self._look()
        note = self.query_one("#providers", Note)
        found = elsewhere.paras(self._providers, now, 6 if roomy else 2, wide=self.app.size.width >= 120)
        note.display = bool(found)
        note.show(found)

    @work(exclusive=True, group="providers", exit_on_error=False)
    async def _look(self) -> None:
        try:
            self._providers = await self.console.client.providers()
        except ConsoleError:
            return  # an older backend has none; what was known stays
        self._paint_providers(self.store.now(), roomy=self.app.size.height >= 30)

    def _paint_side(self) -> None:
        detail, card, now = self.query_one(Detail), self.chosen, self.store.now()
        if card is not None:
            known = self._detail if self._detail and self._detail.card.id == card.id else None
            measured = known.measured if known else ()
            paras = show.card_paras(card, measured, self._stages, now)
            detail.show((*paras, *show.store_paras(self.store.shelf, now)))
        elif self.store.shelf is None:
            why = self.store.why_down if self.store.down is not None else "The stores have not been looked through yet."
            detail.show(empty.away(why))
        else:
            detail.show((para(("No model fits the filter.", "dim")),))

    @on(LiveTable.RowHighlighted, "#table")
    def _highlighted(self) -> None:
        self._paint_side()
        if self.chosen is not None:
            self._measured(self.chosen.id)

    @work(exclusive=True, group="detail", exit_on_error=False)
    async def _measured(self, card_id: str) -> None:
        try:
            self._detail = await self.console.client.model(card_id)
        except ConsoleError:
            return  # its history stays unknown; the list goes on
        self._paint_side()

    @on(LiveTable.RowSelected, "#table")
    async def _selected(self) -> None:
        if (card := self.chosen) is not None and not card.active:
            await self.action_run("models.use" if card.path else "models.fetch")

    def hints(self) -> tuple[Action, ...]:
        """Return the actions that can be done with the chosen model."""
        return tuple(one for one in super().hints() if not self.why_not(one))

    def why_not(self, action: Action) -> str:
        """Return why an action makes no sense for the model under the cursor."""
        card = self.chosen
        if action.name in {"read", "filter", "back", "add"}:
            return ""
        if card is None:
            return "No model is chosen."
        reasons = {
            "use": "It is loaded already."
            if card.active
            else card.cannot_chat or ("" if card.path else "Fetch it first."),
            "fetch": "It is on its way." if card.fetching else "It is here already." if card.path else "",
            "cancel": "" if card.fetching else "It is not being fetched.",
            "bench": "" if card.active else "Only the loaded model can be measured: use it first.",
            "remove": "It is loaded." if card.active else "" if card.removable else "It is not in our own cache.",
        }
        return reasons.get(action.name, "")

    def do_use(self) -> None:
        """Load the chosen model after one confirming key."""
        if card := self.chosen:
            known = show.card_paras(card, (), (), self.store.now())
            self._ask(f"Use {card.name} from now on?", known, lambda: self.console.client.use_model(card.id))

    def do_fetch(self) -> None:
        """Fetch the chosen model after one confirming key."""
        if card := self.chosen:
            known = show.card_paras(card, (), (), self.store.now())
            self._ask(f"Fetch {card.name}?", known, lambda: self.console.client.fetch_model(card.id))

    def _ask(self, question: str, known: tuple[Para, ...], then: Callable[[], Awaitable[object]]) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self._do(then, "")

        self.app.push_screen(Question(question, known), answered)

    @work(group="do", exit_on_error=False)
    async def _do(self, then: Callable[[], Awaitable[object]], said: str) -> None:
        try:
            await then()
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            if said:
                self.console.say(said)
        if card := self.chosen:
            self._measured(card.id)

    def do_add(self) -> None:
        """Let the operator type where a model is to come from."""
        self.open_entry("source")

    def do_remove(self) -> None:
        """Let the operator type the id of what is to go."""
        if card := self.chosen:
            self.console.say(f"Type {card.id} to remove it; there is no undo.", "warn")
            self.open_entry("remove")

    def entered(self, kind: str, text: str) -> None:
        """Take a source, or the typed name of a removal."""
        card, typed = self.chosen, text.strip()
        if kind == "source" and typed:
            known = (para("It is fetched from there into our own cache; that machine learns the address."),)
            self._ask(f"Fetch {typed}?", known, lambda: self.console.client.fetch_from(typed))
        elif kind == "remove" and card is not None:
            self._do(lambda: self.console.client.remove_model(card.id, typed), f"{card.name} was removed.")

    def do_cancel(self) -> None:
        """Stop the fetch of the chosen model."""
        if card := self.chosen:
            self._do(lambda: self.console.client.cancel_fetch(card.id), f"The fetch of {card.name} was stopped.")

    def do_bench(self) -> None:
        """Measure the loaded model."""
        if card := self.chosen:
            self.console.say(f"Measuring {card.name} ...")
            self._do(lambda: self.console.client.bench_model(card.id), "")

    def do_read(self) -> None:
        """Have the stores looked through again; the list comes as an event."""
        self._do(lambda: self.console.client.shelf(fresh=True), "")

    def do_filter(self) -> None:
        """Let the operator type a filter."""
        self.open_entry("filter", self.text)

    def filter_text(self) -> str:
        """Return the filter."""
        return self.text

    def set_filter(self, text: str) -> None:
        """Filter by another text."""
        self.text = text
        self.repaint()

    def do_copy(self) -> None:
        """Offer what can be copied of the chosen model."""
        if card := self.chosen:
            found = (("id", card.id), ("path", card.path), ("sha256", card.sha256))
            offer(self.app, tuple(one for one in found if one[1]))

    def do_back(self) -> None:
        """Clear the filter, or go back to the last screen."""
        if self.text:
            self.set_filter("")
        else:
            self.console.back()
