"""Training: what a running one does and has measured, how each ended, and its end by key."""

from __future__ import annotations

from typing import ClassVar

from textual import work

from aistack_backend.wire.events import Topic
from aistack_backend.wire.training import Training, TrainingList, TrainState
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import empty
from aistack_console.present import training as show
from aistack_console.present.para import para
from aistack_console.screens.listing import ListingScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.question import Question


class TrainingScreen(ListingScreen):
    """The runs, and the chosen one in full. Read again when a task changed; the backend tells of a run's steps so."""

    NAME = "training"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="training.stop", keys="x", title="Stop the run", hint="stop", mutates=True),
        Action(id="training.task", keys="t", title="Go to its task", hint="task"),
        Action(id="training.read", keys="r", title="Read again", hint="read"),
        Action(id="training.copy", keys="y", title="Copy the adapter's path or its dataset's", hint="copy"),
        Action(id="training.back", keys="escape", title="Back to the last screen", hint="back"),
    )
    TOPICS = frozenset({Topic.TASKS})
    CSS_PATH = "training.tcss"
    COLUMNS = show.COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self._found: TrainingList | None = None
        self._at: float | None = None
        self._seen: object = None
        self._problem, self._reading = "", False

    @property
    def chosen(self) -> Training | None:
        """The run under the cursor."""
        runs = self._found.trainings if self._found else ()
        return next((one for one in runs if str(one.task_id) == self.table.cursor_key), None)

    def paint(self) -> None:
        """Show what was read; read it when there is something new."""
        if self.store.down is None and not self._reading and self._seen != (version := self._version()):
            self._reading, self._seen = True, version
            self._fetch()
        now = self.store.now()
        failed = f"  {self._problem}" if self._found else ""
        self.query_one("#head", Line).show((*show.head(self._found, self._at, now), (failed, "bad")))
        self.table.set_rows(show.rows(self._found, now))
        share(self, self.table, len(self.table.rows) + 1, 1 / 2)
        self.paint_side()

    def _version(self) -> object:
        """Return what changes when there is something new: a task's state; while one runs each word of the tasks."""
        tasks = self.store.tasks
        runs = self._found.trainings if self._found else ()
        if any(one.state is TrainState.RUNNING for one in runs):
            return id(tasks)
        return frozenset((one.id, one.state) for one in tasks.tasks) if tasks else None, self.store.down

    def paint_side(self) -> None:
        """Show what is under the cursor."""
        detail, one = self.query_one(Detail), self.chosen
        if one is not None:
            detail.show(show.detail(one, self.store.now()))
        elif self._found is not None:
            detail.show(show.nothing())
        elif self._problem:
            detail.show((para((self._problem, "bad")),))
        else:
            detail.show(empty.away(self.store.why_down if self.store.down is not None else "Reading ..."))

    @work(exclusive=True, group="training")
    async def _fetch(self) -> None:
        self._reading = True
        try:
            self._found = await self.console.client.trainings()
            self._at, self._problem = self.store.now(), ""
        except ConsoleError as error:
            self._problem = error.sentence
        self._reading = False
        self.repaint()

    def why_not(self, action: Action) -> str:
        """Return why an action makes no sense now."""
        if action.name in ("stop", "task", "copy") and self.chosen is None:
            return "No run is chosen."
        running = self.chosen is not None and self.chosen.state is TrainState.RUNNING
        return "It has ended." if action.name == "stop" and not running else ""

    @work(group="stop")
    async def do_stop(self) -> None:
        """Ask, and stop the chosen run."""
        if (one := self.chosen) is None:
            return
        about = (
            para("What it learned until now is lost, and no adapter is kept."),
            *show.detail(one, self.store.now()),
        )
        dialog: Question = Question(f"Stop the run of task {one.task_id}?", about)
        if not await self.app.push_screen_wait(dialog):
            return
        try:
            task = await self.console.client.stop_task(one.task_id)
            self.console.say(f"Task {task.id}: {task.state.value}.")
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        self._fetch()

    def do_task(self) -> None:
        """Go to the task of the chosen run."""
        if (one := self.chosen) is not None:
            self.console.goto("tasks", f"show {one.task_id}")

    def do_read(self) -> None:
        """Read again."""
        self._fetch()

    def do_copy(self) -> None:
        """Offer what can be copied of the chosen run."""
        if (one := self.chosen) is not None:
            offer(self.app, (("adapter", one.path), ("dataset", one.request.dataset)))
