"""The coordinator's numbers for Prometheus."""

from __future__ import annotations

from decimal import Decimal

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from aistack_backend.wire.routing import Route, RouteAnswer

BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
"""Seconds: a learned answer takes milliseconds, a model on a slow machine minutes."""


class Metrics:
    """Counts in a registry of its own; unknown tokens and costs are not counted."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        held = self._registry
        self._requests = Counter(
            "aistack_route_requests", "Questions, by how they went.", ["route", "status"], registry=held
        )
        self._latency = Histogram(
            "aistack_route_latency_seconds", "Seconds to the whole answer.", ["route"], buckets=BUCKETS, registry=held
        )
        self._tokens = Counter("aistack_route_tokens", "Tokens that were told.", ["route", "direction"], registry=held)
        self._cost = Counter(
            "aistack_route_cost", "Known costs of answers from elsewhere.", ["currency"], registry=held
        )

    def count(self, answer: RouteAnswer) -> None:
        """Count an answer, or that there was none."""
        route = answer.route.value
        status = "unanswered" if answer.route is Route.NONE else "answered"
        self._requests.labels(route, status).inc()
        self._latency.labels(route).observe(answer.latency)
        for direction, tokens in (("in", answer.tokens_in), ("out", answer.tokens_out)):
            if tokens is not None:
                self._tokens.labels(route, direction).inc(tokens)
        if answer.route is Route.REMOTE and answer.cost is not None and answer.currency:
            self._cost.labels(answer.currency).inc(float(Decimal(answer.cost)))

    def refused(self) -> None:
        """Count a question that was not taken."""
        self._requests.labels(Route.NONE.value, "refused").inc()

    def text(self) -> bytes:
        """Return all numbers in Prometheus's text form."""
        return generate_latest(self._registry)
