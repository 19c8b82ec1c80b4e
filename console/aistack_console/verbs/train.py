"""``train``: ask for a run of training, shown whole and confirmed before it begins; or list the runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.tasks import Task
from aistack_backend.wire.training import Training, TrainingList, TrainRequest
from aistack_console.client.api import Client
from aistack_console.present.units import UNMEASURED
from aistack_console.text import plain
from aistack_console.verbs import gate, waiting
from aistack_console.verbs.context import Context, ago, columns
from aistack_console.verbs.exits import Exit

HEADINGS = ("task", "began", "state", "model", "before", "after", "control", "adapter")


def run(context: Context) -> Exit:
    """List the runs, or ask for one; with ``--wait`` tell what became of it."""
    chosen = context.arguments
    if chosen.what == "list":
        found = context.with_backend(lambda client: client.trainings())
        context.show(found, lambda: listed(found))
        return Exit.OK
    context.mutate("train")
    wish = TrainRequest(
        dataset=str(Path(chosen.what).expanduser().absolute()),
        model=chosen.model,
        steps=chosen.steps,
        rank=chosen.rank,
        seed=chosen.seed,
        tone=chosen.tone,
        minutes=chosen.minutes,
        megabytes=chosen.megabytes,
    )

    async def job(client: Client) -> Task:
        task = await gate.ask(context, client, ActionRequest(kind="model.train", script=json.dumps(asdict(wish))))
        return await waiting.until(client, task, waiting.ended, chosen.timeout) if chosen.wait else task

    done = context.with_backend(job)
    context.show(done, lambda: waiting.words(done))
    return waiting.verdict(done)


def listed(found: TrainingList) -> str:
    """Return the runs for a person, each with its verdict below the table."""
    rows = columns(HEADINGS, [_row(one) for one in found.trainings])
    told = [f"{one.task_id}: {one.verdict}" for one in found.trainings if one.verdict]
    return plain("\n".join([rows, "", *told] if told else [rows]))


def _row(one: Training) -> tuple[str, ...]:
    figures = one.figures
    before, after, control = (figures.base, figures.adapted, figures.control) if figures else (None, None, None)
    state = one.state.value
    if one.stage:
        state = f"{one.stage} {one.done}/{one.total}" if one.total else one.stage
    gone = f"{one.name} (gone)" if one.name and not one.path else one.name
    return (
        str(one.task_id),
        ago(one.at),
        state,
        one.request.model or UNMEASURED,
        *(UNMEASURED if value is None else f"{value:.3f}" for value in (before, after, control)),
        gone or UNMEASURED,
    )
