"""Endpoints elsewhere in words: one row, a check; what was not measured or told is ``-``."""

from __future__ import annotations

from collections.abc import Iterator

from aistack_backend.wire.providers import BreakerState, Provider, ProviderCheck, ProviderList, Use
from aistack_console.present.para import Para, para
from aistack_console.present.table import Tone
from aistack_console.present.units import UNMEASURED, clock, span

TITLES = ("NAME", "HOST", "MODEL", "STATE", "LATENCY", "TODAY IN", "OUT", "COST", "LOCAL")


def row(one: Provider, now: float) -> tuple[str, ...]:
    """Return one endpoint as a line of the command line."""
    today = one.today
    return (
        one.name,
        one.host,
        one.model,
        state(one, now),
        latency(one),
        tokens(today, today.tokens_in if today else 0),
        tokens(today, today.tokens_out if today else 0),
        cost(today),
        "yes" if one.local else "no",
    )


def state(one: Provider, now: float) -> str:
    """Return whether it is asked, and when it is tried again."""
    breaker = one.breaker
    if breaker.state is BreakerState.CLOSED:
        return f"failed {breaker.failures}x" if breaker.failures else "not asked yet" if untouched(one) else "ok"
    if breaker.state is BreakerState.OPEN:
        return f"open, {span(breaker.next_try - now)}" if breaker.next_try and breaker.next_try > now else "open, due"
    return breaker.state.value


def untouched(one: Provider) -> bool:
    """Whether nothing is known of it since the start."""
    return one.latency is None and not one.since_start.answers and not one.since_start.failures


def latency(one: Provider) -> str:
    """Return what was measured last."""
    return seconds(one.latency.seconds if one.latency else None)


def seconds(value: float | None) -> str:
    """Return a short time: ``0.012s``, ``1.24s``."""
    if value is None:
        return UNMEASURED
    return f"{value:.3f}s" if value < 0.1 else f"{value:.2f}s"


def tokens(use: Use | None, count: int) -> str:
    """Return tokens as the endpoint counted them; ``+`` where it did not count every answer."""
    if use is None or (use.answers and not use.counted):
        return UNMEASURED
    return f"{count:,}{'+' if use.counted < use.answers else ''}"


def cost(use: Use | None) -> str:
    """Return the cost; ``+`` where that of some answers is not known."""
    if use is None or use.cost is None:
        return UNMEASURED
    return f"{use.cost}{'+' if use.priced < use.answers else ''} {use.currency}"


def evidence(one: Provider, now: float) -> str:
    """Return the last error and how long ago it was; empty = there was none."""
    breaker = one.breaker
    if breaker.last_error_at is None:
        return ""
    return f"{one.name}: {breaker.last_error} ({span(now - breaker.last_error_at)} ago)"


def paras(found: ProviderList | None, now: float, most: int, *, wide: bool) -> tuple[Para, ...]:
    """Return at most ``most`` endpoints for the Models screen, a line each under a heading; nothing for none."""
    if found is None or not found.providers:
        return ()
    more = len(found.providers) - most
    rest = f", {more} more: aistack-console providers" if more > 0 else ""
    head = para(("Providers  ", "accent"), (f"{len(found.providers)} elsewhere, today's cost in UTC{rest}", "dim"))
    return (head, *(_para(one, now, wide=wide) for one in found.providers[:most]))


def _para(one: Provider, now: float, *, wide: bool) -> Para:
    name, host = (20, 40) if wide else (10, 22)
    where = f"{_cut(one.name, name)} {_cut(one.host, host)} "
    said = state(one, now)
    tone: Tone = "dim" if untouched(one) else "ok" if said == "ok" else "warn"
    if one.breaker.state is not BreakerState.CLOSED:
        tone = "bad"
    return para(where, (f"{said:<14}", tone), f" {latency(one):>7}  ", ("cost ", "dim"), cost(one.today))


def _cut(text: str, width: int) -> str:
    return f"{text:<{width}}" if len(text) <= width else f"{text[: width - 1]}~"


def steps(check: ProviderCheck) -> Iterator[tuple[str, str]]:
    """Yield what was sent and what was measured of it, by name."""
    for one in check.steps:
        yield "sent", one.sent
        yield ("ok" if one.ok else "FAILED"), one.detail
        if one.ok:
            figures = [f"whole after {seconds(one.seconds)}"]
            figures += [f"first text after {seconds(one.first_after)}"] if one.first_after is not None else []
            yield "measured", ", ".join(figures)
        if one.ok and "completions" in one.sent:
            told = UNMEASURED if one.tokens_in is None else f"{one.tokens_in} read, {one.tokens_out} written"
            yield "tokens", told
            yield "cost", UNMEASURED if one.cost is None else f"{one.cost} {check.provider.currency}"
    yield "at", clock(check.at)
