"""Tasks: what was asked of the stack, and how it ended."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from aistack_backend.wire.events import Topic
from aistack_backend.wire.loops import GuideRequest
from aistack_backend.wire.tasks import Task, TaskState
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import empty
from aistack_console.present.flows import run_detail
from aistack_console.present.loops import loop_detail
from aistack_console.present.tasks import COLUMNS, ENDED, copies, detail, head, heading, rows, stopping
from aistack_console.present.units import many
from aistack_console.screens.base import BaseScreen
from aistack_console.screens.flowing import FollowedRun, request
from aistack_console.screens.looping import Followed
from aistack_console.screens.sharing import share
from aistack_console.widgets.confirm import Confirm
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.question import Question

LOOPS = ("guide", "guide_now", "diff")
"""Actions on a loop alone."""
APPLY = ("pause", "again", *LOOPS)
"""Their keys stand in the footer only where they do something."""
NOW = "now, ending the running pass"
RUN = "workflow and its inputs, NAME input=value"


class TasksScreen(BaseScreen):
    """The tasks, newest first, and the chosen one's result."""

    NAME = "tasks"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="tasks.stop", keys="x", title="Stop the task", hint="stop", mutates=True),
        Action(id="tasks.pause", keys="p", title="Pause it, or go on with it", hint="pause", mutates=True),
        Action(id="tasks.guide", keys="i", title="Say something to its next pass", hint="guide", mutates=True),
        Action(id="tasks.guide_now", keys="I", title="End the running pass and say something", mutates=True),
        Action(id="tasks.diff", keys="v", title="Show what the pass changed", hint="diff"),
        Action(id="tasks.earlier", keys="h,left", title="Previous pass or step"),
        Action(id="tasks.later", keys="l,right", title="Next pass or step"),
        Action(id="tasks.again", keys="r", title="Run again from this step", hint="again", mutates=True),
        Action(id="tasks.stop_all", keys="ctrl+x", title="Stop every task", hint="stop all", mutates=True),
        Action(id="tasks.approval", keys="a", title="Go to its approval", hint="approval"),
        Action(id="tasks.trace", keys="t", title="Show what was done for it, with its times", hint="trace"),
        Action(id="tasks.workflow", keys="w", title="Run a workflow", hint="workflow", mutates=True),
        Action(id="tasks.copy", keys="y", title="Copy its goal or result", hint="copy"),
    )
    TOPICS = frozenset({Topic.TASKS})
    CSS_PATH = "tasks.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._followed = Followed()
        self._run = FollowedRun()

    def compose_body(self) -> ComposeResult:
        """Yield list and result."""
        yield Line(id="head")
        with Horizontal(id="panes"):
            yield LiveTable(COLUMNS, id="table")
            yield Detail(id="detail")

    @property
    def chosen(self) -> Task | None:
        """The task under the cursor."""
        key = self.query_one("#table", LiveTable).cursor_key
        found = self.store.tasks
        return next((one for one in found.tasks if str(one.id) == key), None) if found else None

    def paint(self) -> None:
        """Show list and result."""
        found = self.store.tasks
        self.query_one("#head", Line).show((("TASKS  ", "accent"), head(found)))
        shown = rows(found, self.store.now())
        table = self.query_one("#table", LiveTable)
        table.set_rows(shown)
        share(self, table, len(shown) + 1, 1 / 2)
        self._paint_side()

    def _paint_side(self) -> None:
        one, followed, run = self.chosen, self._followed, self._run
        if followed.stale(one, self.store.now()) and one is not None:
            self._fetch(one)
        if run.stale(one, self.store.now()) and one is not None:
            self._fetch_run(one)
        nothing = empty.away(self.store.why_down) if self.store.tasks is None else empty.tasks()
        if one is not None and followed.loop is not None:
            shown = (*heading(one), *loop_detail(followed.loop, followed.shown, followed.patch))
        elif one is not None and run.run is not None:
            shown = (*heading(one), *run_detail(run.run, run.shown, self.store.now()))
        else:
            shown = detail(one, self.store.now()) if one else nothing
        self.query_one(Detail).show(shown)

    @work(exclusive=True, group="loop")
    async def _fetch(self, task: Task) -> None:
        await self._get(self._followed, task)

    @work(exclusive=True, group="run")
    async def _fetch_run(self, task: Task) -> None:
        await self._get(self._run, task)

    async def _get(self, followed: Followed | FollowedRun, task: Task) -> None:
        try:
            await followed.fetch(self.console.client, task, self.store.now())
        except ConsoleError as error:
            self.console.say(error.sentence, "warn")
        else:  # of whichever is chosen now: another one may have been while this one was on its way
            self.repaint()

    def receive(self, argument: str) -> None:
        """Put the cursor on a task by its number."""
        number = argument.rpartition(" ")[2]
        if not self.query_one("#table", LiveTable).move_to(number):
            self.console.say(f"There is no task {number} in the list.", "warn")

    def hints(self) -> tuple[Action, ...]:
        """Return the keys of the footer; those of loops and of what runs only where they apply."""
        return tuple(one for one in super().hints() if one.name not in APPLY or not self.why_not(one))

    def why_not(self, action: Action) -> str:
        """Return why the chosen task cannot be stopped, or has no approval."""
        one = self.chosen
        if action.name in ("stop_all", "workflow"):
            return "" if self._open() or action.name == "workflow" else "Every task has ended."
        if one is None:
            return "No task is chosen."
        if action.name == "stop" and one.state in ENDED:
            return f"It is {one.state.value} already."
        if action.name == "approval" and self._approval(one) is None:
            return "It has no approval."
        if action.name == "pause" and one.state not in (TaskState.RUNNING, TaskState.PAUSED):
            ended = one.state in ENDED
            return f"It has ended ({one.state.value})." if ended else f"It does not run: it is {one.state.value}."
        return self._why_no_loop(action, one) or self._why_no_run(action, one)

    def _why_no_loop(self, action: Action, one: Task) -> str:
        if action.name in LOOPS and self._followed.loop is None:
            return "It is no loop that has begun."
        return f"It is {one.state.value} already." if action.name.startswith("guide") and one.state in ENDED else ""

    def _why_no_run(self, action: Action, one: Task) -> str:
        run = self._run.run
        if action.name == "pause" and run is not None:
            return "A workflow does not pause; a task that it started may."
        if action.name == "again":
            if run is None:
                return "It is no run of a workflow."
            return "" if one.state in ENDED else "It has not ended."
        return ""

    def _approval(self, one: Task) -> int | None:
        """Return the approval of the task, or of the step that is looked at."""
        step = self._run.shown
        return one.approval_id or (step.approval_id if step else None)

    @work(exclusive=True, group="stop")
    async def do_stop(self) -> None:
        """Stop the chosen task after one confirming key."""
        one = self.chosen
        if one is None or not await self.app.push_screen_wait(Confirm(f"Stop task {one.id}: {one.goal}?")):
            return
        try:
            stopped = await self.console.client.stop_task(one.id)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.console.say(f"Task {stopped.id}: {stopped.state.value}. {stopped.reason}")

    @work(exclusive=True, group="stop")
    async def do_stop_all(self) -> None:
        """Stop every task that has not ended, after one confirming key on the list of them."""
        found = self._open()
        asked = Question(f"Stop these {len(found)} tasks now?", stopping(found))
        if not await self.app.push_screen_wait(asked):
            return
        try:
            await self.console.client.stop_all_tasks()
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.console.say(f"{many(len(found), 'task is', 'tasks are')} stopped, or being stopped.")

    @work(exclusive=True, group="pause")
    async def do_pause(self) -> None:
        """Have the chosen task stop in between, or go on."""
        if (one := self.chosen) is None:
            return
        client = self.console.client
        try:
            now = await (client.resume_task if one.state is TaskState.PAUSED else client.pause_task)(one.id)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.console.say(f"Task {now.id}: {now.state.value}. {now.reason}")

    def do_guide(self) -> None:
        """Let the operator type what the next pass is told."""
        self.open_entry("for the next pass")

    def do_guide_now(self) -> None:
        """Let the operator type what the agent is told now; the running pass ends for it."""
        self.open_entry(NOW)

    def entered(self, kind: str, text: str) -> None:
        """Send what was typed."""
        if kind == RUN:
            self._begin(text)
        elif (one := self.chosen) is not None and text.strip():
            self._guide(one.id, GuideRequest(text=text, now=kind == NOW))

    @work(group="guide")
    async def _guide(self, task_id: int, request: GuideRequest) -> None:
        try:
            await self.console.client.guide_loop(task_id, request)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.console.say("The running pass ends for it." if request.now else "The next pass gets it.")

    @work(exclusive=True, group="diff")
    async def do_diff(self) -> None:
        """Show what the shown pass changed, or its outputs again."""
        try:
            await self._followed.turn(self.console.client)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        self._paint_side()

    def do_earlier(self) -> None:
        """Look at the pass or the step before."""
        self._followed.step(-1)
        self._run.step(-1)
        self._paint_side()

    def do_later(self) -> None:
        """Look at the pass or the step after."""
        self._followed.step(1)
        self._run.step(1)
        self._paint_side()

    def do_workflow(self) -> None:
        """Let the operator name a workflow and its inputs."""
        self._offer()

    @work(exclusive=True, group="offer")
    async def _offer(self) -> None:
        try:
            found = await self.console.client.workflows()
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.open_entry(RUN, words=tuple(one.name for one in found.workflows if not one.fault))

    @work(group="begin")
    async def _begin(self, text: str) -> None:
        try:
            run = await self.console.client.run_workflow(request(text))
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.console.say(f"Run {run.task.id} of {run.workflow} has begun.")

    @work(exclusive=True, group="begin")
    async def do_again(self) -> None:
        """Run the workflow again from the shown step, after one confirming key."""
        run, step = self._run.run, self._run.shown
        if run is None or step is None:
            return
        if not await self.app.push_screen_wait(Confirm(f"Run {run.workflow} again from step {step.id}?")):
            return
        try:
            again = await self.console.client.rerun_workflow(run.task.id, step.id)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.console.say(f"Run {again.task.id} of {again.workflow} has begun, from step {step.id}.")

    def _open(self) -> tuple[Task, ...]:
        found = self.store.tasks
        return tuple(one for one in found.tasks if one.state not in ENDED) if found else ()

    def do_approval(self) -> None:
        """Go to the approval of the chosen task, or of the step that is looked at."""
        if (one := self.chosen) is not None and (number := self._approval(one)) is not None:
            self.console.goto("approvals", f"show {number}")

    def do_trace(self) -> None:
        """Go to the trace of the chosen task."""
        if (one := self.chosen) is not None:
            self.console.goto("traces", str(one.id))

    def do_copy(self) -> None:
        """Offer what can be copied of the chosen task."""
        if (one := self.chosen) is not None:
            offer(self.app, copies(one))

    @on(LiveTable.RowHighlighted, "#table")
    def _highlighted(self) -> None:
        self._paint_side()

    @on(LiveTable.RowSelected, "#table")
    def _selected(self) -> None:
        self.query_one(Detail).focus()
