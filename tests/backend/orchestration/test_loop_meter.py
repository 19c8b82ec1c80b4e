"""What an agent may still have of its model, and how a loop ends when it has had it."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from aistack_backend.errors import BadInput
from aistack_backend.orchestration.loop import asked, breaker, prepare
from aistack_backend.orchestration.loop.meter import Meter, Spent
from aistack_backend.wire.actions import Target
from aistack_backend.wire.loops import AgentKind, LoopLimits, LoopRequest, ModelUse

GOOD = LoopRequest(goal="g", source="/src", proof="true", agent=AgentKind.LOCAL, model="small")
FOLDER = Target(type="folder", id="/src", name="src", pin="0")


def meter(tokens: int, passes: int = 2, used: int = 0) -> Meter:
    before = {1: ModelUse(answers=1, read=used)} if used else {}
    made = Meter(LoopLimits(tokens=tokens, passes=passes), before)
    made.begin(2 if used else 1)
    return made


def test_it_counts_down_to_a_sentence() -> None:
    one = meter(10_000)
    assert one.left() == 10_000
    one.add(4_000, 500)
    assert one.left() == 5_500
    one.add(5_000, 600)
    with pytest.raises(Spent, match="10,000 tokens is reached \\(10,100 used\\)"):
        one.left()
    assert (one.taken(), one.refused) == ((1, ModelUse(answers=2, read=9_000, written=1_100)), 1)


def test_a_pass_gets_twice_its_even_share_of_what_is_left() -> None:
    one = meter(100_000, passes=10)
    one.add(19_000, 1_000)
    with pytest.raises(Spent, match="share: 20,000 of 20,000"):
        one.left()
    assert "share: 20,000 of 20,000" in one.why
    one.begin(2)
    assert one.left() == 2 * 80_000 // 9
    assert (one.refused, one.why) == (0, "")


def test_the_last_pass_may_use_the_rest() -> None:
    one = meter(30_000, passes=2, used=10_000)
    assert one.left() == 20_000


def test_what_an_earlier_life_used_counts() -> None:
    with pytest.raises(Spent):
        meter(10_000, used=10_000).left()


def test_threads_lose_no_count() -> None:
    one = meter(10_000_000)
    threads = [threading.Thread(target=lambda: [one.add(1, 1) for _ in range(1_000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.taken()[1] == ModelUse(answers=8_000, read=8_000, written=8_000)


def test_the_limit_is_a_gauge_with_evidence_only_where_there_is_a_model() -> None:
    uses = [ModelUse(answers=2, read=900, written=100), ModelUse(answers=1, read=1, written=0)]
    limited = replace(GOOD, limits=LoopLimits(tokens=1_000))
    found = breaker.all_gauges("0", [], 0.0, limited, uses)
    assert "tokens 1001 of 1000 (3 answers: 901 tokens read, 100 written)" in breaker.tripped(found)
    assert "tokens" not in [one.name for one in breaker.all_gauges("0", [], 0.0, replace(GOOD, model=""), [])]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": ""}, "needs a model"),
        ({"agent": AgentKind.RULES}, "takes no model"),
        ({"model": "a b"}, "names no model"),
        ({"model": "é"}, "names no model"),
        ({"model": "x" * 201}, "names no model"),
        ({"model": "a\nb"}, "names no model"),
        ({"limits": LoopLimits(tokens=0)}, "limit tokens is 0"),
        ({"limits": LoopLimits(tokens=50_000_001)}, "limit tokens"),
        ({"command": "true"}, "command"),
    ],
)
def test_what_cannot_be_asked(change: dict[str, object], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        asked.read(asked.canonical(replace(GOOD, **change)))  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"model": "other"}, {"limits": LoopLimits(tokens=1)}, {"agent": AgentKind.COMMAND}])
def test_another_model_or_budget_is_another_action(change: dict[str, object]) -> None:
    one = prepare.record(GOOD, "i", "65534:65534", FOLDER, "ann", 1)
    other = prepare.record(replace(GOOD, **change), "i", "65534:65534", FOLDER, "ann", 1)  # type: ignore[arg-type]
    assert one.hash() != other.hash()


def test_the_record_says_it_in_words() -> None:
    one = prepare.record(GOOD, "i", "65534:65534", FOLDER, "ann", 1)
    assert {("model", "small"), ("tokens of the model", "200000")} <= set(one.limits)
    assert one.mounts[-1] == "the socket of the model at /model: ro"
    assert one.network == "none"
    without = prepare.record(replace(GOOD, agent=AgentKind.RULES, model=""), "i", "65534:65534", FOLDER, "ann", 1)
    assert ("model", "none") in without.limits
    assert without.mounts == prepare.MOUNTS
