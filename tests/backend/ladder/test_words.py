"""From rungs to the one word: never OK without a fresh pass, never STOPPED for a crash, never BAD for a stop."""

from __future__ import annotations

import pytest
from tests.backend.ladder.made import NOW, ending, measured, service

from aistack_backend.containers.ladder.facts import Facts, Measured
from aistack_backend.containers.ladder.words import LEAST, grace, lowest, said
from aistack_backend.containers.stack.models import Extra, HealthDecl
from aistack_backend.wire.stack import Rung, RungName, RungState, ServiceState

OLD = 45.0


def word(found: Measured | None, now: float = NOW, *, stopped: bool = False, well: bool = False) -> ServiceState:
    return said(service("web"), found, now, stopped=stopped, age_limit=OLD, well=well).state


def test_what_was_never_measured_is_unknown() -> None:
    assert word(None) is ServiceState.UNKNOWN


def test_all_rungs_that_hold_are_ok() -> None:
    assert word(measured()) is ServiceState.OK


def test_nothing_to_check_above_running_is_ok() -> None:
    none = dict.fromkeys((RungName.LISTENING, RungName.HEALTHY, RungName.READY, RungName.USEFUL), RungState.NONE)
    assert word(measured(states=none)) is ServiceState.OK


@pytest.mark.parametrize("fails", [RungName.LISTENING, RungName.HEALTHY, RungName.READY, RungName.USEFUL])
def test_a_rung_that_fails_is_starting_first_and_bad_later(fails: RungName) -> None:
    found = measured(fails, at=NOW, started=NOW - LEAST + 1)
    assert word(found) is ServiceState.STARTING
    assert word(found, NOW + 2) is ServiceState.BAD


@pytest.mark.parametrize("fails", [RungName.LISTENING, RungName.HEALTHY, RungName.READY, RungName.USEFUL])
def test_a_rung_that_fails_after_it_was_well_is_bad_at_once(fails: RungName) -> None:
    found = measured(fails, at=NOW, started=NOW - 1)
    assert word(found, well=True) is ServiceState.BAD
    assert word(measured(fails, RungState.UNKNOWN, started=NOW - 1), well=True) is ServiceState.UNKNOWN


def test_the_evidence_of_the_lowest_is_the_reason() -> None:
    found = said(service("web"), measured(RungName.LISTENING), NOW, stopped=False, age_limit=OLD)
    assert (found.state, found.why) == (ServiceState.BAD, "listening: so it was")


@pytest.mark.parametrize("fails", [None, RungName.LISTENING, RungName.USEFUL])
def test_an_old_check_is_unknown_whatever_it_found(fails: RungName | None) -> None:
    found = said(service("web"), measured(fails), NOW + OLD + 1, stopped=False, age_limit=OLD)
    assert (found.state, found.why) == (ServiceState.UNKNOWN, "Its last check is 46 s old.")


def test_a_check_that_could_not_be_made_is_unknown() -> None:
    assert word(measured(RungName.READY, RungState.UNKNOWN)) is ServiceState.UNKNOWN


def test_no_container_is_stopped() -> None:
    assert word(measured(RungName.PRESENT)) is ServiceState.STOPPED


@pytest.mark.parametrize(
    ("end", "stopped", "state"),
    [
        (None, False, ServiceState.STOPPED),
        (ending(requested=True), False, ServiceState.STOPPED),
        (ending(code=0), False, ServiceState.BAD),
        (ending(code=137, out_of_memory=True), False, ServiceState.BAD),
        (ending(code=143), True, ServiceState.STOPPED),
    ],
)
def test_an_end_that_nobody_asked_for_is_bad(end: object, stopped: bool, state: ServiceState) -> None:
    assert word(measured(RungName.RUNNING, ending=end), stopped=stopped) is state


def test_without_podman_nothing_is_claimed() -> None:
    rung = Rung(name=RungName.PRESENT, state=RungState.UNKNOWN, at=NOW, evidence="Podman does not answer.")
    found = said(
        service("web"), Measured(rungs=(rung,), facts=Facts(at=NOW, known=False)), NOW, stopped=False, age_limit=OLD
    )
    assert (found.state, found.why) == (ServiceState.UNKNOWN, "Podman does not answer.")


def test_what_waits_is_not_the_lowest() -> None:
    rungs = measured(RungName.READY).rungs
    low = lowest(rungs)
    assert low is not None
    assert low.name is RungName.READY


def test_grace_is_the_longest_of_what_is_declared() -> None:
    assert grace(service("web")) == LEAST
    slow = service("web", health=HealthDecl(command=("true",), start_period=90.0), extra=Extra(ready_seconds=20.0))
    assert grace(slow) == 90.0
    assert grace(service("web", extra=Extra(ready_seconds=50.0))) == 150.0
