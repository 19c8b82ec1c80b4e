"""Runs ``model.train``: one child that learns, its verdict, and the adapter when it is kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from aistack_backend.approvals.action import Action
from aistack_backend.containers.aside import to_the_end
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput, Unavailable
from aistack_backend.learning.training.adapters import Adapters
from aistack_backend.learning.training.job import Ended, Job
from aistack_backend.learning.training.rows import Trainings
from aistack_backend.learning.training.run import Run
from aistack_backend.orchestration.training import asked
from aistack_backend.orchestration.training.part import KIND, Models, record
from aistack_backend.wire.training import Figures, Training, TrainState

TELL = 1.0
"""Seconds between two notes of the same stage."""


class TrainTool:
    """See the tool's port. A run that was cut off is begun anew; what it left is removed then."""

    kinds = frozenset({KIND})

    def __init__(
        self,
        models: Models,
        trainings: Trainings,
        adapters: Adapters,
        log: Path,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """``log`` is the file of the child's own words; ``changed`` is called when a run came further."""
        self._models, self._trainings, self._adapters = models, trainings, adapters
        self._log, self._changed = log, changed

    def nature(self, action: Action) -> Nature:
        """Say IDEMPOTENT: the same recipe on the same lines gives the same adapter."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """The record must be one that we would make ourselves; the child looks at the sha256 of both files."""
        try:
            _whole(action)
        except BackendError as error:
            return error.detail
        return ""

    async def run(self, key: str, action: Action) -> Outcome:
        """Learn. Cancelling ends the child before CancelledError leaves."""
        task_id = int(key.partition(":")[0])
        _whole(action)
        try:
            job = self._job(task_id, action)
        except BackendError as error:
            return Outcome(ok=False, text=error.detail)
        lines, model = action.targets
        begun = self._trainings.begin(task_id, asked.read(action.script), lines.pin, model.pin)
        request = begun.request
        run = Run(
            job,
            self._log,
            seconds=60.0 * request.minutes,
            memory=request.megabytes * 1_000_000,
            tell=_Told(task_id, self._trainings, self._changed),
        )
        try:
            return await to_the_end(lambda: self._done(run, begun), on_cancel=run.halt)
        finally:
            self._changed()

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Look at the row."""
        one = self._trainings.of(int(key.partition(":")[0]))
        if one is None or one.state is TrainState.RUNNING:
            return Fate.NOT_DONE, None
        return Fate.DONE, Outcome(ok=one.state is TrainState.KEPT, text=one.verdict)

    def _job(self, task_id: int, action: Action) -> Job:
        request, (lines, model) = asked.read(action.script), action.targets
        return Job(
            name=self._adapters.name(request.dataset, task_id),
            dataset=request.dataset,
            dataset_sha256=lines.pin,
            model=model.id,
            model_sha256=model.pin,
            site=str(self._models.site()),
            out=str(self._adapters.draft(task_id)),
            steps=request.steps,
            rank=request.rank,
            seed=request.seed,
            tone=request.tone,
        )

    def _done(self, run: Run, begun: Training) -> Outcome:
        task_id = begun.task_id
        try:
            ended = run.run()
            if ended.refused:
                told = f"{ended.refused} The adapter was not kept.\n{words(ended.figures)}"
                self._trainings.ended(
                    task_id, TrainState.REFUSED, ended.refused, figures=ended.figures, target=ended.target
                )
                return Outcome(ok=False, text=told)
            return self._kept(begun, ended)
        except (BadInput, Unavailable) as error:
            self._trainings.ended(task_id, TrainState.FAILED, error.detail)
            return Outcome(ok=False, text=f"{error.detail} {error.hint}".strip())
        finally:
            self._adapters.drop(task_id)

    def _kept(self, begun: Training, ended: Ended) -> Outcome:
        name = self._adapters.name(begun.request.dataset, begun.task_id)
        figures = ended.figures
        said = f"It is kept as {name}: {figures.gain:.3f} nats a token less loss on {figures.held} held-out lines."
        kept = replace(
            begun, name=name, state=TrainState.KEPT, target=ended.target, figures=figures, verdict=said, stage=""
        )
        digest = self._adapters.keep(kept)
        self._trainings.ended(
            begun.task_id,
            TrainState.KEPT,
            said,
            figures=figures,
            target=ended.target,
            name=name,
            sha256=digest,
        )
        return Outcome(ok=True, text=f"{said}\n{words(figures)}")


class _Told:
    """Writes the stage of a run down, not more often than it is worth."""

    def __init__(self, task_id: int, trainings: Trainings, changed: Callable[[], None]) -> None:
        self._task_id, self._trainings, self._changed = task_id, trainings, changed
        self._stage, self._at = "", 0.0

    def __call__(self, stage: str, done: int, total: int, loss: float | None, memory: int) -> None:
        if stage == self._stage and done != total and time.monotonic() - self._at < TELL:
            return
        self._stage, self._at = stage, time.monotonic()
        self._trainings.stage(self._task_id, stage, done, total, loss=loss, memory=memory or None)
        self._changed()


def words(one: Figures) -> str:
    """Return the figures for a person."""
    lines = [f"held-out loss: {one.base:.3f} before, {one.adapted:.3f} after ({one.gain:+.3f} ± {one.error:.3f})"]
    if one.control is not None and one.over_control is not None and one.over_error is not None:
        lines.append(f"control: {one.control:.3f} ({one.over_control:+.3f} ± {one.over_error:.3f} better than it)")
    lines.append(
        f"{one.learned} lines with {one.tokens} tokens learned, {one.held} held out; {one.seconds:.0f} s, "
        f"{one.memory // 1_000_000} MB"
    )
    return "\n".join(lines)


def _whole(action: Action) -> None:
    """Hold the record against the one that its request gives.

    Raises:
        BadInput: something in it is not what a training has.
    """
    request = asked.read(action.script)
    if len(action.targets) != 2 or action.targets[0].id != request.dataset:
        raise BadInput("The approved training names another dataset than its request.")
    lines, model = action.targets
    if record(request, lines, model, action.requester, action.task_id) != action:
        raise BadInput("The approved training is not one that this version would ask for.")
