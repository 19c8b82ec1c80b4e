"""Who asks a role: answers by the caller's address, bounded whoever calls, for the map's edges."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST = 64
"""Callers told apart; the twenty services and this machine are fewer."""
IDLE = 3600.0
"""Seconds without a request after which a caller makes room for a new one."""
OTHERS = "others"
"""Who is counted together, because no room was left."""
CHECKS = frozenset({"/", "/health", "/metrics"})
"""Routes that only look."""
GOOD = 400
"""Answers below it are good ones."""


@dataclass(slots=True)
class _Caller:
    seen: float
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    good: float | None = None


class Callers(Collector):
    """Counts answers by caller, kind and status, from the loop that serves."""

    def __init__(
        self, role: str, wall: Callable[[], float] = time.time, mono: Callable[[], float] = time.monotonic
    ) -> None:
        self._role, self._wall, self._mono = role, wall, mono
        self._began = wall()
        self._known: OrderedDict[str, _Caller] = OrderedDict()
        self._others = _Caller(mono())

    def count(self, address: str, kind: str, status: int) -> None:
        """Count one answer to an address; ``kind`` is ``work`` or ``check``."""
        one = self._of(address)
        one.answers[kind, status] += 1
        if status < GOOD:
            one.good = self._wall()

    def _of(self, address: str) -> _Caller:
        now = self._mono()
        if address not in self._known:
            oldest = next(iter(self._known.values()), None)
            if len(self._known) >= MOST and oldest is not None:
                if now - oldest.seen < IDLE:
                    return self._others
                self._known.popitem(last=False)
            self._known[address] = _Caller(now)
        self._known.move_to_end(address)
        self._known[address].seen = now
        return self._known[address]

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield the numbers for Prometheus."""
        labels = ["role", "caller", "kind", "status"]
        requests = CounterMetricFamily("aistack_role_caller_requests", "Requests answered, by caller.", labels=labels)
        good = GaugeMetricFamily(
            "aistack_role_caller_last_good_seconds",
            "When a caller was last answered with less than 400.",
            labels=labels[:2],
        )
        for address, one in (*self._known.items(), (OTHERS, self._others)):
            for (kind, status), count in one.answers.items():
                requests.add_metric([self._role, address, kind, str(status)], count)
            if one.good is not None:
                good.add_metric([self._role, address], one.good)
        began = GaugeMetricFamily(
            "aistack_role_start_time_seconds", "When this process began to serve.", labels=["role"]
        )
        began.add_metric([self._role], self._began)
        yield from (requests, good, began)

    def counting(self, app: ASGIApp, routes: Mapping[object, str]) -> ASGIApp:
        """Return ``app``, whose answers over TCP are counted by caller, those of its guard included."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            client = scope.get("client")

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start" and client and client[0]:
                    kind = "check" if routes.get(scope.get("endpoint")) in CHECKS else "work"
                    self.count(client[0], kind, message["status"])
                await send(message)

            await app(scope, receive, noted)

        return counted
