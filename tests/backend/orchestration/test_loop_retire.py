"""The folders of ended loops: removed by an exact list or by age, never of one that goes on; what was said stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from aistack_backend.audit.log import AuditLog
from aistack_backend.clock import SystemClock
from aistack_backend.errors import BackendError, BadInput, NotFound
from aistack_backend.orchestration.loop import asked
from aistack_backend.orchestration.loop.retire import DAY, Keeper, WorkspacePart
from aistack_backend.orchestration.loop.rows import Rows
from aistack_backend.orchestration.loop.tool import LoopTool
from aistack_backend.store.database import Database
from aistack_backend.store.tables import task
from aistack_backend.wire.loops import LoopRequest
from aistack_backend.wire.tasks import TaskState


class Yard:
    """Loops in a database, with folders."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder / 'a.db'}")
        self.clock = SystemClock()
        self.rows = Rows(self.database, self.clock)
        self.folder = folder / "workspaces"
        self.tool = LoopTool(None, self.folder)  # type: ignore[arg-type]  only where its folders lie is asked
        self.part = WorkspacePart(self.database, self.rows, self.tool, self.clock)
        self.audit = AuditLog(self.database, folder / "audit", self.clock)

    def loop(self, state: TaskState, days: float = 0.0) -> int:
        """Make a loop that came to this state so many days ago; return its number."""
        at = self.clock.now() - days * DAY
        row = {"goal": "g", "requester": "ann", "state": state, "created_at": at, "updated_at": at}
        with self.database.tx() as connection:
            number = int(connection.execute(insert(task).values(**row)).inserted_primary_key[0])
        home = self.folder / str(number)
        (home / "tree" / "locked").mkdir(parents=True)
        (home / "tree" / "locked" / "file").write_text("x" * 1_000)
        (home / "tree" / "locked").chmod(0)
        (home / "tree" / "out").symlink_to(self.folder.parent / "mine")
        request = LoopRequest(goal="g", source="/src", proof="true")
        self.rows.begin(number, asked.canonical(request), str(home), "c", "t")
        return number

    def state(self, number: int, state: TaskState) -> None:
        with self.database.tx() as connection:
            connection.execute(update(task).where(task.c.id == number).values(state=state))

    def there(self, number: int) -> bool:
        return (self.folder / str(number)).exists()


@pytest.fixture
def yard(tmp_path: Path) -> Any:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    made = Yard(tmp_path)
    yield made
    assert (tmp_path / "mine" / "file").read_text() == "mine", "what a link of the agent leads to stays"
    made.audit.close()
    made.database.close()


ENDED = (TaskState.DONE, TaskState.EXHAUSTED, TaskState.FAILED, TaskState.STOPPED)
GOES_ON = (TaskState.RUNNING, TaskState.PAUSED, TaskState.QUEUED, TaskState.AWAITING)


async def test_an_exact_list_goes_and_what_was_said_stays(yard: Yard) -> None:
    numbers = [yard.loop(state) for state in ENDED]
    other = yard.loop(TaskState.DONE)
    action, evidence = yard.part.prepare("workspace.remove", " ".join(map(str, numbers)))
    assert [one.name for one in action.targets] == [f"loop {number}" for number in numbers]
    assert "Removes the folders of 4 loops: 0.0 MB" in evidence.effect
    assert yard.part.recheck(action) == ""
    outcome = await yard.part.run("k", action)
    assert outcome.ok
    assert [yard.there(number) for number in numbers] == [False] * 4
    assert yard.there(other)
    assert yard.rows.loop(numbers[0]) is not None
    assert yard.part.probe("k", action)[0] == "done"


@pytest.mark.parametrize("state", GOES_ON)
async def test_a_loop_that_goes_on_keeps_its_folder(yard: Yard, state: TaskState) -> None:
    number = yard.loop(state, days=99)
    with pytest.raises(BadInput, match="stays until it has ended"):
        yard.part.prepare("workspace.remove", str(number))
    with pytest.raises(NotFound):
        yard.part.prepare("workspace.remove", "older:0")
    assert Keeper(yard.part, yard.audit, 1).tick() == ()
    assert yard.there(number)


async def test_what_changed_since_the_approval_is_left_and_told(yard: Yard) -> None:
    one, two, three = (yard.loop(TaskState.DONE) for _ in range(3))
    action, _ = yard.part.prepare("workspace.remove", f"{one} {two} {three}")
    yard.state(one, TaskState.RUNNING)
    swapped = replace(action, targets=(*action.targets[:2], replace(action.targets[2], pin="x")))
    outcome = await yard.part.run("k", swapped)
    assert outcome.ok
    assert outcome.text.splitlines()[0] == f"Removed: loop {two}."
    assert "stays until it has ended" in outcome.text
    assert "another one than was approved" in outcome.text
    assert (yard.there(one), yard.there(two), yard.there(three)) == (True, False, True)


def test_by_age_it_is_a_list_too(yard: Yard) -> None:
    old, new = yard.loop(TaskState.EXHAUSTED, days=31), yard.loop(TaskState.DONE, days=29)
    action, _ = yard.part.prepare("workspace.remove", "older:30")
    assert [one.id for one in action.targets] == [str(old)]
    assert yard.there(new)


def test_the_keeper_removes_what_is_old_and_audits_it_first(yard: Yard) -> None:
    old, new = yard.loop(TaskState.DONE, days=8), yard.loop(TaskState.DONE, days=6)
    assert Keeper(yard.part, yard.audit, 0).tick() == ()
    assert Keeper(yard.part, yard.audit, 7).tick() == (old,)
    assert (yard.there(old), yard.there(new)) == (False, True)
    assert Keeper(yard.part, yard.audit, 7).tick() == (), "once"
    record = yard.audit.page(10).records[0]
    assert (record.kind, record.object) == ("workspace.remove", f"loop {old}")


def test_without_an_audit_nothing_goes(yard: Yard, tmp_path: Path) -> None:
    old = yard.loop(TaskState.DONE, days=8)
    yard.audit.close()
    for one in sorted((tmp_path / "audit").rglob("*"), reverse=True):
        one.unlink() if one.is_file() else one.rmdir()
    (tmp_path / "audit").rmdir()
    (tmp_path / "audit").write_text("no folder")
    with pytest.raises(BackendError):
        Keeper(yard.part, yard.audit, 7).tick()
    assert yard.there(old)


@pytest.mark.parametrize(
    "target", ["", "x", "1;2", "-1", "1.5", "older:", "older:x", "older:-1", "older:1234567", "１"]
)
def test_what_is_no_list(yard: Yard, target: str) -> None:
    with pytest.raises(BadInput):
        yard.part.prepare("workspace.remove", target)


def test_what_is_not_there(yard: Yard) -> None:
    with pytest.raises(NotFound):
        yard.part.prepare("workspace.remove", "7")
    number = yard.loop(TaskState.DONE)
    assert yard.part.drop(number) == ""
    with pytest.raises(BadInput, match="gone already"):
        yard.part.prepare("workspace.remove", str(number))
