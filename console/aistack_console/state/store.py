"""The newest snapshot of each topic, when it came, and whether the backend still answers.

Nothing is invented here: before the first event of a topic its snapshot is None, and after the link is lost
the last snapshots stay, marked by :attr:`Store.down`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aistack_backend.wire.actions import ApprovalList, ApprovalState
from aistack_backend.wire.alerts import AlertList
from aistack_backend.wire.audit import AuditPage
from aistack_backend.wire.boot import Boot
from aistack_backend.wire.checklist import Checklist
from aistack_backend.wire.containers import Activity, Fleet, Usage, UsageTable
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.learning import LearningStatus
from aistack_backend.wire.models import EngineState, ModelStatus
from aistack_backend.wire.shelf import ModelShelf
from aistack_backend.wire.stack import Stack
from aistack_backend.wire.status import Status
from aistack_backend.wire.tasks import TaskList
from aistack_console.client.stream import Event
from aistack_console.errors import ConsoleError

FEED = 500
"""Activities kept for the feed."""
HISTORY = 120
"""Usage samples kept for each container."""

Listener = Callable[[Topic], None]


class Store:
    """What the screens draw from. All calls come from the console's one loop.

    A listener gets the topic that changed; ``Topic.RESET`` means that anything may have changed (the link too).
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self._held: dict[Topic, Any] = {}
        self._at: dict[Topic, float] = {}
        self._listeners: list[Listener] = []
        self.feed: deque[Activity] = deque(maxlen=FEED)
        """Activities, newest first, since this console started."""
        self.usage: dict[str, deque[Usage]] = {}
        """Usage samples of each container, oldest first."""
        self.down: float | None = self.now()
        """Since when the backend has not answered; None = it answers."""
        self.why_down = "Connecting to the backend."
        self.ever_up = False

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` after each change; return what takes it off again."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def apply(self, event: Event) -> None:
        """Take in one event of the stream."""
        if event.topic is Topic.RESET:
            self._held.clear()
            self._at.clear()
        elif event.topic is Topic.ACTIVITY:
            self.feed.appendleft(event.data)
        elif event.data is not None:
            self._held[event.topic] = event.data
            self._at[event.topic] = self.now()
            if event.topic is Topic.USAGE:
                self._keep_usage(event.data)
        self._tell(event.topic)

    def link(self, error: ConsoleError | None) -> None:
        """Note that the backend answers (None) or what broke the link."""
        if error is None:
            self.down, self.why_down, self.ever_up = None, "", True
        else:
            self.down = self.now() if self.down is None else self.down
            self.why_down = error.sentence
        self._tell(Topic.RESET)

    def age(self, topic: Topic) -> float | None:
        """Return the seconds since the topic's newest snapshot came; None = there is none."""
        at = self._at.get(topic)
        return None if at is None else max(0.0, self.now() - at)

    @property
    def status(self) -> Status | None:
        """The backend about itself."""
        return self._held.get(Topic.STATUS)

    @property
    def fleet(self) -> Fleet | None:
        """All containers."""
        return self._held.get(Topic.FLEET)

    @property
    def usage_table(self) -> UsageTable | None:
        """The newest usage of all running containers."""
        return self._held.get(Topic.USAGE)

    @property
    def approvals(self) -> ApprovalList | None:
        """The queue and the newest decisions."""
        return self._held.get(Topic.APPROVALS)

    @property
    def tasks(self) -> TaskList | None:
        """The newest tasks."""
        return self._held.get(Topic.TASKS)

    @property
    def audit(self) -> AuditPage | None:
        """The newest audit records."""
        return self._held.get(Topic.AUDIT)

    @property
    def host(self) -> HostSample | None:
        """The newest sample of the machine."""
        return self._held.get(Topic.HOST)

    @property
    def model(self) -> ModelStatus | None:
        """The engine and its models; with the link lost its state is unknown, whatever it was."""
        held: ModelStatus | None = self._held.get(Topic.MODEL)
        if held is None or self.down is None:
            return held
        was = f"It was {held.engine.value} when the backend last answered."
        return replace(held, engine=EngineState.UNKNOWN, tokens_per_second=None, detail=was, hint="")

    @property
    def shelf(self) -> ModelShelf | None:
        """Every model on disk or offered."""
        return self._held.get(Topic.SHELF)

    @property
    def stack(self) -> Stack | None:
        """Every declared service and its ladder."""
        return self._held.get(Topic.STACK)

    @property
    def boot(self) -> Boot | None:
        """The newest up or down."""
        return self._held.get(Topic.BOOT)

    @property
    def checklist(self) -> Checklist | None:
        """The note's criteria as ticks."""
        return self._held.get(Topic.CHECKLIST)

    @property
    def learning(self) -> LearningStatus | None:
        """How learning stands."""
        return self._held.get(Topic.LEARNING)

    @property
    def alerts(self) -> AlertList | None:
        """The inbox of alarms, every rule and target."""
        return self._held.get(Topic.ALERTS)

    @property
    def pending(self) -> int | None:
        """How many approvals wait for a person; None = not known."""
        if self.approvals is None:
            return None
        return sum(one.state is ApprovalState.PENDING for one in self.approvals.approvals)

    def _keep_usage(self, table: UsageTable) -> None:
        for row in table.rows:
            self.usage.setdefault(row.id, deque(maxlen=HISTORY)).append(row)
        if self.fleet is not None:
            known = {one.ref for one in self.fleet.containers}
            for gone in [key for key in self.usage if key not in known]:
                del self.usage[gone]

    def _tell(self, topic: Topic) -> None:
        for listener in tuple(self._listeners):
            listener(topic)
