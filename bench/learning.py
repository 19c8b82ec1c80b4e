"""What learning is worth: held-out questions before and after 200 judged interactions, then one pattern rolled back.

Everything is real but the far endpoint: the backend, its coordinator, the small local model, the model of vectors. The
far endpoint stands on loopback and alone knows the ten facts; it has a price, and answers at once, so that its
latency is the least that one could have. Answers are judged by comparing them with the facts, or else corrected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tests.bed.backend import house

from aistack_backend.wire.learning import Judgement, PatternKind, PatternState, Run
from aistack_backend.wire.routing import Route, RouteAnswer, RouteRequest
from aistack_console.client.api import Client
from bench.chat import model_ready
from bench.figures import Figure, percentile
from bench.learning_world import FACTS, UNTAUGHT, WORDINGS, fact, far, settle

ROUNDS, FIRST = 20, 3
"""Times that each fact is asked; and after how many of them a first run is made, as one an hour would be."""
TOKENS = 24
"""Of one answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and how it was answered."""

    question: str
    answer: RouteAnswer

    @property
    def right(self) -> bool:
        """The answer holds the fact."""
        known = fact(self.question)
        return bool(known) and known.casefold() in self.answer.answer.casefold()


def run(*options: str) -> list[Figure]:
    """Measure; ``--few`` teaches 80 interactions instead of 200."""
    rounds = 8 if "--few" in options else ROUNDS
    with far() as there, house(AISTACK_MODEL_ENABLED="true") as home:
        settle(home, there.url)
        home.start()
        return asyncio.run(_measure(Client(home.socket, via="api"), rounds))


async def _measure(client: Client, rounds: int) -> list[Figure]:
    try:
        async with asyncio.timeout(300):
            await model_ready(client)
        held_out = [*(other for _, _, other in FACTS), *(WORDINGS[1].format(one) for one, _, _ in FACTS), *UNTAUGHT]
        before = await _all(client, held_out)
        taught = await _teach(client, range(FIRST))
        first = await _learn(client)
        taught += await _teach(client, range(FIRST, rounds))
        learned = [first, await _learn(client)]
        after = await _all(client, held_out)
        back = await _roll_back(client)
    finally:
        await client.close()
    return [*_taught(taught, learned), *_figures("before", before), *_figures("after", after), *back]


async def _all(client: Client, questions: Sequence[str]) -> list[Asked]:
    return [Asked(one, await _ask(client, one)) for one in questions]


async def _ask(client: Client, question: str) -> RouteAnswer:
    return await client.route(RouteRequest(query=question, max_tokens=TOKENS))


async def _learn(client: Client) -> Run:
    done = await client.learn_now()
    if not done.ok:
        raise RuntimeError(done.detail)
    return done


async def _teach(client: Client, rounds: range) -> list[Asked]:
    """Ask each fact once a round, in several wordings, and judge each answer."""
    asked = []
    for at in rounds:
        for question, _, _ in FACTS:
            one = Asked(question, await _ask(client, WORDINGS[at % len(WORDINGS)].format(question)))
            if one.right:
                await client.judge(one.answer.id, Judgement.GOOD)
            else:
                await client.judge(one.answer.id, Judgement.CORRECTED, f"It is {fact(question)}.")
            asked.append(one)
    return asked


async def _roll_back(client: Client) -> list[Figure]:
    """Ask a learned question, roll its pattern back, and ask again."""
    active = (await client.patterns(PatternState.ACTIVE.value)).patterns
    one = next((one for one in active if one.kind is PatternKind.ANSWER), None)
    if one is None:
        raise RuntimeError("No learned answer became active.")
    first = await _ask(client, one.question)
    await client.roll_back(one.id, "the bench takes it back")
    second = await _ask(client, one.question)
    others = [await _ask(client, each.question) for each in active if each.kind is PatternKind.ANSWER and each != one]
    return [
        Figure(
            name="learning: the pattern's question from the cache", value=float(first.route is Route.CACHE), unit=""
        ),
        Figure(name="learning: the same, rolled back", value=float(second.route is Route.CACHE), unit="", goal="0"),
        Figure(name="learning: of the others still from the cache", value=_share(others, Route.CACHE), unit="%"),
    ]


def _taught(asked: Sequence[Asked], learned: Sequence[Run]) -> list[Figure]:
    return [
        Figure(name="learning: judged interactions", value=len(asked), unit=""),
        Figure(name="learning: of them right", value=100 * sum(one.right for one in asked) / len(asked), unit="%"),
        Figure(name="learning: patterns made", value=sum(one.made for one in learned), unit=""),
        Figure(name="learning: patterns active", value=sum(one.activated for one in learned), unit=""),
        *(Figure(name=f"learning: run {one.id}", value=(one.took or 0) * 1000, unit="ms") for one in learned),
    ]


def _figures(when: str, asked: Sequence[Asked]) -> list[Figure]:
    known = [one for one in asked if fact(one.question)]
    answers = [one.answer for one in asked]
    seconds = [one.latency for one in answers]
    costs = [Decimal(one.cost) for one in answers if one.cost is not None]
    local = _share(answers, Route.CACHE) + _share(answers, Route.LOCAL)
    return [
        Figure(name=f"learning: {when}, held-out questions", value=len(asked), unit=""),
        Figure(name=f"learning: {when}, answered from the cache", value=_share(answers, Route.CACHE), unit="%"),
        Figure(name=f"learning: {when}, answered locally", value=local, unit="%"),
        Figure(name=f"learning: {when}, right", value=100 * sum(one.right for one in known) / len(known), unit="%"),
        Figure(name=f"learning: {when}, latency p50", value=percentile(seconds, 0.5) * 1000, unit="ms"),
        Figure(name=f"learning: {when}, latency p95", value=percentile(seconds, 0.95) * 1000, unit="ms"),
        Figure(name=f"learning: {when}, cost", value=float(sum(costs)) * 1e6, unit="uUSD"),
        Figure(name=f"learning: {when}, of unknown cost", value=len(answers) - len(costs), unit=""),
    ]


def _share(answers: Sequence[RouteAnswer], route: Route) -> float:
    return 100 * sum(one.route is route for one in answers) / len(answers) if answers else 0.0
