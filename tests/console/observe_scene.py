"""What the pictures of the Alerts and Traces screens show: alarms in each state, dead rules, a task that goes on."""

from __future__ import annotations

from tests.console import scenes
from tests.console.stage import NOW, Stage, source

from aistack_backend.wire.alerts import (
    Alert,
    AlertList,
    AlertState,
    RuleStanding,
    RuleState,
    Severity,
    Target,
)
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.traces import Sending, Span, Trace, TraceList, TraceRow

CRITICAL = Severity.CRITICAL
ALERTS = AlertList(
    at=NOW - 4,
    alerts=(
        Alert(
            id=4, source="aistack", rule="ServiceBad", severity=CRITICAL, labels={"service": "aidb"},
            summary="A service of the stack is bad.", value=0.0, state=AlertState.FIRING, since=NOW - 200,
            fired_at=NOW - 140,
        ),
        Alert(
            id=3, source="prometheus", rule="ServiceDown", severity=CRITICAL,
            labels={"service": "qdrant", "job": "qdrant", "instance": "qdrant:6333"}, value=1.0,
            state=AlertState.ACKNOWLEDGED, since=NOW - 900, fired_at=NOW - 840, by="operator:me", by_at=NOW - 300,
            unmeasured_since=NOW - 30,
        ),
        Alert(
            id=2, source="aistack", rule="DiskNearlyFull", severity=CRITICAL, labels={"disk": "data"}, value=0.961,
            state=AlertState.SNOOZED, since=NOW - 4000, fired_at=NOW - 3940, by="operator:me", by_at=NOW - 600,
            until=NOW + 3000,
        ),
        Alert(
            id=1, source="aistack", rule="EngineStopped", severity=CRITICAL, value=0.0, state=AlertState.RESOLVED,
            since=NOW - 8000, fired_at=NOW - 7970, ended_at=NOW - 7000,
        ),
    ),
    rules=(
        RuleStanding(
            name="ServiceBad", source="aistack", condition="aistack_service_ok < 1 for 60 s", severity=CRITICAL,
            state=RuleState.FIRING, value=0.0, measured_at=NOW - 4, about="A service of the stack is bad.",
        ),
        RuleStanding(
            name="BackupOld", source="aistack", condition="aistack_backup_age_seconds > 691200",
            severity=Severity.WARNING, state=RuleState.NEVER, about="The newest backup is older than eight days.",
        ),
        RuleStanding(
            name="Odd", source="prometheus", condition="x y", severity=Severity.UNKNOWN, state=RuleState.BROKEN,
            detail="parse error",
        ),
    ),
    targets=(
        Target(name="aidb", ok=False, at=NOW - 9, detail="connection refused"),
        Target(name="ralph-wiggum", ok=True, at=NOW - 3),
        Target(name="grafana", ok=None),
    ),
    prometheus=source("prometheus", SourceState.FAILED, detail="Prometheus does not answer in time."),
)  # fmt: skip
TRACE = Trace(
    id="a" * 32,
    tasks=(42,),
    spans=(
        Span(
            id="1", parent_id="f", service="backend", name="POST /v1/tasks/goal", start=NOW - 30, seconds=0.12,
            attributes={"via": "tui", "status": "200"},
        ),
        Span(id="2", parent_id="1", service="backend", name="task.submit", start=NOW - 29.99, seconds=0.01),
        Span(
            id="3", parent_id="2", service="backend", name="approval.wait", start=NOW - 29.9, seconds=9.5,
            attributes={"approval": "1", "state": "approved", "risk": "medium"},
        ),
        Span(id="4", parent_id="2", service="backend", name="engine.run", start=NOW - 20, attributes={"task": "42"}),
        Span(
            id="5", parent_id="4", service="backend", name="model.answer", start=NOW - 19, seconds=1.2, failed=True,
            detail="Unavailable", attributes={"model": "smol"},
        ),
    ),
)  # fmt: skip
TRACES = TraceList(
    kept=True,
    traces=(
        TraceRow(id="a" * 32, task_id=42, name="POST /v1/tasks/goal", start=NOW - 30, seconds=12.2, spans=5, failed=1),
        TraceRow(id="b" * 32, name="POST /v1/chat", start=NOW - 90, seconds=0.8, spans=2, failed=0),
    ),
    sending=Sending(
        url="http://127.0.0.1:4318/v1/traces", sent=120, lost=3, last_at=NOW - 60, fault="It answered 503."
    ),
)


def observing(one: Stage) -> None:
    """A world with alarms and traces."""
    scenes.normal(one)
    one.topics[Topic.ALERTS] = ALERTS
    one.answers["GET /v1/traces"] = TRACES
    one.answers[f"GET /v1/traces/{TRACE.id}"] = TRACE
    one.answers["GET /v1/traces/42"] = TRACE
