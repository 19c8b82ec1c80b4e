"""What a step does: one action asked of the gate, one question, one look, or another workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aistack_backend.orchestration.flows.drive import Place
from aistack_backend.orchestration.flows.facts import Facts
from aistack_backend.orchestration.flows.functions import text_of, words_of
from aistack_backend.orchestration.flows.models import Kind, StepDecl
from aistack_backend.orchestration.flows.questions import Questions
from aistack_backend.orchestration.flows.rows import Ended
from aistack_backend.orchestration.tasks import Tasks
from aistack_backend.orchestration.tree import Under
from aistack_backend.wire.actions import ActionRequest

Call = Callable[[StepDecl, Place, Mapping[str, Any], Under], Awaitable[int]]
"""Begins another workflow as a step, and returns the number of its run; the same place gives the same run."""


class Worker:
    """Implements ``drive.Works``. A step that is done again asks for the same task and gets the one that it has."""

    def __init__(self, tasks: Tasks, questions: Questions, facts: Facts, call: Call) -> None:
        self._tasks = tasks
        self._questions = questions
        self._facts = facts
        self._call = call

    async def do(self, step: StepDecl, place: Place) -> Ended | int:
        """See ``Works``.

        Raises:
            BackendError: it cannot be done; one sentence.
        """
        known = place.known
        if step.kind is Kind.ASK:
            return await self._questions.ask(place.flow, step, place.engines, known)
        values = {name: template.value(known) for name, template in step.arguments.items()}
        if step.kind is Kind.READ:
            return await self._facts.read(text_of(step.what.value(known)), values, place.via)
        under = Under(place.task_id, step.id if place.tries == 1 else f"{step.id}/{place.tries}")
        if step.kind is Kind.WORKFLOW:
            return await self._call(step, place, values, under)
        return await asyncio.to_thread(self._ask_gate, step, place, values, under)

    def _ask_gate(self, step: StepDecl, place: Place, values: Mapping[str, Any], under: Under) -> int:
        said = f"{step.id}: a step of {place.flow.name}, run {place.task_id}"
        request = ActionRequest(
            kind=text_of(step.what.value(place.known)),
            target=words_of(values.get("target", "")),
            script=text_of(values.get("script", "")),
            reason=said,
        )
        asker = f"workflow:{place.flow.name}"
        return self._tasks.submit_action(request, asker, place.via, agent_says=said, under=under).id
