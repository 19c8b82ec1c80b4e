"""The circuit breaker by a clock that is set by hand."""

from __future__ import annotations

import threading

import pytest

from aistack_backend.clock import HandClock
from aistack_backend.inference.providers.breaker import CEILING, FAILURES, FIRST, Breaker, NotAsked
from aistack_backend.wire.providers import Breaker as Shown
from aistack_backend.wire.providers import BreakerState


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def breaker(clock: HandClock) -> Breaker:
    return Breaker("cloud", clock)


def fail(breaker: Breaker, times: int = 1, wait: float | None = None) -> None:
    for _ in range(times):
        breaker.failed(breaker.enter(), "It is down.", wait)


def left(shown: Shown, clock: HandClock) -> float:
    """Seconds until the next try; compared as they are, since beside the epoch every few minutes are nearly equal."""
    assert shown.next_try is not None
    return shown.next_try - clock.now()


def refused(breaker: Breaker) -> bool:
    try:
        attempt = breaker.enter()
    except NotAsked:
        return True
    breaker.left(attempt)
    return False


def test_it_opens_after_failures_in_a_row_and_says_why(breaker: Breaker, clock: HandClock) -> None:
    assert breaker.shown().state is BreakerState.CLOSED
    fail(breaker, FAILURES - 1)
    breaker.succeeded(breaker.enter())
    fail(breaker, FAILURES - 1)
    assert breaker.shown().state is BreakerState.CLOSED, "a success between begins the count anew"
    clock.advance(7)
    fail(breaker)
    shown = breaker.shown()
    assert (shown.state, shown.failures, shown.since) == (BreakerState.OPEN, FAILURES, clock.now())
    assert left(shown, clock) == pytest.approx(FIRST)
    assert (shown.last_error, shown.last_error_at) == ("It is down.", clock.now())
    with pytest.raises(NotAsked, match=r"left alone for 5 s more: It is down\.") as raised:
        breaker.enter()
    assert "providers check cloud" in raised.value.hint


def test_one_trial_and_no_second(breaker: Breaker, clock: HandClock) -> None:
    fail(breaker, FAILURES)
    clock.advance(FIRST)
    trial = breaker.enter()
    assert breaker.shown().state is BreakerState.HALF_OPEN
    with pytest.raises(NotAsked, match="one call tries it now"):
        breaker.enter()
    breaker.succeeded(trial)
    assert (breaker.shown().state, breaker.shown().failures) == (BreakerState.CLOSED, 0)
    assert breaker.shown().last_error == "It is down.", "what happened stays as evidence"


def test_the_time_grows_to_a_ceiling_and_begins_anew_after_a_success(breaker: Breaker, clock: HandClock) -> None:
    fail(breaker, FAILURES)
    waits = []
    for _ in range(12):
        shown = breaker.shown()
        assert shown.next_try is not None
        waits.append(round(shown.next_try - clock.now()))
        clock.advance(waits[-1])
        fail(breaker)
    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-1] == CEILING
    clock.advance(CEILING)
    breaker.succeeded(breaker.enter())
    fail(breaker, FAILURES)
    shown = breaker.shown()
    assert left(shown, clock) == pytest.approx(FIRST)


@pytest.mark.parametrize(("wait", "least"), [(60.0, 60.0), (0.0, FIRST), (1.0, FIRST)])
def test_it_waits_as_long_as_it_is_asked_to_at_once(
    breaker: Breaker, clock: HandClock, wait: float, least: float
) -> None:
    fail(breaker, 1, wait)
    assert breaker.shown().state is BreakerState.OPEN
    clock.advance(least - 0.5)
    assert refused(breaker)
    clock.advance(0.5)
    assert not refused(breaker)


def test_whoever_leaves_a_trial_lets_the_next_one_try(breaker: Breaker, clock: HandClock) -> None:
    fail(breaker, FAILURES)
    clock.advance(FIRST)
    breaker.left(breaker.enter())
    assert breaker.shown().state is BreakerState.OPEN
    breaker.succeeded(breaker.enter())
    assert breaker.shown().state is BreakerState.CLOSED


def test_what_began_before_changes_nothing_after(breaker: Breaker, clock: HandClock) -> None:
    early, late = breaker.enter(), breaker.enter()
    fail(breaker, FAILURES)
    breaker.succeeded(early)
    assert breaker.shown().state is BreakerState.OPEN
    clock.advance(FIRST)
    trial = breaker.enter()
    breaker.failed(late, "Late.")
    breaker.left(early)
    assert breaker.shown().state is BreakerState.HALF_OPEN
    breaker.succeeded(trial)
    assert breaker.shown().state is BreakerState.CLOSED


def test_a_person_goes_through_and_what_that_brings_counts(breaker: Breaker, clock: HandClock) -> None:
    fail(breaker, FAILURES)
    before = breaker.shown().next_try
    breaker.failed(breaker.enter(person=True), "Still down.")
    shown = breaker.shown()
    assert (shown.state, shown.next_try, shown.last_error) == (BreakerState.OPEN, before, "Still down.")
    breaker.left(breaker.enter(person=True))
    assert breaker.shown().state is BreakerState.OPEN
    breaker.succeeded(breaker.enter(person=True))
    assert breaker.shown().state is BreakerState.CLOSED
    fail(breaker, FAILURES)
    assert left(breaker.shown(), clock) == pytest.approx(FIRST)


def test_a_clock_set_by_hand_moves_no_deadline(breaker: Breaker, clock: HandClock) -> None:
    fail(breaker, FAILURES)
    for jump in (-86_400, 86_400 * 3):
        clock.wall += jump
        assert refused(breaker)
        assert left(breaker.shown(), clock) == pytest.approx(FIRST)


def test_many_threads_get_one_trial(breaker: Breaker, clock: HandClock) -> None:
    for _ in range(50):
        breaker.failed(breaker.enter(person=True), "Down.", 1.0)
        clock.advance(CEILING)
        through: list[object] = []
        gate = threading.Barrier(6)

        def go(gate: threading.Barrier = gate, through: list[object] = through) -> None:
            gate.wait(30)
            try:
                through.append(breaker.enter())
            except NotAsked:
                return

        threads = [threading.Thread(target=go) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(through) == 1
