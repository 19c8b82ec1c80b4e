"""The models that are here or offered: licence, origin, size; one confirming key fetches one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from aistack_backend.wire.models import ModelCard, ModelStatus
from aistack_console.errors import ConsoleError
from aistack_console.present import chat as words
from aistack_console.present.para import para
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.question import Question

if TYPE_CHECKING:
    from aistack_console.screens.base import BaseScreen


class ModelsPane(Vertical):
    """A list of models and all that is known of the one under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._cards: dict[str, ModelCard] = {}
        self._status: ModelStatus | None = None

    def compose(self) -> ComposeResult:
        """Lay out list, card and stages."""
        yield Line(id="models-title", classes="pane-title")
        yield LiveTable(words.CARD_COLUMNS, id="cards")
        yield Detail(id="card")

    def on_mount(self) -> None:
        """Say which keys work here."""
        self.query_one("#models-title", Line).show([("Models", "accent"), ("  enter fetches or uses, M closes", "dim")])

    def show(self, status: ModelStatus | None) -> None:
        """Show the models of this status."""
        self._status = status
        self._cards = {card.id: card for card in status.cards} if status else {}
        self.query_one("#cards", LiveTable).set_rows(words.card_rows(status))
        self._show_card()

    @on(LiveTable.RowHighlighted, "#cards")
    def _show_card(self) -> None:
        card = self._cards.get(self.query_one("#cards", LiveTable).cursor_key or "")
        stages = self._status.stages if self._status else ()
        now = cast("BaseScreen", self.screen).store.now()
        paras = words.card_paras(card) if card else ()
        self.query_one("#card", Detail).show((*paras, *(para(*words.stage_cells(stage, now)) for stage in stages)))

    @on(LiveTable.RowSelected, "#cards")
    def _chosen(self, event: LiveTable.RowSelected) -> None:
        card = self._cards.get(event.key)
        if card is None or card.active:
            return
        screen = cast("BaseScreen", self.screen)
        send = screen.console.registry.get("chat.send")
        if send and (why := screen.reason(send)):
            screen.console.say(why, "warn")
            return
        fetch = not card.path
        question = f"Fetch {card.name}?" if fetch else f"Use {card.name} from now on?"

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._do(card.id, fetch), group="models", exit_on_error=False)

        self.app.push_screen(Question(question, words.card_paras(card)), answered)

    async def _do(self, card_id: str, fetch: bool) -> None:
        console = cast("BaseScreen", self.screen).console
        try:
            done = console.client.fetch_model if fetch else console.client.use_model
            self.show(await done(card_id))
        except ConsoleError as error:
            console.say(error.sentence, "bad")
