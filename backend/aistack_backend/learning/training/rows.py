"""Runs of training in the store, and how they stand."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from aistack_backend.clock import Clock
from aistack_backend.learning.training.adapters import Adapters
from aistack_backend.learning.training.job import READING_HELD
from aistack_backend.store.database import Database
from aistack_backend.store.tables import approval
from aistack_backend.store.training_tables import training
from aistack_backend.wire.training import Figures, Training, TrainingList, TrainRequest, TrainState

MOST = 200
CUT = "The backend ended while it ran."


class Trainings:
    """Belongs to any thread."""

    def __init__(self, database: Database, clock: Clock, adapters: Adapters) -> None:
        self._database, self._clock, self._adapters = database, clock, adapters
        self._live: dict[int, dict[str, Any]] = {}
        """What was measured last of each run that goes on here."""

    def begin(self, task_id: int, request: TrainRequest, dataset_sha256: str, model_sha256: str) -> Training:
        """Write down that a run has begun; an earlier try of the same task is forgotten."""
        values = {
            "task_id": task_id,
            "at": self._clock.now(),
            "state": TrainState.RUNNING.value,
            "request": json.dumps(asdict(request)),
            "dataset_sha256": dataset_sha256,
            "model_sha256": model_sha256,
        }
        decided = select(approval.c.decided_by).where(approval.c.task_id == task_id).order_by(approval.c.id.desc())
        with self._database.tx() as connection:
            values["approved_by"] = connection.execute(decided.limit(1)).scalar() or ""
            connection.execute(delete(training).where(training.c.task_id == task_id))
            row = connection.execute(insert(training).values(**values).returning(training)).one()
        return self._shown(row)

    def settle(self) -> None:
        """Call at the start, before anything runs: what a backend that ended had begun came to no verdict."""
        cut = {"state": TrainState.FAILED.value, "verdict": CUT, "stage": "", "done": 0, "total": 0}
        with self._database.tx() as connection:
            connection.execute(update(training).where(training.c.state == TrainState.RUNNING.value).values(**cut))
        self._adapters.drop_all()

    def stage(
        self, task_id: int, stage: str, done: int, total: int, *, loss: float | None = None, memory: int | None = None
    ) -> None:
        """Write down what a run does now; what was measured is kept in memory as long as it goes on."""
        base = loss if stage == READING_HELD else self._live.get(task_id, {}).get("base")
        self._live[task_id] = {"loss": loss, "base": base, "memory": memory}
        self._set(task_id, stage=stage, done=done, total=total)

    def ended(
        self,
        task_id: int,
        state: TrainState,
        verdict: str,
        *,
        figures: Figures | None = None,
        target: str = "",
        name: str = "",
        sha256: str = "",
    ) -> None:
        """Write down how a run ended."""
        told = None if figures is None else json.dumps(asdict(figures))
        values = {"state": state.value, "verdict": verdict, "figures": told, "target": target}
        self._live.pop(task_id, None)
        self._set(task_id, **values, name=name, adapter_sha256=sha256, stage="", done=0, total=0)

    def of(self, task_id: int) -> Training | None:
        """Return the run of a task; None when it has not begun."""
        with self._database.read() as connection:
            row = connection.execute(select(training).where(training.c.task_id == task_id)).first()
        return None if row is None else self._shown(row)

    def list(self) -> TrainingList:
        """Return the newest runs; of each adapter it is looked whether it is the file that was kept."""
        with self._database.read() as connection:
            rows = connection.execute(select(training).order_by(training.c.at.desc()).limit(MOST)).all()
        return TrainingList(trainings=tuple(map(self._shown, rows)))

    def _set(self, task_id: int, **values: object) -> None:
        with self._database.tx() as connection:
            connection.execute(update(training).where(training.c.task_id == task_id).values(**values))

    def _shown(self, row: Row[Any]) -> Training:
        return Training(
            task_id=row.task_id,
            at=row.at,
            state=TrainState(row.state),
            request=TrainRequest(**json.loads(row.request)),
            dataset_sha256=row.dataset_sha256,
            model_sha256=row.model_sha256,
            stage=row.stage,
            done=row.done,
            total=row.total,
            name=row.name,
            path=self._adapters.path(row.name, row.adapter_sha256),
            target=row.target,
            figures=None if row.figures is None else Figures(**json.loads(row.figures)),
            verdict=row.verdict,
            approved_by=row.approved_by,
            **(self._live.get(row.task_id, {}) if row.state == TrainState.RUNNING.value else {}),
        )
