"""Rates come of differences: of the same process, the same address, and a counter that did not fall."""

from __future__ import annotations

import pytest

from aistack_backend.containers.traffic.told import OTHERS, Counted, Told, Untold, parse
from aistack_backend.containers.traffic.window import FIRST, MANY, MOVED, Home, Reading, good, outside, rate

AT = 1_700_000_000.0
RALPH = Home("run1", frozenset({"10.0.0.2"}), AT - 100)
HOMES = {"ralph": RALPH, "hybrid": Home("run1", frozenset({"10.0.0.3"}))}


def reading(after: float, *, began: float = 1.0, homes: dict[str, Home] | None = None, **callers: int) -> Reading:
    """``a10_0_0_2=3``: that address was answered 200 three times in all."""
    found = {
        key.removeprefix("a").replace("_", ".") if key != OTHERS else key: Counted({("work", 200): float(count)})
        for key, count in callers.items()
    }
    return Reading(after, AT + after, Told(began, found), HOMES if homes is None else homes)


def test_a_rate_is_the_difference_of_two_readings() -> None:
    found = rate([reading(0, a10_0_0_2=5), reading(15, a10_0_0_2=8), reading(30, a10_0_0_2=8)], "ralph")
    assert (found.seconds, found.answers) == (30, {("work", 200): 3})


def test_one_reading_is_no_rate() -> None:
    assert rate([reading(0, a10_0_0_2=5)], "ralph").why == FIRST
    assert outside([reading(0)]).why == FIRST


def test_nothing_asked_between_two_readings_is_0_and_not_unknown() -> None:
    found = rate([reading(0), reading(15)], "ralph")
    assert (found.seconds, found.answers, found.why) == (15, {}, "")


def test_a_restart_begins_anew_also_when_the_counter_is_higher_than_before() -> None:
    assert rate([reading(0, a10_0_0_2=2), reading(15, began=2.0, a10_0_0_2=9)], "ralph").why == FIRST
    three = [reading(0, a10_0_0_2=2), reading(15, began=2.0, a10_0_0_2=9), reading(30, began=2.0, a10_0_0_2=10)]
    assert rate(three, "ralph").answers == {("work", 200): 1}


def test_a_counter_that_falls_is_no_difference() -> None:
    assert rate([reading(0, a10_0_0_2=9), reading(15, a10_0_0_2=2)], "ralph").why == FIRST
    assert rate([reading(0, a10_0_0_2=9), reading(15)], "ralph").why == FIRST


def test_an_address_that_had_another_owner_is_not_counted_for_the_new_one() -> None:
    before = {"hybrid": Home("run1", frozenset({"10.0.0.2"}))}
    assert rate([reading(0, homes=before, a10_0_0_2=1), reading(15, a10_0_0_2=90)], "ralph").why == MOVED
    again = {**HOMES, "ralph": Home("run2", RALPH.addresses)}
    assert rate([reading(0, a10_0_0_2=1), reading(15, homes=again, a10_0_0_2=9)], "ralph").why == MOVED


def test_who_has_no_address_was_not_measured() -> None:
    assert "gone has no address" in rate([reading(0), reading(15)], "gone").why


def test_a_crowd_makes_an_edge_unknown_and_not_0() -> None:
    assert rate([reading(0, others=1), reading(15, others=9)], "ralph").why == MANY
    told_apart = [reading(0, others=1, a10_0_0_2=1), reading(15, others=9, a10_0_0_2=1)]
    assert rate(told_apart, "ralph").answers == {}


def test_strangers_are_counted_together_and_the_services_own_look_is_not() -> None:
    first = {"a10_0_0_2": 1, "a10_0_0_9": 1, "a127_0_0_1": 1, "others": 0}
    then = {"a10_0_0_2": 5, "a10_0_0_9": 2, "a10_0_0_8": 3, "a127_0_0_1": 50, "others": 4}
    assert outside([reading(0, **first), reading(15, **then)]).answers == {("work", 200): 1 + 3 + 4}


@pytest.mark.parametrize(("last", "found"), [(AT - 5, AT - 5), (AT - 200, None), (AT + 90, None), (None, None)])
def test_the_last_good_answer_is_of_the_callers_present_run(last: float | None, found: float | None) -> None:
    told = Told(1.0, {"10.0.0.2": Counted({}, last)})
    assert good(Reading(0, AT, told, HOMES), "ralph") == found


HEAD = 'aistack_role_start_time_seconds{role="aidb"} 7.5\n'


def line(caller: str, value: str = "3.0", status: str = "200", kind: str = "work") -> str:
    labels = f'caller="{caller}",kind="{kind}",role="aidb",status="{status}"'
    return f"aistack_role_caller_requests_total{{{labels}}} {value}\n"


def test_what_a_role_tells_is_read() -> None:
    text = HEAD + line("10.0.0.2") + line("10.0.0.2", "2", "503", "check") + line("others", "1")
    text += 'aistack_role_caller_last_good_seconds{caller="10.0.0.2",role="aidb"} 1.7e+09\n'
    told = parse(text)
    assert told.began == 7.5
    assert told.callers["10.0.0.2"] == Counted({("work", 200): 3, ("check", 503): 2}, 1.7e9)
    assert told.callers[OTHERS].answers == {("work", 200): 1}


@pytest.mark.parametrize(
    "text",
    [
        line("\u202eevil"), line("10.0.0.2", "NaN"), line("10.0.0.2", "-1"), line("10.0.0.2", "1e400"),
        line("10.0.0.2", status="999"), line("10.0.0.2", status="20"), line("10.0.0.2", kind="x"), line("", "1"),
        line("10.0.0.2", "x"), "aistack_role_caller_requests_total{} 1\n", "\x1b[31m\n", "{" * 5000,
    ],
)  # fmt: skip
def test_what_no_role_tells_is_left_out(text: str) -> None:
    assert parse(HEAD + text).callers == {}


def test_who_tells_nothing_or_too_much_is_refused() -> None:
    with pytest.raises(Untold, match="an older image may run"):
        parse('aistack_role_healthy{role="aidb"} 1.0\n')
    with pytest.raises(Untold, match="more than 100 callers"):
        parse(HEAD + "".join(line(f"10.0.{n // 250}.{n % 250}") for n in range(101)))
