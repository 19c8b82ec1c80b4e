"""Readings over the last 24 hours and the last 7 days, from the tables; a share of nothing is absent, never 0."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from aistack_backend.observe.metrics import Reading
from aistack_backend.store.learning_tables import run, trial
from aistack_backend.store.loop_tables import loop, loop_pass
from aistack_backend.store.tables import event, task
from aistack_backend.store.telemetry_tables import telemetry
from aistack_backend.store.training_tables import training
from aistack_backend.wire.loops import AgentKind, PassState
from aistack_backend.wire.tasks import TaskState
from aistack_backend.wire.training import TrainState

DAY = 86_400.0
WINDOWS = {"24h": DAY, "7d": 7 * DAY}
"""Each window by its label, with its seconds; all of them end now."""
JUDGED = (TaskState.DONE, TaskState.FAILED, TaskState.EXHAUSTED, TaskState.UNSURE)
"""Ends that say whether a task succeeded; what was stopped or denied says nothing."""
WORKING = (PassState.WORKING, PassState.PROVING)
TRAININGS = tuple(state.value for state in TrainState if state is not TrainState.UNKNOWN)
ADAPTERS = 5
"""Newest kept adapters whose loss is told."""
Stretch = tuple[float, float]


def windowed(connection: Connection, now: float) -> Iterator[Reading]:
    """Yield every reading that has a window, and what training measured."""
    passes = _passes(connection, now)
    for window, seconds in WINDOWS.items():
        since = now - seconds
        yield from _questions(connection, since, window)
        yield from _tasks(connection, since, window)
        yield from _learned(connection, since, window)
        yield from (
            Reading("aistack_agent_busy_ratio", share, {"agent": agent, "window": window})
            for agent, share in busy(passes, since, now).items()
        )
        records = select(func.count()).select_from(event).where(event.c.at >= since)
        yield Reading("aistack_window_audit_records", _one(connection, records), {"window": window})
    yield from _adapters(connection)


def busy(passes: Iterable[tuple[str, float, float]], since: float, until: float) -> dict[str, float]:
    """Return the share of the time that each agent's place worked.

    An agent has one place: the time in which at least one pass of a loop with this agent was under way, agent and
    proof together, cut to the window. Two passes at once are one place that works, so it is never over 1. An agent
    that worked in none of ``passes`` is not named; one that worked only before the window has a measured 0.
    """
    stretches: dict[str, list[Stretch]] = {}
    for agent, began, ended in passes:
        stretches.setdefault(agent, []).append((max(began, since), min(ended, until)))
    return {agent: _covered(found) / (until - since) for agent, found in sorted(stretches.items())}


def _covered(stretches: Sequence[Stretch]) -> float:
    total, reached = 0.0, float("-inf")
    for began, ended in sorted(stretches):
        total += max(0.0, ended - max(began, reached))
        reached = max(reached, ended)
    return total


def _passes(connection: Connection, now: float) -> list[tuple[str, float, float]]:
    """Return agent, beginning and end of each pass of the longest window; one that goes on ends now."""
    goes_on = and_(loop_pass.c.ended_at.is_(None), loop_pass.c.state.in_(WORKING))
    wanted = (
        select(loop.c.request, loop_pass.c.began_at, loop_pass.c.ended_at)
        .join(loop, loop.c.task_id == loop_pass.c.task_id)
        .where(or_(loop_pass.c.ended_at > now - max(WINDOWS.values()), goes_on))
    )
    return [
        (str(json.loads(row.request).get("agent", AgentKind.RULES)), row.began_at, row.ended_at or now)
        for row in connection.execute(wanted)
    ]


def _questions(connection: Connection, since: float, window: str) -> Iterator[Reading]:
    c = telemetry.c
    routed = and_(c.source == "coordinator", c.event == "routed", c.timestamp >= since)
    took = func.sum(case((c.ok == 1, c.latency), else_=None))
    timed = func.count(case((c.ok == 1, c.latency), else_=None))
    columns = (func.count(), func.count(c.ok), func.coalesce(func.sum(c.ok), 0), took, timed)
    asked, ended, well, seconds, measured = connection.execute(select(*columns).where(routed)).one()
    label = {"window": window}
    yield Reading("aistack_window_questions", asked, label)
    if ended:
        yield Reading("aistack_window_success_ratio", int(well) / ended, {"of": "questions", **label})
    if measured:
        yield Reading("aistack_window_answer_seconds", seconds / measured, label)
    judged = select(func.count()).select_from(telemetry).where(c.judged_at >= since)
    yield _a_day("judged", _one(connection, judged), window)


def _tasks(connection: Connection, since: float, window: str) -> Iterator[Reading]:
    counted = select(func.count(), func.sum(case((task.c.state == TaskState.DONE, 1), else_=0)))
    wanted = counted.where(task.c.state.in_(JUDGED), task.c.updated_at >= since)
    ended, done = connection.execute(wanted).one()
    if ended:
        yield Reading("aistack_window_success_ratio", int(done) / ended, {"of": "tasks", "window": window})


def _learned(connection: Connection, since: float, window: str) -> Iterator[Reading]:
    runs = select(func.count(), func.sum(run.c.activated)).where(run.c.began_at >= since, run.c.ok == 1)
    made, activated = connection.execute(runs).one()
    if made:
        yield _a_day("patterns", int(activated), window)
    tried = select(func.count(), func.coalesce(func.sum(trial.c.passed), 0)).where(trial.c.at >= since)
    trials, won = connection.execute(tried).one()
    if trials:
        yield Reading("aistack_window_trials_won", int(won), {"window": window})


def _a_day(what: str, count: int, window: str) -> Reading:
    rate = count / (WINDOWS[window] / DAY)
    return Reading("aistack_learning_rate_per_day", rate, {"what": what, "window": window})


def _adapters(connection: Connection) -> Iterator[Reading]:
    states = select(training.c.state, func.count()).group_by(training.c.state).order_by(training.c.state)
    counts = {state: int(count) for state, count in connection.execute(states)}
    for state in TRAININGS if counts else ():
        yield Reading("aistack_trainings", counts.get(state, 0), {"state": state})
    newest = select(training.c.name, training.c.figures).where(
        training.c.state == TrainState.KEPT, training.c.figures.is_not(None), training.c.name != ""
    )
    told: set[str] = set()
    for name, text in connection.execute(newest.order_by(training.c.at.desc()).limit(ADAPTERS)):
        figures: dict[str, Any] = json.loads(text)
        if name not in told:
            told.add(name)
            for measured in ("base", "adapted"):
                labels = {"adapter": name, "measured": measured}
                yield Reading("aistack_adapter_loss", float(figures[measured]), labels)


def _one(connection: Connection, wanted: Any) -> int:
    return int(connection.execute(wanted).scalar_one())
