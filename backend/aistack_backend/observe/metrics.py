"""Every number that this backend gives to Prometheus and to rules of alarms, by name; what is not known is absent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

MEDIA = CONTENT_TYPE_LATEST


class Kind(StrEnum):
    """How a number goes."""

    GAUGE = "gauge"
    """Up and down."""
    COUNTER = "counter"
    """Only up, until something is removed; its name ends with ``_total``."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What a name means."""

    about: str
    labels: tuple[str, ...] = ()
    kind: Kind = Kind.GAUGE


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def _counter(about: str, *labels: str) -> Metric:
    return Metric(about, labels, Kind.COUNTER)


CATALOGUE: Mapping[str, Metric] = {
    "aistack_backend_start_time_seconds": Metric("When the backend began, in epoch seconds."),
    "aistack_source_ok": Metric("1 = a source of measurements answers, 0 = it does not.", ("source",)),
    "aistack_tasks": Metric("Tasks by state.", ("state",)),
    "aistack_tasks_last_hour": Metric("Tasks that reached their state within the last hour.", ("state",)),
    "aistack_task_seconds_total": _counter("Seconds from asking to the end, of tasks that ended.", "state"),
    "aistack_approvals_waiting": Metric("Approvals that wait for a person."),
    "aistack_approvals_oldest_seconds": Metric("How long the oldest of them has waited; 0 = none waits."),
    "aistack_approvals_total": _counter("Approvals that no longer wait, by what became of them.", "state"),
    "aistack_approval_wait_seconds_total": _counter("Seconds that decided approvals had waited."),
    "aistack_effects": Metric("Effects on the world by state.", ("state",)),
    "aistack_audit_records_total": _counter("Records of the audit: its newest number."),
    "aistack_audit_writable": Metric("1 = a record could be written now."),
    "aistack_engine_running": Metric("1 = what is approved is run."),
    "aistack_agents_working": Metric("Passes of loops that are under way."),
    "aistack_loop_passes_total": _counter("Passes of loops that ended, by how.", "state"),
    "aistack_agent_seconds_total": _counter("Seconds that passes of loops took, of those that ended."),
    "aistack_model_tokens_per_second": Metric("Of the last or running answer.", ("model",)),
    "aistack_model_waiting": Metric("Requests that wait for the local model."),
    "aistack_model_memory_bytes": Metric("Memory that the model's process holds."),
    "aistack_provider_answers_total": _counter("Answers of endpoints elsewhere.", "provider"),
    "aistack_provider_failures_total": _counter("Calls of endpoints elsewhere that failed.", "provider"),
    "aistack_provider_tokens_total": _counter("Tokens as endpoints elsewhere counted them.", "provider", "direction"),
    "aistack_interactions_total": _counter("Questions that were routed, by route.", "route"),
    "aistack_interactions_failed_total": _counter("Those that ended without an answer, by route.", "route"),
    "aistack_interaction_seconds_total": _counter("Seconds that measured answers took, by route.", "route"),
    "aistack_interactions_measured_total": _counter("Answers whose time was measured, by route.", "route"),
    "aistack_interactions_judged_total": _counter("Interactions that somebody judged.", "verdict"),
    "aistack_learning_patterns": Metric("Learned patterns by state.", ("state",)),
    "aistack_learning_samples": Metric("Lines that training could use, by state.", ("state",)),
    "aistack_learning_trials_total": _counter("Trials of patterns on held-out questions.", "passed"),
    "aistack_window_questions": Metric("Questions that were routed within a window that ends now.", ("window",)),
    "aistack_window_success_ratio": Metric(
        "Share that went well: answered of the ended questions, done of the judged ends of tasks.", ("of", "window")
    ),
    "aistack_window_answer_seconds": Metric("Mean seconds of an answer, of those that were measured.", ("window",)),
    "aistack_agent_busy_ratio": Metric("Share of the time in which a pass with this agent ran.", ("agent", "window")),
    "aistack_window_audit_records": Metric("Records of the audit within a window.", ("window",)),
    "aistack_window_trials_won": Metric("Trials that patterns won within a window, where any was made.", ("window",)),
    "aistack_learning_rate_per_day": Metric(
        "A day: patterns that runs made active, interactions that somebody judged.", ("what", "window")
    ),
    "aistack_trainings": Metric("Runs of training by state; a kept one has its adapter.", ("state",)),
    "aistack_adapter_loss": Metric(
        "Nats a token on held-out lines: the model alone, and with a kept adapter.", ("adapter", "measured")
    ),
    "aistack_knowledge_documents": Metric("Documents in a collection.", ("collection",)),
    "aistack_service_ok": Metric("1 = a service is well itself, 0 = it is bad.", ("service",)),
    "aistack_services": Metric("Declared services by state.", ("state",)),
    "aistack_service_needs": Metric("1 = the first service needs the second.", ("service", "needs")),
    "aistack_edge_requests_per_minute": Metric(
        "Requests of the last minute from a service to one; nobody = no service of the stack.", ("service", "needs")
    ),
    "aistack_edge_checks_per_minute": Metric("Of these, those that only look at its health.", ("service", "needs")),
    "aistack_edge_error_ratio": Metric("Share of them that was answered with 400 or more.", ("service", "needs")),
    "aistack_edge_last_good_seconds": Metric("When one last had a good answer, epoch seconds.", ("service", "needs")),
    "aistack_edge_connections": Metric("Connections from a service to one that are open now.", ("service", "needs")),
    "aistack_service_causes": Metric("Services whose fault is their own, not one of what they need."),
    "aistack_backup_age_seconds": Metric("Age of the newest backup."),
    "aistack_host_cpu_ratio": Metric("Share of all cores that works."),
    "aistack_host_load1": Metric("Load of the last minute."),
    "aistack_host_memory_used_bytes": Metric("Memory of the machine in use."),
    "aistack_host_memory_total_bytes": Metric("Memory of the machine."),
    "aistack_host_memory_ratio": Metric("Share of the memory in use."),
    "aistack_host_disk_ratio": Metric("Share of a file system in use.", ("disk",)),
    "aistack_host_disk_free_bytes": Metric("Room on a file system.", ("disk",)),
    "aistack_host_network_bytes_per_second": Metric("Traffic of the machine.", ("direction",)),
    "aistack_container_cpu_ratio": Metric("Cores that a container uses.", ("container",)),
    "aistack_container_memory_bytes": Metric("Memory that a container uses.", ("container",)),
    "aistack_container_network_bytes_total": _counter("Traffic of a container.", "container", "direction"),
    "aistack_alerts": Metric("Alarms that are not over, by state.", ("state",)),
    "aistack_spans_lost_total": _counter("Spans that could not be sent."),
}
"""What each name means; nothing else is exported, and a rule or dashboard that names anything else is wrong."""


class _Told(Collector):
    """Readings in the form that Prometheus's own library writes."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._readings = tuple(readings)

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Yield a family for each name that has a value."""
        for name, metric in CATALOGUE.items():
            found = [one for one in self._readings if one.name == name]
            if not found:
                continue
            make = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
            family = make(name, metric.about, labels=metric.labels)
            for one in found:
                family.add_metric([one.labels.get(label, "") for label in metric.labels], one.value)
            yield family


def text(readings: Iterable[Reading]) -> bytes:
    """Return readings in Prometheus's text form."""
    return generate_latest(_Told(readings))
