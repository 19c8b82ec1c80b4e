"""The list of tasks as consoles get it: calls that wait for one another are served by one reading, none too early."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import insert
from tests.bed.backend import wait_until

from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.orchestration.news import News
from aistack_backend.store.database import Database
from aistack_backend.store.tables import task
from aistack_backend.wire.events import Topic
from aistack_backend.wire.tasks import TaskList


class Slow(Bus):
    """A bus whose first list of tasks waits until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.lists: list[int] = []
        self.reached, self.may = threading.Event(), threading.Event()

    def publish(self, topic: Topic, data: object) -> None:
        if isinstance(data, TaskList):
            self.lists.append(len(data.tasks))
            self.reached.set()
            assert self.may.wait(20)


def add(database: Database) -> None:
    with database.tx() as connection:
        row = {"goal": "g", "requester": "r", "state": "queued", "created_at": 1.0, "updated_at": 1.0}
        connection.execute(insert(task).values(**row))


def test_many_changes_at_once_are_one_reading_that_holds_them_all(tmp_path: Path) -> None:
    database, bus = Database(f"sqlite:///{tmp_path}/a.db"), Slow()
    news = News(database, SystemClock(), bus)
    add(database)
    first = threading.Thread(target=news.publish)
    first.start()
    assert bus.reached.wait(20)

    def change() -> None:
        add(database)
        news.publish()

    others = [threading.Thread(target=change) for _ in range(8)]
    for thread in others:
        thread.start()
    wait_until(lambda: news._asked == 9, 20, "not all have asked")
    bus.may.set()
    for thread in (first, *others):
        thread.join(20)
    assert bus.lists == [1, 9]
    news.publish()
    assert bus.lists == [1, 9, 9]
    database.close()
