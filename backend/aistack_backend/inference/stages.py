"""The stages of getting ready, as measured: collected from worker threads, read as wire types."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from aistack_backend.clock import Clock
from aistack_backend.wire.models import Stage, StageState

EVERY = 0.2
"""Seconds between two publications of mere progress."""


class Stages:
    """Keeps the newest figure of each stage of every job."""

    def __init__(self, clock: Clock, changed: Callable[[], None]) -> None:
        """``changed`` is called from any thread, at most each ``EVERY`` seconds for progress alone."""
        self._clock, self._changed = clock, changed
        self._lock = threading.Lock()
        self._stages: dict[str, Stage] = {}
        self._told = 0.0

    def job(self) -> Job:
        """Begin a job: its stages follow each other."""
        return Job(self)

    def all(self) -> tuple[Stage, ...]:
        """Return every stage seen, in the order they began."""
        with self._lock:
            return tuple(self._stages.values())

    def measure(self, stage: Stage) -> None:
        """Take the newest figures of a running stage."""
        with self._lock:
            before = self._stages.get(stage.name)
            new = before is None or before.state is not StageState.RUNNING
            began = self._clock.now() if new or before is None else before.started_at
            self._stages[stage.name] = replace(stage, started_at=began)
            due = new or stage.done == stage.total or self._clock.mono() - self._told >= EVERY
            if due:
                self._told = self._clock.mono()
        if due:
            self._changed()

    def end(self, name: str, state: StageState, detail: str) -> None:
        """A stage is over."""
        with self._lock:
            now = self._clock.now()
            before = self._stages.get(name) or Stage(name=name, state=state, started_at=now)
            self._stages[name] = replace(before, state=state, detail=detail, ended_at=now)
        self._changed()


class Job:
    """A :class:`~aistack_backend.inference.progress.Tell`: the first word of a stage ends the stage before it."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._current = ""

    def __call__(self, stage: str, done: int, total: int | None, unit: str, detail: str) -> None:
        """Take one measurement."""
        if self._current not in ("", stage):
            self._stages.end(self._current, StageState.DONE, "")
        self._current = stage
        self._stages.measure(
            Stage(name=stage, state=StageState.RUNNING, done=done, total=total, unit=unit, detail=detail)
        )

    def finish(self) -> None:
        """All is done."""
        if self._current:
            self._stages.end(self._current, StageState.DONE, "")
        self._current = ""

    def fail(self, stage: str, detail: str) -> None:
        """What ran failed; when nothing ran, ``stage`` did."""
        self._stages.end(self._current or stage, StageState.FAILED, detail)
        self._current = ""
