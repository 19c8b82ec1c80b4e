"""The numbers of the embeddings service for Prometheus; what was not measured is absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from aistack_backend.api.openai.errors import LEFT

SIZES = (1, 2, 4, 8, 16, 32, 64, 256, 1024)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class EmbedNumbers:
    """Counts requests and batches in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        route = ["route"]
        self._requests = Counter(
            "embeddings_requests", "Requests for vectors answered.", [*route, "status"], registry=registry
        )
        self._errors = Counter(
            "embeddings_request_errors", "Of them, those that were refused or failed.", route, registry=registry
        )
        self._latency = Histogram(
            "embeddings_request_latency_seconds",
            "From the request to its answer, the wait included.",
            route,
            registry=registry,
            buckets=SECONDS,
        )
        self._size = Histogram("embeddings_batch_size", "Texts of one batch.", registry=registry, buckets=SIZES)
        self._wait = Histogram(
            "embeddings_batch_wait_seconds", "What a request waited for its batch.", registry=registry, buckets=SECONDS
        )

    def answered(self, route: str, status: int, took: float) -> None:
        """Count one request. A client that left is one, and no error."""
        self._requests.labels(route, str(status)).inc()
        if status >= 400 and status != LEFT:
            self._errors.labels(route).inc()
        self._latency.labels(route).observe(took)

    def batch(self, requests: int, texts: int, waits: Sequence[float]) -> None:
        """Count one batch of ``requests`` requests, with what each of them waited."""
        self._size.observe(texts)
        for one in waits:
            self._wait.observe(one)

    def text(self, depth: int, load: float | None, memory: Mapping[str, int | None]) -> bytes:
        """Return all numbers in Prometheus's text form; ``load`` in seconds, ``memory`` in bytes by process."""
        now = CollectorRegistry()
        Gauge("embeddings_batch_queue_depth", "Requests that wait now.", registry=now).set(depth)
        if load is not None:
            Gauge("embeddings_model_load_seconds", "What loading the model took.", registry=now).set(load)
        held = Gauge("embeddings_process_memory_bytes", "Memory of a process now.", ["process"], registry=now)
        for name, size in memory.items():
            if size is not None:
                held.labels(name).set(size)
        return generate_latest(self._registry) + generate_latest(now)
