"""A question step: the first engine that can answer does; without one, what the file or the rules say instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.orchestration.flows.engines import NOTES, Engine, Question
from aistack_backend.orchestration.flows.functions import text_of
from aistack_backend.orchestration.flows.models import FlowDecl, StepDecl
from aistack_backend.orchestration.flows.rows import Ended
from aistack_backend.orchestration.readings import Reading
from aistack_backend.wire.flows import StepState

RULES = "rules"
"""The engine's name in the result when no model answered."""
MOST = 4_096
"""Tokens of an answer."""
LONGEST = 60_000
"""Characters of a prompt; what a model can take is often less, and then it says so."""


class Questions:
    """Asks on behalf of steps; changes nothing."""

    def __init__(self, engines: Mapping[str, Engine], readings: Sequence[Reading] = ()) -> None:
        self.engines = engines
        self._readings = readings

    async def ask(self, flow: FlowDecl, step: StepDecl, chosen: Sequence[str], known: Mapping[str, Any]) -> Ended:
        """Return the answer; ``chosen`` are the run's engines.

        Raises:
            Unavailable: no engine answers, and nothing stands in for one. BadInput: the prompt is too long.
        """
        told = {key: one.value(known) for key, one in step.arguments.items()}
        prompt = text_of(step.what.value(known)).strip()
        if not prompt or len(prompt) > LONGEST:
            raise BadInput(f"The prompt has {len(prompt)} characters; 1 to {LONGEST} are right.")
        question = Question(prompt=prompt, system=text_of(told.get("system", "")), tokens=_tokens(told.get("tokens")))
        names = (step.engine,) if step.engine else chosen or flow.engines or (NOTES,)
        why = ""
        for name in names:
            try:
                said = await self.engines[name].answer(question)
            except (Unavailable, BadInput) as error:  # a prompt may be too long for one and not for the next
                why = f"{error.detail} {error.hint}".strip()
                continue
            cut = f"It was cut after {question.tokens} tokens." if said.cut else ""
            result = {"text": said.text, "engine": said.engine, "model": said.model}
            return Ended(state=StepState.DONE, result=result, why=cut)
        return await self._instead(prompt, told.get("otherwise"), why)

    async def look_up(self, question: str) -> Ended:
        """Return the answer of a rule that knows the question; an empty one when none does."""
        for reading in self._readings:
            if reading.fits(question):
                return _found(await reading.answer(question), found=True)
        return _found("", found=False)

    async def _instead(self, prompt: str, otherwise: Any, why: str) -> Ended:
        if otherwise is not None:
            text = text_of(otherwise).strip()
            result = {"text": text, "engine": RULES, "model": ""}
            return Ended(state=StepState.DONE, result=result, why=f"{why} What was read stands here instead.")
        for reading in self._readings:
            if reading.fits(prompt):
                result = {"text": await reading.answer(prompt), "engine": RULES, "model": ""}
                return Ended(state=StepState.DONE, result=result, why=f"{why} It was looked up by {reading.name}.")
        raise Unavailable(why)


def _found(text: str, *, found: bool) -> Ended:
    return Ended(state=StepState.DONE, result={"text": text, "found": found})


def _tokens(found: Any) -> int:
    if found is None:
        return 400
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= MOST:
        raise BadInput(f"tokens is {found!r:.40}; a whole number from 1 to {MOST} is right.")
    return found
