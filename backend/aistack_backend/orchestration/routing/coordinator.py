"""The coordinator: a question in, an answer out, with the way it took, and one row in the telemetry."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aistack_backend import tracing
from aistack_backend.errors import BackendError, Refused
from aistack_backend.inference.models import Turn
from aistack_backend.inference.providers.price import shown
from aistack_backend.learning.models import Hints, Interaction, Told
from aistack_backend.learning.port import Learned
from aistack_backend.learning.telemetry import Telemetry
from aistack_backend.orchestration.routing import classes, limits, prompt, rules
from aistack_backend.orchestration.routing.budget import Budgets
from aistack_backend.orchestration.routing.history import ROUTED, SOURCE
from aistack_backend.orchestration.routing.metrics import Metrics
from aistack_backend.orchestration.routing.models import Piece
from aistack_backend.orchestration.routing.outbound import OutboundLog
from aistack_backend.orchestration.routing.port import Finds
from aistack_backend.orchestration.routing.private import Private
from aistack_backend.orchestration.routing.switch import Switch
from aistack_backend.orchestration.routing.way import Asked, Outcome, Way, Ways
from aistack_backend.store.database import Database
from aistack_backend.store.telemetry_tables import telemetry as table
from aistack_backend.wire.routing import Route, RouteAnswer, RouteRequest, RouteSource, Tried

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What the coordinator stands on."""

    ways: Ways
    switch: Switch
    budgets: Budgets
    learned: Learned
    finds: Finds
    telemetry: Telemetry
    log: OutboundLog
    private: Private
    rates: limits.Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks: by what the limits count, and whose conversations it may go on with."""

    client: str
    door: str = ""
    """Put before the name of each session, so that one door's conversations are not another's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What was looked up for a question."""

    session: str
    known: rules.Known
    earlier: Sequence[Told]
    pieces: Sequence[Piece]
    shared: bool
    """An endpoint elsewhere is shown the pieces too."""
    faults: tuple[Tried, ...]


class Coordinator:
    """Belongs to one event loop."""

    def __init__(self, rooms: Rooms, metrics: Metrics, database: Database) -> None:
        """Raises BadInput when ``routing.remote_first`` names no kind of question."""
        self.rooms, self.metrics, self.database = rooms, metrics, database
        self._clock = rooms.ways.clock
        self._remote_first = rules.classes(rooms.ways.config.remote_first)

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return self._clock.now()

    def may_leave(self, name: str) -> None:
        """Let an endpoint be asked for something that is no question.

        Raises:
            Refused: it stands elsewhere, and the way out is locked.
        """
        far = self.rooms.ways.far
        if far is not None and name in far.names and (lock := self.rooms.switch.lock()).locked:
            raise Refused(f"Nothing may leave this machine. {lock.why}", "route unlock opens it.", kind="local-only")

    async def route(self, request: RouteRequest, asker: Asker) -> RouteAnswer:
        """Answer a question, by whom the rules say, and write down how it went.

        Raises:
            TooOften, BadInput: it is not taken. Unavailable: it cannot be written down.
        """
        try:
            self.rooms.rates.count(asker.client)
            limits.looked_over(request)
        except BackendError:
            self.metrics.refused()
            raise
        return await self.ordered(request, asker)

    async def ordered(
        self, request: RouteRequest, asker: Asker, order: rules.Order | None = None, event: str = ROUTED
    ) -> RouteAnswer:
        """Answer a question that was counted and looked over; by ``order``, else by the rules.

        Raises:
            Unavailable: it cannot be written down.
        """
        began = self._clock.mono()
        read = await self._read(request, asker)
        question = uuid.uuid4().hex
        asked = Asked(question, read.known.task_class)
        way = Way(self.rooms.ways, order or rules.order(read.known), *self._told(request, read), asked)
        way.outcome.tried.extend(read.faults)
        if not await self._recalled(request, read, way.outcome):
            await way.go(request.max_tokens)
        answer = self._answer(read, way.outcome, self._clock.mono() - began)
        return await self._write(request, answer, question, event)

    async def known(self, request: RouteRequest, asker: Asker) -> rules.Known:
        """Return what is known of a question before anybody is asked."""
        return (await self._read(request, asker)).known

    async def _write(self, request: RouteRequest, answer: RouteAnswer, question: str, event: str) -> RouteAnswer:
        one = Interaction(
            source=SOURCE,
            event=event,
            session=answer.session,
            query=request.query,
            answer=answer.answer,
            task_class=answer.task_class,
            route=answer.route.value,
            provider=answer.provider,
            model=answer.model,
            reason=answer.reason,
            confidence=answer.confidence,
            agreement=answer.agreement,
            judgements=answer.judgements,
            latency=answer.latency,
            tokens_in=answer.tokens_in,
            tokens_out=answer.tokens_out,
            cost=answer.cost,
            currency=answer.currency,
            sources=tuple(one.source for one in answer.sources),
            patterns=answer.patterns,
            ok=answer.route is not Route.NONE,
            detail="\n".join(map(line, answer.tried)),
            consent=request.consent,
            trace_id=tracing.trace_id(),
            with_context=bool(request.context),
        )
        number = await asyncio.to_thread(self.rooms.telemetry.record, one)
        if any(each.route is Route.REMOTE for each in answer.tried):
            try:
                await asyncio.to_thread(self.rooms.log.tie, question, number)
            except BackendError as error:  # its rows still name the question that they left for
                log.warning("What left for interaction %d is not tied to it: %s", number, error.detail)
        made = _numbered(answer, number)
        self.metrics.count(made)
        return made

    async def _read(self, request: RouteRequest, asker: Asker) -> _Read:
        rooms, faults = self.rooms, list[Tried]()
        session = f"{asker.door}{request.session}" if request.session else ""
        kind, why = classes.classify(request.query)
        earlier = await asyncio.to_thread(self._earlier, session) if session else ()
        hints = Hints()
        try:
            hints = await rooms.learned.hints(request.query, kind)
        except BackendError as error:
            faults.append(Tried(route=Route.CACHE, name="learned", asked=True, ok=False, detail=error.detail))
        pieces: Sequence[Piece] = ()
        try:
            pieces = await rooms.finds.find(request.query, rooms.ways.config.sources)
        except BackendError as error:
            faults.append(Tried(route=Route.LOCAL, name="documents", asked=True, ok=False, detail=error.detail))
        texts = [request.query, limits.context_text(request.context), *limits.strings(request.context)]
        texts += [text for one in earlier for text in (one.interaction.query, one.interaction.answer)]
        known = rules.Known(
            task_class=kind,
            class_why=why,
            prefer=request.prefer,
            local_only=request.local_only,
            private=await asyncio.to_thread(rooms.private.kinds, texts),
            hints=hints,
            lock=await asyncio.to_thread(rooms.switch.lock),
            far=rooms.ways.far.names if rooms.ways.far else (),
            budgets=await asyncio.to_thread(rooms.budgets.standing),
            remote_first=self._remote_first,
        )
        shared = bool(pieces) and rooms.ways.config.share_sources
        if shared:
            shared = not await asyncio.to_thread(
                rooms.private.kinds, [text for one in pieces for text in (one.text, prompt.bare(one))]
            )
        return _Read(session=session, known=known, earlier=earlier, pieces=pieces, shared=shared, faults=tuple(faults))

    def _earlier(self, session: str) -> Sequence[Told]:
        mine = (table.c.session == session, table.c.event == ROUTED, table.c.source == SOURCE, table.c.ok == 1)
        return self.rooms.telemetry.find(*mine, most=prompt.TURNS)

    def _told(self, request: RouteRequest, read: _Read) -> tuple[Sequence[Turn], Sequence[Turn]]:
        """Return what a model here is told, and what one elsewhere is."""
        context, hint = limits.context_text(request.context), read.known.hints.prompt
        near = prompt.turns(request.query, context, read.earlier, read.pieces, hint)
        away = prompt.turns(request.query, context, read.earlier, read.pieces if read.shared else (), hint)
        return near, away

    async def _recalled(self, request: RouteRequest, read: _Read, outcome: Outcome) -> bool:
        """Take the learned answer, where there is one; only for a question that stands by itself."""
        if request.fresh or read.earlier or request.context:
            return False
        began = self._clock.mono()
        try:
            found = await self.rooms.learned.recall(request.query)
        except BackendError as error:
            took = self._clock.mono() - began
            outcome.tried.append(
                Tried(route=Route.CACHE, name="learned", asked=True, ok=False, detail=error.detail, latency=took)
            )
            return False
        if found is None:
            return False
        took = round(self._clock.mono() - began, 4)
        outcome.tried.append(Tried(route=Route.CACHE, name="learned", asked=True, ok=True, latency=took))
        outcome.route, outcome.text, outcome.solution = Route.CACHE, found.answer, found
        outcome.confidence = found.similarity
        outcome.measured = "Likeness of the question to the one whose answer was learned."
        outcome.reasons = [f"The answer was learned (pattern {found.pattern})."]
        return True

    def _answer(self, read: _Read, outcome: Outcome, took: float) -> RouteAnswer:
        said, solution = outcome.said, outcome.solution
        sources = tuple(RouteSource(source=one.source, title=one.title, cosine=one.cosine) for one in read.pieces)
        patterns = read.known.hints.patterns
        if solution is not None:
            sources = tuple(RouteSource(source=one, title=one) for one in solution.sources)
            patterns = (solution.pattern,)
        remote = outcome.route is Route.REMOTE
        if (remote and not read.shared) or outcome.route is Route.NONE:
            sources = ()
        free = outcome.route in (Route.CACHE, Route.LOCAL)
        return RouteAnswer(
            id=0,
            answer=outcome.text,
            route=outcome.route,
            reason=" ".join(outcome.reasons),
            task_class=read.known.task_class,
            model=said.model if said else "",
            provider=outcome.provider,
            confidence=outcome.confidence,
            measured=outcome.measured,
            agreement=outcome.agreement,
            judgements=outcome.judgements,
            sources=sources,
            latency=round(took, 4),
            tokens_in=said.tokens_in if said else None,
            tokens_out=said.tokens_out if said else None,
            cost="0" if free else shown(said.cost) if said else None,
            currency=said.currency if said and remote else "",
            tried=tuple(outcome.tried),
            patterns=patterns,
            session=read.session,
            private=read.known.private,
        )


def line(one: Tried) -> str:
    """Return a step in one line, as it is kept."""
    took = f" in {one.latency:.3f} s" if one.latency is not None else ""
    how = "answered" if one.ok else "did not answer" if one.asked else "not asked"
    name = one.name if one.name.startswith(f"{one.route.value} ") else f"{one.route.value} {one.name}"
    return f"{name}: {how}{took}{f'. {one.detail}' if one.detail else '.'}"


def _numbered(answer: RouteAnswer, number: int) -> RouteAnswer:
    return replace(answer, id=number)
