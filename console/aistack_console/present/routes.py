"""Questions and their ways as rows and sentences; what was not measured is ``-``."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.routing import RouteAnswer, Routed, Tried
from aistack_console.text import one_line, plain

TITLES = ("ID", "ROUTE", "CONF", "SECONDS", "COST", "BY", "QUESTION")


def row(one: Routed) -> list[str]:
    """Return a question as a row of ``TITLES``."""
    measured = [share(one.confidence), seconds(one.latency), money(one.cost, one.currency)]
    return [str(one.id), one.route.value, *measured, one.provider or one.model or "-", one_line(one.query)]


def figures(one: RouteAnswer) -> list[tuple[str, str]]:
    """Return what was measured of an answer."""
    tokens = f"{count(one.tokens_in)} in, {count(one.tokens_out)} out"
    return [
        ("id", str(one.id)),
        ("route", f"{one.route.value}{f', {one.provider}' if one.provider else ''}"),
        ("model", one.model or "-"),
        ("reason", one.reason),
        ("confidence", f"{share(one.confidence)}  {one.measured}".rstrip()),
        ("latency", f"{seconds(one.latency)} s"),
        ("tokens", tokens),
        ("cost", money(one.cost, one.currency)),
        *(("source", one_source.source) for one_source in one.sources),
    ]


def steps(tried: Sequence[Tried]) -> list[str]:
    """Return each step on the way as a sentence."""
    return [step(one) for one in tried]


def step(one: Tried) -> str:
    """Return one step on the way as a sentence."""
    how = "answered" if one.ok else "did not answer" if one.asked else "was not asked"
    took = f" after {seconds(one.latency)} s" if one.latency is not None else ""
    return plain(f"{one.name} ({one.route.value}) {how}{took}{f': {one.detail}' if one.detail else '.'}")


def share(value: float | None) -> str:
    """Return a share of one with two digits."""
    return "-" if value is None else f"{value:.2f}"


def seconds(value: float | None) -> str:
    """Return seconds with as many digits as say something."""
    return "-" if value is None else f"{value:.3f}" if value < 1 else f"{value:.1f}"


def count(value: int | None) -> str:
    """Return a number."""
    return "-" if value is None else str(value)


def money(amount: str | None, currency: str) -> str:
    """Return an amount with its currency; nothing was billed = 0."""
    return "-" if amount is None else f"{amount} {currency}".rstrip()
