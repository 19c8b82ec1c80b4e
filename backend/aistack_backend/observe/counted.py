"""Readings that are counts of rows: tasks, approvals, the audit, passes, interactions, documents, alarms."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from sqlalchemy import Connection, case, func, select

from aistack_backend.errors import Unavailable
from aistack_backend.observe.metrics import Reading
from aistack_backend.observe.windows import windowed
from aistack_backend.store.alert_tables import alert
from aistack_backend.store.database import Database
from aistack_backend.store.knowledge_tables import collection, document
from aistack_backend.store.learning_tables import pattern, sample, trial
from aistack_backend.store.loop_tables import loop_pass
from aistack_backend.store.tables import approval, effect, event, task
from aistack_backend.store.telemetry_tables import telemetry
from aistack_backend.wire.actions import ApprovalState
from aistack_backend.wire.learning import PatternState, SampleState
from aistack_backend.wire.loops import PassState
from aistack_backend.wire.tasks import TaskState

log = logging.getLogger(__name__)
HOUR = 3600.0
ENDS = (
    TaskState.DONE, TaskState.EXHAUSTED, TaskState.FAILED, TaskState.STOPPED, TaskState.DENIED, TaskState.UNSURE,
)  # fmt: skip
STATES = tuple(state.value for state in TaskState if state is not TaskState.UNKNOWN)
UNDER_WAY = (PassState.WORKING, PassState.PROVING)


def counted(database: Database, now: float) -> tuple[Reading, ...]:
    """Return the counts; none while the database cannot be read. Blocks."""
    try:
        with database.read() as connection:
            return (
                *_tasks(connection, now),
                *_approvals(connection, now),
                *_loops(connection),
                *_interactions(connection),
                *_learning(connection),
                *_rest(connection),
                *windowed(connection, now),
            )
    except Unavailable as error:
        log.warning("nothing can be counted now: %s", error.detail)
        return ()


def _tasks(connection: Connection, now: float) -> Iterator[Reading]:
    took = func.sum(task.c.updated_at - task.c.created_at)
    recent = func.sum(case((task.c.updated_at >= now - HOUR, 1), else_=0))
    query = select(task.c.state, func.count(), took, recent).group_by(task.c.state).order_by(task.c.state)
    rows = {state: (count, seconds, lately) for state, count, seconds, lately in connection.execute(query)}
    for state in STATES:
        count, seconds, lately = rows.get(state, (0, 0.0, 0))
        yield Reading("aistack_tasks", count, {"state": state})
        yield Reading("aistack_tasks_last_hour", int(lately), {"state": state})
        if state in ENDS:
            yield Reading("aistack_task_seconds_total", seconds, {"state": state})
    states = select(effect.c.state, func.count()).group_by(effect.c.state).order_by(effect.c.state)
    for state, count in connection.execute(states):
        yield Reading("aistack_effects", count, {"state": state})


def _approvals(connection: Connection, now: float) -> Iterator[Reading]:
    waited = func.sum(approval.c.decided_at - approval.c.created_at)
    query = select(approval.c.state, func.count(), func.min(approval.c.created_at), waited)
    waiting, longest, seconds = 0, 0.0, 0.0
    for state, count, oldest, took in connection.execute(query.group_by(approval.c.state).order_by(approval.c.state)):
        seconds += took or 0.0
        if state == ApprovalState.PENDING:
            waiting, longest = count, max(0.0, now - oldest)
        else:
            yield Reading("aistack_approvals_total", count, {"state": state})
    yield Reading("aistack_approvals_waiting", waiting)
    yield Reading("aistack_approvals_oldest_seconds", longest)
    yield Reading("aistack_approval_wait_seconds_total", seconds)


def _loops(connection: Connection) -> Iterator[Reading]:
    took = func.sum(loop_pass.c.ended_at - loop_pass.c.began_at)
    query = select(loop_pass.c.state, func.count(), took).group_by(loop_pass.c.state).order_by(loop_pass.c.state)
    working, seconds = 0, 0.0
    for state, count, spent in connection.execute(query):
        seconds += spent or 0.0
        if state in UNDER_WAY:
            working += count
        else:
            yield Reading("aistack_loop_passes_total", count, {"state": state})
    yield Reading("aistack_agents_working", working)
    yield Reading("aistack_agent_seconds_total", seconds)


def _interactions(connection: Connection) -> Iterator[Reading]:
    routes = (
        select(
            telemetry.c.route,
            func.count(),
            func.count(telemetry.c.latency),
            func.sum(telemetry.c.latency),
            func.count(telemetry.c.ok) - func.coalesce(func.sum(telemetry.c.ok), 0),
        )
        .where(telemetry.c.route != "")
        .group_by(telemetry.c.route)
        .order_by(telemetry.c.route)
    )
    for route, count, measured, seconds, failed in connection.execute(routes):
        labels = {"route": route}
        yield Reading("aistack_interactions_total", count, labels)
        yield Reading("aistack_interactions_failed_total", failed, labels)
        yield Reading("aistack_interactions_measured_total", measured, labels)
        yield Reading("aistack_interaction_seconds_total", seconds or 0.0, labels)
    judged = select(telemetry.c.verdict, func.count()).where(telemetry.c.verdict.is_not(None))
    for verdict, count in connection.execute(judged.group_by(telemetry.c.verdict).order_by(telemetry.c.verdict)):
        yield Reading("aistack_interactions_judged_total", count, {"verdict": verdict})


def _learning(connection: Connection) -> Iterator[Reading]:
    for name, table, states in (
        ("aistack_learning_patterns", pattern, PatternState),
        ("aistack_learning_samples", sample, SampleState),
    ):
        found = select(table.c.state, func.count()).group_by(table.c.state)
        rows = {row[0]: int(row[1]) for row in connection.execute(found)}
        known = [one.value for one in states if one is not states.UNKNOWN]
        yield from (Reading(name, rows.get(state, 0), {"state": state}) for state in known)
    trials = select(trial.c.passed, func.count()).group_by(trial.c.passed).order_by(trial.c.passed)
    tried = {bool(passed): count for passed, count in connection.execute(trials)}
    for passed in (True, False) if tried else ():
        yield Reading("aistack_learning_trials_total", tried.get(passed, 0), {"passed": "yes" if passed else "no"})


def _rest(connection: Connection) -> Iterator[Reading]:
    newest = connection.execute(select(func.max(event.c.seq))).scalar()
    if newest is not None:
        yield Reading("aistack_audit_records_total", newest)
    held = select(collection.c.name, func.count(document.c.id)).select_from(
        collection.outerjoin(document, document.c.collection_id == collection.c.id)
    )
    for name, count in connection.execute(held.group_by(collection.c.name).order_by(collection.c.name)):
        yield Reading("aistack_knowledge_documents", count, {"collection": name})
    states = select(alert.c.state, func.count()).where(alert.c.ended_at.is_(None)).group_by(alert.c.state)
    for state, count in connection.execute(states.order_by(alert.c.state)):
        yield Reading("aistack_alerts", count, {"state": state})
