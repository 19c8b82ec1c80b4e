"""The proposing agent: words in, one proposed action out. It can run nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aistack_backend.engine.tools import Registry
from aistack_backend.errors import BackendError, BadInput, Unavailable
from aistack_backend.orchestration import model_planner, rules
from aistack_backend.orchestration.models import Proposal
from aistack_backend.orchestration.port import Choose, Ships
from aistack_backend.wire.containers import Container
from aistack_backend.wire.models import EngineState
from aistack_backend.wire.sources import SourceState

PLANNERS = ("auto", "model", "rules")
PATIENCE = 60.0
"""Seconds that a model may take to choose."""
LOOKS, LOOK_EVERY = 50, 0.1
"""How often, and how many seconds apart, a source that is still being reached is looked at."""
_ANSWERING = (EngineState.READY, EngineState.BUSY)


class Agent:
    """Proposes with the model, with rules, or with rules where the model is absent or chooses badly."""

    def __init__(self, registry: Registry, ships: Ships, model: Choose | None = None) -> None:
        self._registry = registry
        self._ships = ships
        self._model = model

    async def propose(self, goal: str, planner: str = "auto") -> Proposal:
        """Return one proposal for ``goal``.

        Raises:
            BadInput: unknown planner, or no planner can read the goal; the sentence says what would be right.
            NotFound: the goal names a container that does not exist; the nearest names are offered.
            Unavailable: ``planner`` is ``model`` and none can answer, or the containers are not known now.
        """
        if planner not in PLANNERS:
            raise BadInput(f"There is no planner {planner!r}.", f"Use one of {', '.join(PLANNERS)}.")
        if not goal.strip():
            raise BadInput("The goal is empty.", rules.HINT)
        kinds, containers = self._registry.kinds(), await self._containers()
        if planner == "rules":
            return rules.plan(goal, kinds, containers)
        try:
            return await self._ask(goal, kinds, containers)
        except BackendError as error:
            if planner == "model":
                raise
            return _by_rules(goal, kinds, containers, error.detail)

    async def _containers(self) -> tuple[Container, ...]:
        """Return what exists now; a list that is old or was never measured is no ground to say that a name is not."""
        for _ in range(LOOKS):
            fleet = self._ships.fleet()
            if fleet.at is not None and fleet.source.state is SourceState.OK:
                return fleet.containers
            if fleet.source.state not in (SourceState.CONNECTING, SourceState.UNKNOWN):
                break
            await asyncio.sleep(LOOK_EVERY)
        raise Unavailable(f"The containers are not known now. {fleet.source.detail}".strip(), fleet.source.hint)

    async def _ask(self, goal: str, kinds: Sequence[str], containers: Sequence[Container]) -> Proposal:
        status = self._model.status() if self._model else None
        if self._model is None or status is None or status.engine not in _ANSWERING:
            state = f" (it is {status.engine})" if status else ""
            raise Unavailable(f"No local model can plan now{state}.", "Use planner `rules` for plain verbs.")
        try:
            async with asyncio.timeout(PATIENCE):
                return await model_planner.propose(goal, kinds, containers, self._model)
        except TimeoutError:
            raise Unavailable(f"The model did not choose within {PATIENCE:.0f} s.") from None


def _by_rules(goal: str, kinds: Sequence[str], containers: Sequence[Container], why: str) -> Proposal:
    try:
        found = rules.plan(goal, kinds, containers)
    except BackendError as error:
        raise type(error)(f"{why} The rules cannot read it either: {error.detail}", error.hint) from error
    return Proposal(
        kind=found.kind,
        target=found.target,
        script=found.script,
        planner=rules.NAME,
        note=f"{why} The rules planned this instead.",
    )
