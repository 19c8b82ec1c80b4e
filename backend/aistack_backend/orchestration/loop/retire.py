"""``workspace.remove``: the folders of loops that have ended, an exact list, looked at again one by one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import RowMapping

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.clock import Clock
from aistack_backend.containers.aside import to_the_end
from aistack_backend.containers.workspace.copy import measure, remove
from aistack_backend.engine import taskrow
from aistack_backend.engine.port import Journal
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput, NotFound
from aistack_backend.orchestration.loop.home import Home
from aistack_backend.orchestration.loop.rows import Rows, found
from aistack_backend.orchestration.loop.tool import LoopTool
from aistack_backend.store.database import Database
from aistack_backend.wire.actions import Target
from aistack_backend.wire.audit import Phase

KIND = "workspace.remove"
DAY = 86_400.0
OLDER = "older:"
MOST = 200
"""Folders of one action: a person reads them all."""


class WorkspacePart:
    """Prepares and runs it. What a loop was and said stays in the database; its files and its patch go."""

    kinds = frozenset({KIND})

    def __init__(self, database: Database, rows: Rows, tool: LoopTool, clock: Clock) -> None:
        self.database = database
        self._rows = rows
        self._tool = tool
        self._clock = clock

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """``target``: the loops' numbers, blanks between them, or ``older:DAYS`` for those that ended longer ago. Every
        one must have ended and still have its folder.

        Raises:
            NotFound, BadInput: one sentence.
        """
        numbers = self._older(target) if target.startswith(OLDER) else _numbers(target)
        targets, sizes = [], 0
        for number in numbers:
            row = found(self._rows.loop(number), number)
            if why := self._standing(number):
                raise BadInput(why, "loop list names the loops and where they stand.")
            sizes += measure(self._home(number).root).bytes
            targets.append(Target(type="workspace", id=str(number), name=f"loop {number}", pin=_pin(row)))
        action = Action(kind=KIND, targets=tuple(targets), requester=requester, task_id=task_id)
        what = targets[0].name if len(targets) == 1 else f"{len(targets)} loops"
        effect = f"Removes the folders of {what}: {sizes / 1e6:.1f} MB. Their patches can no longer be had."
        return action, Evidence(title=f"remove the folder of {what}", effect=effect, undo="none", managed=True)

    def old(self, days: float) -> tuple[int, ...]:
        """Return the loops that ended more than so many days ago and still have their folder, oldest first."""
        ended = self._rows.ended_before(self._clock.now() - days * DAY)
        return tuple(number for number in ended if self._home(number).root.exists())

    def nature(self, action: Action) -> Nature:
        """Gone is gone; a loop's number is never used again."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """At least one of the list has still ended and has its folder; ``run`` looks at each again."""
        reason = ""
        for target in action.targets:
            why = self._changed(target)
            if not why:
                return ""
            reason = reason or why
        return reason or f"A {KIND} names what is to go."

    async def run(self, key: str, action: Action) -> Outcome:
        """Remove one after the other; what changed is left and told. A cancel ends it between two."""
        done: list[str] = []
        left: list[str] = []
        for target in action.targets:
            why = await to_the_end(lambda one=target: self._remove(one))  # type: ignore[misc]
            (left if why else done).append(why or target.name)
        lines = [f"Removed: {', '.join(done) or 'nothing'}.", *(f"Left: {one}" for one in left)]
        return Outcome(ok=bool(done), text="\n".join(lines)[: 15 * 1024])

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Look whether one of the folders is still there."""
        if any(self._home(int(one.id)).root.exists() for one in action.targets):
            return Fate.NOT_DONE, None
        return Fate.DONE, Outcome(ok=True, text="None of the folders is there any more.")

    def _older(self, target: str) -> Sequence[int]:
        days = target.removeprefix(OLDER)
        if not (days.isascii() and days.isdigit() and len(days) < 6):
            raise BadInput(f"{days[:20]!r} is no number of days.", "Write e.g. older:30.")
        found = self.old(int(days))[:MOST]
        if not found:
            raise NotFound(f"No loop that ended more than {days} days ago has a folder.")
        return found

    def _remove(self, target: Target) -> str:
        return self._changed(target) or self.drop(int(target.id))

    def drop(self, number: int) -> str:
        """Remove the folder of a loop that has ended; return "" or why it is still there, in one sentence."""
        if why := self._standing(number):
            return why
        try:
            remove(self._home(number).root)
        except (OSError, BackendError) as error:
            return f"The folder of loop {number} could not be removed: {error}."
        return ""

    def _changed(self, target: Target) -> str:
        try:
            number = int(target.id)
            if _pin(found(self._rows.loop(number), number)) != target.pin:
                return f"{target.name} is another one than was approved."
            return self._standing(number)
        except (BackendError, ValueError) as error:
            return str(error)

    def _standing(self, number: int) -> str:
        """Return "" for a loop that has ended and has its folder, else one sentence."""
        state = self._rows.state(number)
        if state not in taskrow.FINAL:
            return f"Loop {number} is {state}: its folder stays until it has ended."
        return "" if self._home(number).root.exists() else f"The folder of loop {number} is gone already."

    def _home(self, number: int) -> Home:
        return self._tool.home(number)


class Keeper:
    """Removes what has been kept for as many days as the configuration says: the operator's own word, audited first."""

    def __init__(self, part: WorkspacePart, audit: Journal, days: float) -> None:
        """``days``: 0 = everything is kept until somebody removes it."""
        self._part = part
        self._audit = audit
        self._days = days

    def tick(self) -> tuple[int, ...]:
        """Look once; return the loops whose folders were removed now. Blocks on disk and SQL.

        Raises:
            Unavailable: the audit cannot be written; then nothing more is removed.
        """
        gone = []
        for number in self._part.old(self._days) if self._days else ():
            with self._part.database.tx() as connection:
                self._audit.append(
                    connection,
                    phase=Phase.NOTE,
                    actor="backend",
                    via="auto",
                    kind=KIND,
                    object=f"loop {number}",
                    task_id=number,
                    detail={"why": f"loops.keep_days = {self._days:g}"},
                )
            self._audit.seal()
            if not self._part.drop(number):
                gone.append(number)
        return tuple(gone)


def _numbers(target: str) -> Sequence[int]:
    words = target.split()
    if (
        not words
        or len(words) > MOST
        or not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words)
    ):
        raise BadInput(f"{target[:60]!r} are no loops' numbers.", f"Give 1 to {MOST} numbers, e.g. 3 4.")
    return tuple(dict.fromkeys(int(word) for word in words))


def _pin(row: RowMapping) -> str:
    return f"{row['base']} {row['began_at']:.6f}"
