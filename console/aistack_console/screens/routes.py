"""Routes: the questions that were asked, the way each took and what left for it; the lock and the budgets."""

from __future__ import annotations

from typing import ClassVar

from textual import work

from aistack_backend.wire.routing import FeedbackRequest, Outbound, Replay, Routed, RouteList, RouteStats, Routing
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import empty
from aistack_console.present import routes as show
from aistack_console.present.para import Para, fact, para, title
from aistack_console.present.table import Tone
from aistack_console.screens.listing import ListingScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.question import Question

EVERY = 10.0
"""Seconds after which it is read again while it is shown."""


class RoutesScreen(ListingScreen):
    """The newest questions, and the chosen one with its way."""

    NAME = "routes"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="routes.lock", keys="L", title="Close or open the way out", hint="lock", mutates=True),
        Action(id="routes.replay", keys="p", title="Ask again on both routes", hint="replay", mutates=True),
        Action(id="routes.good", keys="o", title="Judge the answer good", hint="good", mutates=True),
        Action(id="routes.bad", keys="b", title="Judge the answer bad", hint="bad", mutates=True),
        Action(id="routes.read", keys="r", title="Read again", hint="read"),
        Action(id="routes.copy", keys="y", title="Copy the question, the answer or what left", hint="copy"),
        Action(id="routes.back", keys="escape", title="Back to the last screen", hint="back"),
    )
    TOPICS = frozenset()
    CSS_PATH = "routes.tcss"
    COLUMNS = show.COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self._routes: RouteList | None = None
        self._routing: Routing | None = None
        self._stats: RouteStats | None = None
        self._at: float | None = None
        self._tried = 0.0
        self._problem, self._reading = "", False
        self._sent: dict[int, tuple[Outbound, ...]] = {}
        self._sent_problem = ""
        self._replay: Replay | None = None

    @property
    def chosen(self) -> Routed | None:
        """The question under the cursor."""
        key = self.table.cursor_key
        return next((one for one in self._routes.routes if str(one.id) == key), None) if self._routes else None

    def paint(self) -> None:
        """Show what was read; read when nobody has yet."""
        now = self.store.now()
        old = now - self._tried > EVERY
        if self.store.down is None and not self._reading and old:
            self._reading = True
            self._fetch()
        self.query_one("#head", Line).show((*show.head(self._routing, self._stats, self._at, now), *self._failed()))
        self.table.set_rows(show.rows(self._routes.routes, now) if self._routes else ())
        share(self, self.table, len(self.table.rows) + 1, 1 / 2)
        self.paint_side()

    def _failed(self) -> tuple[tuple[str, Tone], ...]:
        """Return why what is shown gets older."""
        return ((f"  {self._problem}", "bad"),) if self._problem and self._routing else ()

    def paint_side(self) -> None:
        """Show the chosen question, or how the coordinator stands."""
        detail, one = self.query_one(Detail), self.chosen
        if one is None:
            detail.show(self._nothing())
            return
        if one.id not in self._sent and self.store.down is None:
            self._look(one.id)
        replayed = _replayed(self._replay) if self._replay and self._replay.of == one.id else ()
        standing = show.standing(self._routing) if self._routing else ()
        detail.show((*replayed, *show.detail(one, self._sent.get(one.id), self._sent_problem), *standing))

    def _nothing(self) -> tuple[Para, ...]:
        if self._problem:
            return (para((self._problem, "bad")),)
        if self._routes is None:
            return empty.away(self.store.why_down if self.store.down is not None else "Reading ...")
        return (*empty.routes(), *(show.standing(self._routing) if self._routing else ()))

    @work(exclusive=True, group="routes")
    async def _fetch(self) -> None:
        client = self.console.client
        try:
            self._routing = await client.routing()
            self._stats = await client.route_stats()
            self._routes = await client.routes()
            self._at, self._problem = self.store.now(), ""
        except ConsoleError as error:
            self._problem = error.sentence
        self._reading, self._tried = False, self.store.now()
        self.repaint()

    @work(exclusive=True, group="outbound")
    async def _look(self, number: int) -> None:
        try:
            self._sent[number] = (await self.console.client.outbound(number)).sent
            self._sent_problem = ""
        except ConsoleError as error:
            self._sent_problem = error.sentence
            return
        self.repaint()

    def why_not(self, action: Action) -> str:
        """Return why an action makes no sense now."""
        if action.name in {"replay", "good", "bad", "copy"} and self.chosen is None:
            return "No question is chosen."
        if action.name == "lock" and self._routing is None:
            return "How the way out stands was not read yet."
        if action.name == "lock" and self._routing and self._routing.lock.fixed:
            return "The configuration keeps it closed (routing.local_only)."
        return ""

    def do_read(self) -> None:
        """Read everything again."""
        self._sent.clear()
        self._fetch()

    @work(group="lock")
    async def do_lock(self) -> None:
        """Ask, and close or open the way out."""
        if (held := self._routing) is None:
            return
        closing = not held.lock.locked
        question = "Close the way out?" if closing else "Open the way out?"
        after = "Nothing of any question leaves this machine, and what is on its way is cut off."
        opened = "Questions may go to endpoints elsewhere, within the rules and the budgets."
        said = (para(after if closing else opened), *show.standing(held))
        if not await self.app.push_screen_wait(Question(question, said)):
            return
        try:
            lock = await self.console.client.lock_routing(closing)
            self.console.say(f"The way out is {'closed' if lock.locked else 'open'}.")
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        self._fetch()

    @work(group="replay")
    async def do_replay(self) -> None:
        """Ask, and have the chosen question answered on both routes."""
        if (one := self.chosen) is None:
            return
        cost = "It is asked here and, where the rules let it, elsewhere, which may cost something."
        if not await self.app.push_screen_wait(Question("Ask again on both routes?", (*show.ask(one), para(cost)))):
            return
        try:
            self._replay = await self.console.client.replay_route(one.id)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        self._fetch()

    def do_good(self) -> None:
        """Judge the answer good."""
        self._judge("good")

    def do_bad(self) -> None:
        """Judge the answer bad."""
        self._judge("bad")

    @work(group="judge")
    async def _judge(self, verdict: str) -> None:
        if (one := self.chosen) is None:
            return
        try:
            await self.console.client.judge_route(FeedbackRequest(interaction_id=one.id, verdict=verdict))
            self.console.say(f"Answer {one.id} is judged {verdict}.")
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        self._fetch()

    def do_copy(self) -> None:
        """Offer what can be copied of the chosen question."""
        if (one := self.chosen) is not None:
            sent = "\n\n".join(each.body for each in self._sent.get(one.id, ()))
            offer(self.app, (("question", one.query), ("answer", one.answer), ("what left", sent)))


def _replayed(found: Replay) -> tuple[Para, ...]:
    """Return both answers of a replay, one after the other, with what was measured."""
    return (
        title("again, here"),
        *(fact(name, text) for name, text in show.side(found.local, "")),
        title("again, elsewhere"),
        *(fact(name, text) for name, text in show.side(found.remote, found.why)),
    )
