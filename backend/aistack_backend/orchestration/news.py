"""Tells the consoles about tasks: the whole list on TASKS, each change of state on ACTIVITY."""

from __future__ import annotations

import threading

from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.orchestration import board
from aistack_backend.store.database import Database
from aistack_backend.wire.containers import Activity
from aistack_backend.wire.events import Topic
from aistack_backend.wire.tasks import Task, TaskState


class News:
    """Publishes what lies in the database; safe from any thread, in the order of the database."""

    def __init__(self, database: Database, clock: Clock, bus: Bus) -> None:
        self._database = database
        self._clock = clock
        self._bus = bus
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._asked = self._served = 0
        self._seen: dict[int, TaskState] | None = None

    def publish(self) -> None:
        """Publish the list, and an activity for each task whose state differs from the last time. Calls that wait for
        one another are served by one reading: what was published when a call returns was read after it was made.

        Raises:
            Unavailable: the database cannot be read.
        """
        with self._counting:
            self._asked += 1
            mine = self._asked
        with self._lock:
            if self._served >= mine:
                return
            upto = self._asked
            with self._database.read() as connection:
                tasks = board.newest(connection)
            self._bus.publish(Topic.TASKS, tasks)
            self._served = upto
            known = self._seen
            self._seen = {task.id: task.state for task in tasks.tasks}
            if known is None:
                return
            for task in reversed(tasks.tasks):
                if known.get(task.id) is not task.state:
                    self._bus.publish(Topic.ACTIVITY, self._activity(task))

    def _activity(self, task: Task) -> Activity:
        who = {TaskState.RUNNING: "backend", TaskState.AWAITING: "agent" if task.planner else "operator"}
        return Activity(
            at=self._clock.now(),
            who=who.get(task.state, "backend"),
            text=f"task {task.id} {task.state}: {task.action_title or task.goal}",
            object_id=str(task.id),
            object_name=task.action_title or task.goal,
            action=f"task.{task.state.name.lower()}",
        )
