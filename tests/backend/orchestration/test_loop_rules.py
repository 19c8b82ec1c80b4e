"""When a loop gives up, and what cannot be asked of one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aistack_backend.errors import BadInput
from aistack_backend.orchestration.loop import asked, breaker
from aistack_backend.orchestration.loop.breaker import Left
from aistack_backend.wire.loops import AgentKind, LoopLimits, LoopRequest, PassState

LIMITS = LoopLimits(passes=9, seconds=100, unchanged=3, same_error=4, repeats=2)
GOOD = LoopRequest(goal="g", source="/src", proof="true")


def left(*trees: str, error: str = "", state: PassState = PassState.REFUTED) -> list[Left]:
    said = error or "failed {}"
    return [
        Left(number=number, state=state, tree=tree, error=said.format(chr(96 + number)))
        for number, tree in enumerate(trees, start=1)
    ]


def used(passes: list[Left], seconds: float = 0.0) -> dict[str, int]:
    return {one.name: one.used for one in breaker.gauges("0", passes, seconds, LIMITS)}


def tripped(passes: list[Left], seconds: float = 0.0) -> str:
    return breaker.tripped(breaker.gauges("0", passes, seconds, LIMITS))


def test_nothing_trips_while_it_gets_on() -> None:
    assert tripped([]) == ""
    assert tripped(left("1", "2", "3", "4")) == ""
    assert used(left("1", "2", "3")) == {"passes": 3, "seconds": 0, "unchanged": 0, "same error": 1, "repeats": 0}


def test_each_limit_trips_with_its_evidence() -> None:
    assert "seconds 100 of 100" in tripped(left("1"), 100.5)
    assert "passes 9 of 9" in tripped(left(*"123456789"))
    assert "unchanged 3 of 3 (the folder is at 1 since 3 passes)" in tripped(left("1", "1", "1", "1"))
    assert "same error 4 of 4 (each said: boom 7 at 0x1)" in tripped(left("1", "2", "3", "4", error="boom 7 at 0x1"))
    assert "repeats 2 of 2 (pass 4 came back to 2)" in tripped(left("1", "2", "1", "2"))


def test_the_copy_itself_counts_as_a_state() -> None:
    assert used(left("0", "0"))["unchanged"] == 2
    assert used(left("1", "0"))["repeats"] == 1


def test_an_interrupted_pass_counts_for_nothing() -> None:
    assert used(left("1", "1", "1", "1", state=PassState.INTERRUPTED))["passes"] == 0


def test_numbers_and_addresses_make_no_other_error() -> None:
    passes = [Left(number=n, state=PassState.REFUTED, tree=str(n), error=f"at 0x{n}f in {n}.5 s") for n in range(1, 4)]
    assert used(passes)["same error"] == 3


def test_rests_grow_with_failures_alike() -> None:
    rests = [breaker.rest(left(*map(str, range(count)), error="same")) for count in range(9)]
    assert rests[:3] == [0.0, 0.0, 1.0]
    assert rests == sorted(rests)
    assert rests[-1] == 30.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"goal": " "}, "no goal"),
        ({"proof": ""}, "no proof"),
        ({"goal": "x" * 4_001}, "longer"),
        ({"proof": "a\0b"}, "NUL"),
        ({"agent": AgentKind.UNKNOWN}, "no such agent"),
        ({"agent": AgentKind.COMMAND}, "command"),
        ({"command": "true"}, "command"),
        ({"source": "relative"}, "absolute"),
        ({"source": "/a\0b"}, "absolute"),
        ({"checks": ("../x",)}, "no path inside"),
        ({"checks": ("/etc/passwd",)}, "no path inside"),
        ({"limits": LoopLimits(passes=0)}, "limit passes is 0"),
        ({"limits": LoopLimits(megabytes=1 << 40)}, "limit megabytes"),
    ],
)
def test_what_cannot_be_asked(change: dict[str, object], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        asked.read(asked.canonical(replace(GOOD, **change)))  # type: ignore[arg-type]


@pytest.mark.parametrize("script", ["", "{}", "[]", "null", '{"goal": 1}', "\udcff", "{" * 5_000])
def test_what_is_no_request(script: str) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        asked.read(script)


def test_a_request_comes_back_as_it_was() -> None:
    assert asked.read(asked.canonical(GOOD)) == GOOD
