"""What the pictures of the Models screen show of endpoints elsewhere: one well, one left alone, one never asked."""

from __future__ import annotations

from tests.console import scenes
from tests.console.stage import NOW, Stage

from aistack_backend.wire.providers import Breaker, BreakerState, Latency, Provider, ProviderList, Use

FAR = ProviderList(
    started_at=NOW - 60,
    providers=(
        Provider(
            name="cloud", url="https://api.example.com/v1", host="api.example.com", model="big", local=False,
            keyed=True,
            breaker=Breaker(state=BreakerState.CLOSED, since=NOW - 60),
            latency=Latency(at=NOW - 5, seconds=0.42, what="first text"),
            since_start=Use(answers=3), today=Use(answers=3, counted=3, priced=2, cost="0.0042", currency="USD"),
        ),
        Provider(
            name="shed", url="http://127.0.0.1:8080/v1", host="127.0.0.1:8080", model="m", local=True, keyed=False,
            breaker=Breaker(state=BreakerState.OPEN, since=NOW - 9, failures=3, next_try=NOW + 30, last_error="Gone."),
            since_start=Use(failures=3), today=Use(failures=3),
        ),
        Provider(
            name="new", url="https://b/v1", host="b", model="m", local=False, keyed=True,
            breaker=Breaker(state=BreakerState.CLOSED, since=NOW - 60), today=Use(),
        ),
    ),
)  # fmt: skip


def elsewhere(one: Stage) -> None:
    """A world with three endpoints."""
    scenes.normal(one)
    one.answers["GET /v1/providers"] = FAR
