"""A model that is elsewhere: what can be named, what it costs, and what the record says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aistack_backend.approvals.risk import judge
from aistack_backend.errors import BadInput
from aistack_backend.orchestration.loop import asked, breaker, endpoint, prepare
from aistack_backend.orchestration.loop.meter import Meter, Spent
from aistack_backend.wire.actions import Target
from aistack_backend.wire.loops import AgentKind, LoopLimits, LoopRequest, ModelUse

GOOD = LoopRequest(
    goal="g",
    source="/src",
    proof="true",
    agent=AgentKind.OPENAI,
    model="big",
    endpoint="https://api.example/v1",
    key_file="/home/ann/key",
    price="0.15/0.60",
)
FOLDER = Target(type="folder", id="/src", name="src", pin="0")


def test_it_can_be_asked() -> None:
    assert asked.read(asked.canonical(GOOD)) == GOOD


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"endpoint": ""}, "needs an endpoint"),
        ({"agent": AgentKind.LOCAL}, "has no endpoint"),
        ({"model": ""}, "needs a model"),
        ({"agent": AgentKind.COMMAND, "command": "x", "model": ""}, "no model of it"),
        ({"agent": AgentKind.COMMAND, "command": "x", "endpoint": ""}, "belong to an endpoint"),
        ({"price": ""}, "cost is not named"),
        ({"price": "free"}, "is no price"),
        ({"price": "1"}, "is no price"),
        ({"price": "-1/2"}, "is no price"),
        ({"price": "1e9/1"}, "is no price"),
        ({"price": "1/2/3"}, "is no price"),
        ({"key_file": "key"}, "no absolute path"),
        ({"key_file": "/" + "x" * 5_000}, "no absolute path"),
        ({"endpoint": "http://api.example/v1"}, "in clear"),
        ({"endpoint": "http://10.0.0.1/v1"}, "in clear"),
        ({"endpoint": "ftp://api.example/v1"}, "no endpoint"),
        ({"endpoint": "file:///etc/passwd"}, "no endpoint"),
        ({"endpoint": "unix:///run/podman.sock"}, "no endpoint"),
        ({"endpoint": "api.example/v1"}, "no endpoint"),
        ({"endpoint": "https://user:sk@api.example/v1"}, "no endpoint"),
        ({"endpoint": "https://api.example/v1?key=1"}, "no endpoint"),
        ({"endpoint": "https://api.example/v1#x"}, "no endpoint"),
        ({"endpoint": "https://api.example/ v1"}, "no endpoint"),
        ({"endpoint": "https://аpi.example/v1"}, "no endpoint"),
        ({"endpoint": "https://api.example:99999/v1"}, "no URL"),
        ({"endpoint": "https://[::1/v1"}, "no URL"),
        ({"endpoint": "https://api.example/v1\r\nX: y"}, "no endpoint"),
        ({"endpoint": "https:///v1"}, "no endpoint"),
        ({"endpoint": "https://api.example/" + "x" * 300}, "no endpoint"),
        ({"limits": LoopLimits(cost=0)}, "limit cost is 0"),
        ({"limits": LoopLimits(cost=100_001)}, "limit cost"),
    ],
)
def test_what_cannot_be_asked(change: dict[str, object], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        asked.read(asked.canonical(replace(GOOD, **change)))  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1", "http://localhost/v1", "http://[::1]:1/v1"])
def test_this_machine_may_be_asked_in_clear(url: str) -> None:
    asked.read(asked.canonical(replace(GOOD, endpoint=url)))


def test_without_a_key_a_network_of_ones_own_may_be_asked_in_clear() -> None:
    asked.read(asked.canonical(replace(GOOD, endpoint="http://10.0.0.1:8000/v1", key_file="")))


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "https://api.example/v2"},
        {"key_file": "/home/ann/other"},
        {"price": "0.15/0.61"},
        {"model": "bigger"},
        {"limits": LoopLimits(cost=101)},
    ],
)
def test_each_field_is_in_the_hash(change: dict[str, object]) -> None:
    one = prepare.record(GOOD, "i", "65534:65534", FOLDER, "ann", 1)
    other = prepare.record(replace(GOOD, **change), "i", "65534:65534", FOLDER, "ann", 1)  # type: ignore[arg-type]
    assert one.hash() != other.hash()
    assert one.limits != other.limits, "and in words in the record"


def test_the_record_says_it_in_words() -> None:
    one = prepare.record(GOOD, "i", "65534:65534", FOLDER, "ann", 1)
    assert {
        ("model", "big"),
        ("model asked at", "https://api.example/v1"),
        ("model key file", "/home/ann/key"),
        ("model price", "0.15/0.60"),
        ("cost of the model", "100 US cents"),
        ("tokens of the model", "200000"),
    } <= set(one.limits)
    assert one.network == "none", "the backend asks, not the sandbox"


@pytest.mark.parametrize("agent", [AgentKind.OPENAI, AgentKind.HTTP])
def test_that_something_can_leave_is_among_the_reasons_of_the_risk(agent: AgentKind) -> None:
    one = judge(prepare.record(replace(GOOD, agent=agent), "i", "65534:65534", FOLDER, "ann", 1), managed=True)
    assert one.risk == "high"
    assert "what it reads of the folder can go to https://api.example/v1: high" in one.reasons
    here = replace(GOOD, agent=AgentKind.LOCAL, endpoint="", key_file="", price="")
    still = judge(prepare.record(here, "i", "65534:65534", FOLDER, "ann", 1), managed=True)
    assert not any("can go to" in reason for reason in still.reasons)


def test_costs_are_exact_and_rounded_up() -> None:
    price = endpoint.price("0.15/0.60")
    assert price.cost(1_000_000, 1_000_000) == 750_000
    assert price.cost(1, 0) == 1
    assert price.tokens(60) == 100
    assert endpoint.price("0/0").tokens(0) is None


def test_the_cost_ends_it_with_its_evidence() -> None:
    limits = LoopLimits(cost=1, passes=1)
    meter = Meter(limits, {}, endpoint.price("10/30"))
    meter.begin(1)
    assert meter.left() == 10_000 // 30, "no more than the money pays"
    meter.add(400, 200)
    with pytest.raises(Spent, match="1 US cents is reached"):
        meter.left()
    use = meter.taken()[1]
    assert use == ModelUse(answers=1, read=400, written=200, cost=10_000)
    found = breaker.all_gauges("0", [], 0.0, replace(GOOD, limits=limits, price="10/30"), [use])
    assert "cost 1 of 1 ($0.0100 at 10/30 dollars for a million tokens)" in breaker.tripped(found)
