"""One question on its way: each step is tried in the order that the rules gave, and told with its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, Refused, Unavailable
from aistack_backend.inference.models import Turn
from aistack_backend.inference.providers.breaker import NotAsked
from aistack_backend.inference.providers.models import Ask
from aistack_backend.knowledge.port import Embeds
from aistack_backend.learning.models import Solution
from aistack_backend.orchestration.routing.agreement import FIRST, sampled
from aistack_backend.orchestration.routing.budget import OverBudget
from aistack_backend.orchestration.routing.calibrated import ENOUGH, Calibrations, Trust
from aistack_backend.orchestration.routing.far import Far
from aistack_backend.orchestration.routing.models import Said
from aistack_backend.orchestration.routing.port import Model
from aistack_backend.orchestration.routing.rules import Order
from aistack_backend.wire.config import RoutingConfig
from aistack_backend.wire.routing import Route, Tried

NOBODY = "No model answered this question."
UNMEASURED = "Nothing was measured: it would have decided nothing."
ELSEWHERE = "Nothing was measured: an endpoint elsewhere answers once."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Who can be asked on the way."""

    models: Sequence[Model]
    far: Far | None
    embeds: Embeds | None
    config: RoutingConfig
    clock: Clock
    calibrations: Calibrations


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How it ended."""

    route: Route = Route.NONE
    said: Said | None = None
    text: str = NOBODY
    provider: str = ""
    confidence: float | None = None
    measured: str = ""
    agreement: float | None = None
    judgements: int = 0
    solution: Solution | None = None
    reasons: list[str] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """The question that a way belongs to."""

    id: str
    """Ties what leaves to it."""
    task_class: str


class Way:
    """Goes through an order; belongs to one question."""

    def __init__(self, ways: Ways, order: Order, near: Sequence[Turn], far: Sequence[Turn], question: Asked) -> None:
        """``near`` and ``far``: what a model here and one elsewhere are told."""
        self._ways, self._order, self._question = ways, order, question
        self._near, self._away = tuple(near), tuple(far)
        self.outcome = Outcome(reasons=list(order.reasons))

    async def go(self, max_tokens: int) -> Outcome:
        """Ask until somebody answers well enough; whoever answered is in the outcome, and who did not as well."""
        for route in self._order.routes:
            if route is Route.LOCAL:
                await self._local(max_tokens)
            elif self._unsure():
                await self._remote(max_tokens)
            if self.outcome.said is not None and not self._unsure():
                break
        if self._order.shut and self.outcome.said is None:
            self.skipped(Route.REMOTE, "endpoints elsewhere", self._order.shut)
        if self.outcome.said is None:
            self.outcome.reasons.append(self._why_nobody())
            self.outcome.text = " ".join([NOBODY, *self.outcome.reasons[-1:]])
        return self.outcome

    def skipped(self, route: Route, name: str, why: str) -> None:
        """Write down who was left out."""
        self.outcome.tried.append(Tried(route=route, name=name, asked=False, ok=False, detail=why))

    def _unsure(self) -> bool:
        """Whether nobody answered yet, or a local answer of too little measured confidence."""
        held = self.outcome
        least = self._ways.config.min_confidence
        weak = held.route is Route.LOCAL and held.confidence is not None and held.confidence < least
        return held.said is None or weak

    async def _local(self, max_tokens: int) -> None:
        if self.outcome.said is not None:
            return
        samples = self._ways.config.samples if self._measures() else 1
        for model in self._ways.models:
            began = self._ways.clock.mono()
            try:
                said, agreed, measured = await sampled(model, self._near, max_tokens, samples, self._ways.embeds)
                if not said.text:
                    raise Unavailable(f"{said.model} answered with nothing.")
            except BackendError as error:
                self._asked(Route.LOCAL, model.name, began, error.detail)
                continue
            self._asked(Route.LOCAL, said.model, began)
            measured = measured if samples > 1 else UNMEASURED
            trust = None if agreed is None else await self._trusted(said.model, agreed)
            self._take(Route.LOCAL, said, trust.confidence if trust else None, measured)
            self.outcome.agreement, self.outcome.judgements = agreed, trust.judgements if trust else 0
            self.outcome.reasons.append(self._local_reason(agreed, trust))
            return
        if not self._ways.models:
            self.skipped(Route.LOCAL, "local model", "There is none.")

    async def _trusted(self, model: str, agreed: float) -> Trust:
        """Return what the agreement is worth; where that cannot be told, the agreement itself."""
        try:
            return await asyncio.to_thread(self._ways.calibrations.trust, model, self._question.task_class, agreed)
        except BackendError:
            return Trust(agreed, 0)

    def _local_reason(self, agreed: float | None, trust: Trust | None) -> str:
        if agreed is None or trust is None:
            return "The local model answered."
        least = self._ways.config.min_confidence
        verdict = f"less than the {least:.2f} that are asked for" if trust.confidence < least else "which is enough"
        if trust.judgements:
            worth = f"confidence {trust.confidence:.2f} of {trust.judgements} judged ({trust.of}), {verdict}"
            return f"The local model's answers agree by {agreed:.2f}: {worth}."
        few = f"not calibrated: {trust.there} of {ENOUGH} judged"
        return f"The local model's answers agree by {agreed:.2f}, {verdict} ({few})."

    async def _remote(self, max_tokens: int) -> None:
        if self._ways.far is None:
            return
        ask = Ask(turns=self._away, max_tokens=max_tokens, temperature=FIRST)
        for name in self._ways.far.names:
            began = self._ways.clock.mono()
            try:
                said = await self._ways.far.say(name, ask, self._question.id)
                if not said.text:
                    raise Unavailable(f"{name} answered with nothing.")
            except (OverBudget, Refused, NotAsked) as error:
                self.skipped(Route.REMOTE, name, error.detail)
                continue
            except BackendError as error:
                self._asked(Route.REMOTE, name, began, error.detail)
                continue
            self._asked(Route.REMOTE, name, began)
            self._take(Route.REMOTE, said, None, ELSEWHERE)
            self.outcome.provider = name
            self.outcome.reasons.append(f"{name} answered.")
            return
        if self.outcome.said is not None:
            self.outcome.reasons.append("Nobody elsewhere answered, so the local answer stands.")

    def _measures(self) -> bool:
        if self._ways.config.measure != "deciding":
            return self._ways.config.measure == "always"
        after = self._order.routes[self._order.routes.index(Route.LOCAL) + 1 :]
        far = self._ways.far
        return Route.REMOTE in after and far is not None and any(not far.breaker(name) for name in far.names)

    def _take(self, route: Route, said: Said, confidence: float | None, measured: str) -> None:
        held = self.outcome
        held.route, held.said, held.text = route, said, said.text
        held.confidence, held.measured = confidence, measured
        held.agreement, held.judgements = None, 0

    def _asked(self, route: Route, name: str, began: float, fault: str = "") -> None:
        took = self._ways.clock.mono() - began
        self.outcome.tried.append(
            Tried(route=route, name=name, asked=True, ok=not fault, detail=fault, latency=round(took, 4))
        )

    def _why_nobody(self) -> str:
        faults = [f"{one.name}: {one.detail}" for one in self.outcome.tried if one.detail]
        return " ".join(faults)
