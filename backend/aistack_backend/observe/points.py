"""What the owner's note wants to see on the dashboard, point by point, and which numbers of the catalogue tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aistack_backend.wire.dashboard import Unit

NOW, BOTH, ALL = ("now",), ("24h", "7d"), ("now", "24h", "7d")
ACTIVE = ("planning", "queued", "running", "paused")
"""States of a task that somebody works on or will; the Grafana dashboard counts the same."""
TABLES, HOST, STACK, MODEL, USAGE = "tables", "host", "stack", "model", "containers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One or more figures: a metric, read for now, and a metric with windows."""

    point: str
    name: str = ""
    """``{}`` stands for the value of the label ``by``."""
    unit: Unit = Unit.COUNT
    metric: str
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values that a label may have; what is left is added up."""
    by: str = ""
    """A label: each of its values is a figure of its own."""
    windows: tuple[str, ...] = NOW
    over: str = ""
    """The metric that has the windows; empty = ``metric`` has them."""
    rows: bool = False
    """Count the readings, not their values."""
    needs: str = ""
    """A metric without which, or with 0 of which, this one says nothing."""
    source: str = TABLES
    about: str
    why: str = ""
    """Why it may have no number though its source could be read."""


NO_TASK = "No task ended in this window in a way that says whether it succeeded."
NO_QUESTION = "No question ended in this window."
NO_RUN = "No run of learning ended well in this window."
NO_TRIAL = "No pattern was tried in this window."
NO_ADAPTER = "No adapter was kept: aistack-console train."

RALPH = (
    Line(point="Active tasks", metric="aistack_tasks", where={"state": ACTIVE}, about="Planned, queued, run, paused."),
    Line(point="Active tasks", name="passes under way", metric="aistack_agents_working", about="Passes of loops."),
    Line(point="Approval queue", name="waiting", metric="aistack_approvals_waiting", about="They wait for a person."),
    Line(
        point="Approval queue", name="oldest waits", unit=Unit.SECONDS, metric="aistack_approvals_oldest_seconds",
        needs="aistack_approvals_waiting", about="How long the oldest has waited.", why="None waits.",
    ),
    Line(
        point="Audit log", name="records", metric="aistack_audit_records_total", windows=ALL,
        over="aistack_window_audit_records", about="Records of the hash-chained log; now: in all.",
        why="Nothing was recorded yet.",
    ),
    Line(
        point="Audit log", name="can be written", unit=Unit.YES, metric="aistack_audit_writable",
        about="Whether a record could be written now; nothing runs without one.", why="The log is not open yet.",
    ),
    Line(
        point="Resource usage", name="processor", unit=Unit.SHARE, metric="aistack_host_cpu_ratio", source=HOST,
        about="Share of all cores of the machine that works.",
    ),
    Line(
        point="Resource usage", name="memory", unit=Unit.SHARE, metric="aistack_host_memory_ratio", source=HOST,
        about="Share of the machine's memory in use.",
    ),
    Line(
        point="Resource usage", name="disk {}", by="disk", unit=Unit.SHARE, metric="aistack_host_disk_ratio",
        source=HOST, about="Share of a file system in use.",
    ),
    Line(
        point="Resource usage", name="the model's process", unit=Unit.BYTES, metric="aistack_model_memory_bytes",
        source=MODEL, about="Memory that the local model's process holds.", why="No model is loaded.",
    ),
)  # fmt: skip
ORCHESTRATION = (
    Line(point="Tasks routed", metric="aistack_window_questions", windows=BOTH, about="Questions that were routed."),
    Line(
        point="Success rate", name="tasks", unit=Unit.SHARE, metric="aistack_window_success_ratio", windows=BOTH,
        where={"of": ("tasks",)}, about="Done, of those done, failed, exhausted or unsure.", why=NO_TASK,
    ),
    Line(
        point="Success rate", name="questions", unit=Unit.SHARE, metric="aistack_window_success_ratio", windows=BOTH,
        where={"of": ("questions",)}, about="Answered, of those that ended.", why=NO_QUESTION,
    ),
    Line(
        point="Average latency", name="of an answer", unit=Unit.SECONDS, metric="aistack_window_answer_seconds",
        windows=BOTH, about="Mean of the answers whose time was measured.", why="No answer was timed in this window.",
    ),
    Line(
        point="Agent utilisation", name="{}", by="agent", unit=Unit.SHARE, metric="aistack_agent_busy_ratio",
        windows=BOTH, about="Share of the time in which a pass with this agent ran.",
        why="No agent of a loop has worked within 7 days.",
    ),
)  # fmt: skip
LEARNING = (
    Line(
        point="Patterns learned", name="active", metric="aistack_learning_patterns", where={"state": ("active",)},
        about="Patterns that change answers, routes or prompts now.",
    ),
    Line(
        point="Patterns learned", name="candidates", metric="aistack_learning_patterns",
        where={"state": ("candidate",)}, about="Patterns that were not tried, or did no better.",
    ),
    Line(
        point="Training data size", name="accepted", metric="aistack_learning_samples", where={"state": ("accepted",)},
        about="Samples that a person let be trained on.",
    ),
    Line(
        point="Training data size", name="to review", metric="aistack_learning_samples", where={"state": ("waiting",)},
        about="Samples that wait for a person.",
    ),
    Line(
        point="Model improvements", name="trials won", metric="aistack_learning_trials_total",
        where={"passed": ("yes",)}, windows=ALL, over="aistack_window_trials_won",
        about="Trials in which a pattern did better on held-out work; now: in all.", why=NO_TRIAL,
    ),
    Line(
        point="Model improvements", name="adapters kept", metric="aistack_trainings", where={"state": ("kept",)},
        about="Trainings whose adapter did better on held-out lines.", why=NO_ADAPTER,
    ),
    Line(
        point="Model improvements", name="loss before {}", by="adapter", unit=Unit.LOSS, metric="aistack_adapter_loss",
        where={"measured": ("base",)}, about="Of the model alone, on held-out lines.", why=NO_ADAPTER,
    ),
    Line(
        point="Model improvements", name="loss after {}", by="adapter", unit=Unit.LOSS, metric="aistack_adapter_loss",
        where={"measured": ("adapted",)}, about="Of the model with the adapter, on the same lines.", why=NO_ADAPTER,
    ),
    Line(
        point="Learning rate", name="new patterns", unit=Unit.A_DAY, metric="aistack_learning_rate_per_day",
        where={"what": ("patterns",)}, windows=BOTH, about="Patterns that runs made active.", why=NO_RUN,
    ),
    Line(
        point="Learning rate", name="judged", unit=Unit.A_DAY, metric="aistack_learning_rate_per_day",
        where={"what": ("judged",)}, windows=BOTH, about="Interactions that somebody judged.",
    ),
)  # fmt: skip
MAP = (
    Line(point="Graph", name="services", metric="aistack_services", source=STACK, about="Services that are declared."),
    Line(
        point="Dependencies", name="needs", metric="aistack_service_needs", rows=True, source=STACK,
        about="Pairs of services of which the first needs the second.", why="No service needs another.",
    ),
    Line(
        point="Health status", name="{}", by="state", metric="aistack_services", source=STACK,
        about="Services in this state.",
    ),
    Line(
        point="Health status", name="root causes", metric="aistack_service_causes", source=STACK,
        about="Bad services whose fault is their own.",
    ),
    Line(
        point="Traffic flow", name="machine, {}", by="direction", unit=Unit.SPEED, source=HOST,
        metric="aistack_host_network_bytes_per_second", about="Traffic of the whole machine.",
    ),
    Line(
        point="Traffic flow", name="requests a minute", metric="aistack_edge_requests_per_minute", source=STACK,
        about="Of the last minute, from whoever asked, over every edge that was measured.",
        why="No edge was measured: it needs a role that answers, looked at twice.",
    ),
    Line(
        point="Traffic flow", name="open connections", metric="aistack_edge_connections", source=STACK,
        about="Between services, over every edge whose connections are known.",
        why="No service's connections are known.",
    ),
    Line(
        point="Traffic flow", name="containers, {}", by="direction", unit=Unit.BYTES, source=USAGE,
        metric="aistack_container_network_bytes_total", about="Of all running containers, since each was started.",
        why="No running container tells its traffic.",
    ),
)  # fmt: skip
SECTIONS: tuple[tuple[str, str, tuple[Line, ...]], ...] = (
    ("ralph", "Ralph", RALPH),
    ("orchestration", "Orchestration", ORCHESTRATION),
    ("learning", "Continuous learning", LEARNING),
    ("map", "Service map", MAP),
)
"""Key, title and lines of each section, in the note's order."""
