"""Learning: trends, what was learned and by whom, the review queue, and the runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from aistack_backend.wire.events import Topic
from aistack_backend.wire.learning import LearningStatus, Pattern, PatternDetail, PatternState, Sample
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import empty
from aistack_console.present import learning as show
from aistack_console.present.para import para
from aistack_console.screens.base import BaseScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.edit_dialog import EditDialog
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.spark import Spark

SAMPLE_KEYS = ("accept", "drop", "edit")
PATTERN_KEYS = ("rollback", "retry", "run", "pause")
SPARKS = ("success", "local", "cache")


class Share(Spark):
    """A share of each day; the last one needs little room."""

    VALUE = 5


class LearningScreen(BaseScreen):
    """Patterns and samples, and the one that is chosen in full; wide screens show trends and runs beside them."""

    NAME = "learning"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="learning.accept", keys="a", title="Accept the sample for training", hint="accept", mutates=True),
        Action(id="learning.drop", keys="d", title="Drop the sample", hint="drop", mutates=True),
        Action(id="learning.edit", keys="e", title="Edit the answer, and accept it", hint="edit", mutates=True),
        Action(id="learning.rollback", keys="R", title="Roll the pattern back", hint="roll back", mutates=True),
        Action(id="learning.retry", keys="t", title="Let the pattern be tried again", hint="try again", mutates=True),
        Action(id="learning.run", keys="r", title="Make a run now", hint="run", mutates=True),
        Action(id="learning.pause", keys="p", title="Pause the runs, or go on", hint="pause", mutates=True),
        Action(id="learning.save", keys="s", title="Save the accepted samples as a dataset", hint="save", mutates=True),
        Action(id="learning.copy", keys="y", title="Copy its question or what it says"),
        Action(id="learning.federation", keys="F", title="Federation: what came from elsewhere", hint="federation"),
        Action(id="learning.training", keys="M", title="Training: runs that fine-tune a model", hint="training"),
        Action(id="learning.routes", keys="W", title="Routes: the ways that questions took"),
    )
    TOPICS = frozenset({Topic.LEARNING})
    CSS_PATH = "learning.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._detail: PatternDetail | None = None
        self._samples = False
        """The cursor of the queue is the one that counts."""
        self._back = 0
        """The pattern of which it was asked why it is taken back."""

    def compose_body(self) -> ComposeResult:
        """Yield state, trends, patterns, queue and what is chosen."""
        yield Line(id="head")
        yield Line(id="trends")
        with Horizontal(id="panes"):
            with Vertical(id="side"):
                yield Line(id="side-head", classes="pane-title")
                for name in SPARKS:
                    yield Share(name, id=f"spark-{name}")
                yield Detail(id="runs")
            with Vertical(id="middle"):
                yield LiveTable(show.COLUMNS, id="table")
            with Vertical(id="right"):
                yield Line(id="review-head", classes="pane-title")
                yield LiveTable(show.REVIEW, id="review")
                yield Detail(id="detail")

    @property
    def known(self) -> LearningStatus | None:
        """What the backend last told of learning."""
        return self.store.learning

    @property
    def pattern(self) -> Pattern | None:
        """The pattern under the cursor."""
        key = self.query_one("#table", LiveTable).cursor_key
        return next((one for one in self.known.patterns if f"p{one.id}" == key), None) if self.known else None

    @property
    def sample(self) -> Sample | None:
        """The sample under the cursor."""
        key = self.query_one("#review", LiveTable).cursor_key
        return next((one for one in self.known.review.samples if f"s{one.id}" == key), None) if self.known else None

    def paint(self) -> None:
        """Show everything."""
        found, now, size = self.known, self.store.now(), self.app.size
        self.query_one("#head", Line).show(show.head(found, now))
        self.query_one("#trends", Line).show(show.trends(found, now))
        table, review = self.query_one("#table", LiveTable), self.query_one("#review", LiveTable)
        table.set_rows(show.rows(found))
        waiting = show.review(found)
        review.set_rows(waiting)
        review.display = bool(waiting)
        review.styles.height = max(2, min(len(waiting) + 1, size.height // 4))
        share(self, self.query_one("#middle"), len(table.rows) + 1, 0.4)
        self.query_one("#review-head", Line).show(show.review_head(found))
        if size.width >= 140:
            self._paint_wide(found, now)
        self._paint_side()

    def _paint_wide(self, found: LearningStatus | None, now: float) -> None:
        days = found.days if found else ()
        self.query_one("#side-head", Line).show((("30 DAYS ", "accent"), ("shares of each day", "dim")))
        for name in SPARKS:
            values = show.series(days, name)
            newest = next((one for one in reversed(values) if one is not None), None)
            self.query_one(f"#spark-{name}", Spark).show(values, show.share(newest), 1.0)
        month = para(*show.trends(found, now, months=True))
        self.query_one("#runs", Detail).show((month, *show.runs(found, now, 20)))

    def _paint_side(self) -> None:
        detail, now, found = self.query_one("#detail", Detail), self.store.now(), self.known
        pattern, sample = self.pattern, self.sample
        if found is None:
            detail.show(empty.away(self.store.why_down))
        elif sample is not None and (self._samples or pattern is None):
            detail.show(show.sample(sample, now))
        elif pattern is not None:
            detail.show(show.pattern(pattern, self._detail, now))
        else:
            detail.show((*show.nothing(found), *show.runs(found, now, 3)))

    @on(LiveTable.RowHighlighted)
    def _highlighted(self, event: LiveTable.RowHighlighted) -> None:
        self._samples = self.focused is self.query_one("#review")
        self._look_at()

    def on_descendant_focus(self) -> None:
        """Show what the focused list has under its cursor."""
        if self.focused is not None and self.focused.id in ("table", "review"):
            self._samples = self.focused.id == "review"
            self._look_at()

    def _look_at(self) -> None:
        self._paint_side()
        self.paint_hints()
        if not self._samples and (one := self.pattern) is not None:
            self._read(one.id)

    @work(exclusive=True, group="detail", exit_on_error=False)
    async def _read(self, number: int) -> None:
        try:
            self._detail = await self.console.client.pattern(number)
        except ConsoleError:
            return  # its lessons stay unknown; the list goes on
        self._paint_side()

    @on(LiveTable.RowSelected)
    def _selected(self) -> None:
        self.query_one("#detail").focus()

    def hints(self) -> tuple[Action, ...]:
        """Return the keys of what the cursor stands on first: a narrow footer has no room for all."""
        shown = super().hints()
        first = SAMPLE_KEYS if self._samples or self.pattern is None else PATTERN_KEYS
        return (*(one for one in shown if one.name in first), *(one for one in shown if one.name not in first))

    def why_not(self, action: Action) -> str:
        """Return why an action makes no sense now."""
        found, pattern = self.known, self.pattern
        if action.name in ("accept", "drop", "edit"):
            return "" if self.sample else "No sample waits for review."
        if action.name == "rollback":
            return "No pattern is chosen." if pattern is None else _over(pattern)
        if action.name == "retry":
            again = pattern is not None and pattern.state in (PatternState.QUARANTINED, PatternState.ROLLED_BACK)
            return "" if again else "Only a quarantined or rolled back pattern is tried again."
        if action.name == "save":
            return "" if found and found.review.accepted else "No sample was accepted yet."
        if action.name in ("run", "pause") and found is not None and not found.enabled:
            return "Learning is switched off (learning.enabled = false)."
        return ""

    def do_accept(self) -> None:
        """Accept the chosen sample."""
        if (one := self.sample) and self._is_seen(one):
            self._do(lambda: self.console.client.accept_sample(one.id), f"Sample {one.id} is accepted.")

    def do_drop(self) -> None:
        """Drop the chosen sample."""
        if (one := self.sample) and self._is_seen(one):
            self._do(lambda: self.console.client.drop_sample(one.id), f"Sample {one.id} is dropped.")

    def _is_seen(self, one: Sample) -> bool:
        """Tell whether the sample is what the screen shows in full; else go to it first: nobody decides unseen."""
        if self._samples or self.pattern is None:
            return True
        self.query_one("#review", LiveTable).focus()
        self.console.say(f"Sample {one.id} is shown now; press the key again.", "warn")
        return False

    def do_edit(self) -> None:
        """Let the operator change the answer."""
        if one := self.sample:
            self.app.push_screen(
                EditDialog(f"answer to: {one.question[:80]}", one.answer, "accept it", "it is cleaned again"),
                lambda text: self._edited(one, text),
            )

    def _edited(self, one: Sample, text: str | None) -> None:
        if text is not None:
            client = self.console.client
            self._do(
                lambda: client.edit_sample(one.id, one.question, text), f"Sample {one.id} is changed and accepted."
            )

    def do_rollback(self) -> None:
        """Let the operator say why; Enter rolls it back."""
        if one := self.pattern:
            self.console.say(f"Say why pattern {one.id} is taken back; Enter does it, Esc leaves it.", "warn")
            self._back = one.id
            self.open_entry("reason")

    def do_retry(self) -> None:
        """Have the next run try the pattern again."""
        if one := self.pattern:
            said = f"The next run tries pattern {one.id} again."
            self._do(lambda: self.console.client.retry_pattern(one.id), said)

    def do_run(self) -> None:
        """Make a run now."""
        self.console.say("Learning ...")
        self._do(self.console.client.learn_now, "The run has ended.")

    def do_pause(self) -> None:
        """Pause the runs, or go on."""
        paused = bool(self.known and self.known.paused)
        said = "Runs are made by the clock again." if paused else "No runs are made by the clock until p."
        self._do(lambda: self.console.client.pause_learning(not paused), said)

    def do_save(self) -> None:
        """Let the operator name the file."""
        self.open_entry("file")

    def entered(self, kind: str, text: str) -> None:
        """Take the reason of a roll back, or the file of a dataset."""
        client, number = self.console.client, self._back
        if kind == "reason" and number:
            self._do(lambda: client.roll_back(number, text.strip()), f"Pattern {number} is used no more.")
        elif kind == "file" and text.strip():
            self._do(lambda: client.export_dataset(text.strip()), f"The dataset is in {text.strip()}.")

    @work(group="do", exit_on_error=False)
    async def _do(self, then: Callable[[], Awaitable[object]], said: str) -> None:
        try:
            await then()
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.console.say(said)
        if one := self.pattern:
            self._read(one.id)

    def do_routes(self) -> None:
        """Go to the routes."""
        self.console.goto("routes")

    def do_federation(self) -> None:
        """Go to what came from elsewhere."""
        self.console.goto("federation")

    def do_training(self) -> None:
        """Go to the runs of training."""
        self.console.goto("training")

    def do_copy(self) -> None:
        """Offer what can be copied of what is chosen."""
        one = self.sample if self._samples else None
        if one is not None:
            offer(self.app, (("question", one.question), ("answer", one.answer)))
        elif (pattern := self.pattern) is not None:
            offer(self.app, (("question", pattern.question), ("says", pattern.says)))


def _over(one: Pattern) -> str:
    return "It is rolled back already." if one.state is PatternState.ROLLED_BACK else ""
