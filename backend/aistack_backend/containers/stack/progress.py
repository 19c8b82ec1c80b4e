"""A boot while it goes on: who stands where, since when, and when it will probably end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from aistack_backend.clock import Clock
from aistack_backend.containers.stack.plan import Planned, Step
from aistack_backend.wire.boot import Boot, BootRow, BootState, Mark, Stage, StepKind

ENDED = frozenset({Stage.READY, Stage.UNCHANGED, Stage.STOPPED, Stage.FAILED, Stage.CANCELLED})
GOOD = frozenset({Stage.READY, Stage.UNCHANGED, Stage.STOPPED})


class Progress:
    """The one place where a boot's snapshot changes; every change is published. Safe from several threads."""

    def __init__(
        self,
        planned: Planned,
        task_id: int,
        clock: Clock,
        publish: Callable[[Boot], None],
        expected: Mapping[str, float],
    ) -> None:
        """``expected``: seconds from its start to ready in past boots, by service."""
        self._clock = clock
        self._publish = publish
        self._lock = threading.Lock()
        self._needs = {step.service.id: _needs(step, planned) for step in planned.steps}
        rows = tuple(_row(step, self._needs[step.service.id], expected) for step in planned.steps)
        now = clock.now()
        self._boot = Boot(
            id=task_id, verb=planned.verb, goal=planned.goal, state=BootState.RUNNING, began_at=now, rows=rows
        )
        self._put()

    @property
    def boot(self) -> Boot:
        """The snapshot now."""
        with self._lock:
            return self._boot

    def stage(self, service: str, stage: Stage, detail: str = "", log: tuple[str, ...] = ()) -> None:
        """Note that a service reached a stage now."""
        mark = Mark(stage=stage, at=self._clock.now())

        def change(row: BootRow) -> BootRow:
            marks = row.marks if any(one.stage is stage for one in row.marks) else (*row.marks, mark)
            return replace(row, stage=stage, marks=marks, detail=detail, log_tail=log or row.log_tail)

        self._change(service, change)

    def say(self, service: str, detail: str) -> None:
        """Note what a service waits for now."""
        if self._find(service).detail != detail:
            self._change(service, lambda row: replace(row, detail=detail))

    def end(self, state: BootState, detail: str) -> Boot:
        """Close the boot; what has not ended yet was cancelled."""
        with self._lock:
            rows = tuple(
                row if row.stage in ENDED else replace(row, stage=Stage.CANCELLED, detail=_left(row))
                for row in self._boot.rows
            )
            now = self._clock.now()
            self._boot = replace(self._boot, rows=rows, state=state, ended_at=now, eta=None, detail=detail)
        self._put()
        return self.boot

    def _find(self, service: str) -> BootRow:
        with self._lock:
            return next(row for row in self._boot.rows if row.service == service)

    def _change(self, service: str, change: Callable[[BootRow], BootRow]) -> None:
        with self._lock:
            rows = tuple(change(row) if row.service == service else row for row in self._boot.rows)
            done = {row.service for row in rows if row.stage in GOOD}
            rows = tuple(
                replace(row, waits_for=tuple(one for one in self._needs[row.service] if one not in done))
                if row.stage is Stage.WAITING
                else replace(row, waits_for=())
                for row in rows
            )
            self._boot = replace(self._boot, rows=rows)
            self._boot = replace(self._boot, slowest=self._slowest(), eta=self._eta())
        self._put()

    def _slowest(self) -> tuple[str, ...]:
        """Return the chain of services, first to last, in which each waited for the one before it."""
        rows = {row.service: row for row in self._boot.rows if row.step is not StepKind.KEEP}
        if not rows:
            return ()
        key = max(rows, key=lambda one: _last(rows[one], self._clock.now()))
        path = [key]
        while needs := [one for one in self._needs[path[-1]] if one in rows and one not in path]:
            path.append(max(needs, key=lambda one: _last(rows[one], self._clock.now())))
        return tuple(reversed(path))

    def _eta(self) -> float | None:
        now, ends = self._clock.now(), {}
        for row in self._boot.rows:  # in an order in which each comes after what it needs
            if row.stage in ENDED:
                ends[row.service] = now
            elif row.expected is None:
                return None
            else:
                began = next((one.at for one in row.marks if one.stage is Stage.RUNNING), None)
                after = max((ends.get(one, now) for one in self._needs[row.service]), default=now)
                ends[row.service] = max(now, began + row.expected) if began else after + row.expected
        return max(ends.values(), default=None)

    def _put(self) -> None:
        self._publish(self.boot)


def _row(step: Step, needs: tuple[str, ...], expected: Mapping[str, float]) -> BootRow:
    return BootRow(
        service=step.service.id,
        step=step.kind,
        stage=Stage.WAITING,
        waits_for=needs,
        expected=expected.get(step.service.id) or step.service.extra.ready_seconds,
    )


def _needs(step: Step, planned: Planned) -> tuple[str, ...]:
    ids = {one.service.id for one in planned.steps}
    if planned.verb == "down":  # the other way round: what needs it goes first
        return tuple(
            one.service.id for one in planned.steps if any(n.service == step.service.id for n in one.service.needs)
        )
    return tuple(needs.service for needs in step.service.needs if needs.service in ids)


def _last(row: BootRow, now: float) -> float:
    return row.marks[-1].at if row.stage in ENDED and row.marks else now


def _left(row: BootRow) -> str:
    if row.stage is Stage.WAITING:
        return "not begun"
    return f"left {row.stage.value}"


def failed(rows: Iterable[BootRow]) -> tuple[BootRow, ...]:
    """Return the rows that did not come to a good end."""
    return tuple(row for row in rows if row.stage not in GOOD)
