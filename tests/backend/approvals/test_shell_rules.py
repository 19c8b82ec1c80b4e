"""The classifier of shell commands: what is dangerous is never low, what is ordinary seldom high (R1.10)."""

from __future__ import annotations

import random
import string
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aistack_backend.approvals.shell import LONGEST, judge_script
from aistack_backend.wire.actions import Risk

HERE = Path(__file__).parent
_ESCAPES = (("\\n", "\n"), ("\\r", "\r"), ("\\x00", "\0"))


def corpus(name: str) -> list[str]:
    """Return the commands of a file; its first lines beginning with ``# `` and a capital are its origin."""
    lines = (HERE / name).read_text("utf-8").splitlines()
    commands = [line for line in lines if line and not (line.startswith("# ") and line[2:3].isupper())]
    for shown, real in _ESCAPES:
        commands = [c.replace(shown, real) if "printf" not in c and "tr '" not in c else c for c in commands]
    return commands


def test_no_dangerous_command_is_low() -> None:
    commands = corpus("dangerous.txt")
    risks = {command: judge_script(command).risk for command in commands}
    low = [command for command, risk in risks.items() if risk is Risk.LOW]
    medium = [command for command, risk in risks.items() if risk is Risk.MEDIUM]
    print(f"R1.10: {len(commands)} dangerous: {len(low)} low, {len(medium)} medium")
    assert len(commands) >= 400
    assert low == []
    assert len(medium) <= 0.02 * len(commands), medium


def test_ordinary_commands_are_seldom_high() -> None:
    commands = corpus("harmless.txt")
    high = [command for command in commands if judge_script(command).risk is Risk.HIGH]
    print(f"R1.10: {len(commands)} ordinary: {len(high)} high: {high}")
    assert len(commands) >= 200
    assert len(high) <= 0.10 * len(commands), high


def test_one_bad_part_makes_the_whole_high() -> None:
    rng = random.Random(11)
    good = [c for c in corpus("harmless.txt") if judge_script(c).risk is not Risk.HIGH]
    bad = [c for c in corpus("dangerous.txt") if "\n" not in c]
    joins = ["; ", " && ", " | ", "\n", " || ", " & ", " $(", " `", " <("]
    tried = 0
    for _ in range(600):
        parts = [rng.choice(good), rng.choice(bad)]
        rng.shuffle(parts)
        script = rng.choice(joins).join(parts)
        tried += 1
        assert judge_script(script).risk is Risk.HIGH, script
    print(f"R1.11: {tried} compounds with one bad part: 0 below high")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("a" * (LONGEST + 1), "longer than 64 KiB"),
        ("ls\udc80", "plain ASCII"),
        ("ls \x1b[0m", "plain ASCII"),
        ("nosuchprogram", "not on the list"),
        ("ls --nosuchflag", "--nosuchflag"),
        ("ls $x", "'$'"),
        ("ls 'open", '"\'"'),
        ("ls;;ls", "part without a command"),
    ],
)
def test_the_reason_is_told(script: str, why: str) -> None:
    judged = judge_script(script)
    assert judged.risk is Risk.HIGH
    assert why in judged.reasons[0]


def test_a_script_that_takes_too_long_is_high() -> None:
    began = time.perf_counter()
    judged = judge_script("ls " * 20_000)
    assert judged.risk in (Risk.LOW, Risk.HIGH)
    assert time.perf_counter() - began < 2


@settings(max_examples=400, derandomize=True, deadline=None)
@given(st.text(alphabet=string.printable + "éрｒ​‮\udc80", max_size=60))
def test_only_the_small_grammar_is_ever_below_high(script: str) -> None:
    if judge_script(script).risk is not Risk.HIGH:
        assert not set(script) & set("$`\\(){}<&#!~") - set("'\"") or "'" in script or '"' in script or ">" in script


def fail_at(line: int) -> Callable[[FrameType, str, Any], Any]:
    """Return a tracer that raises when the ``line``-th line of the rules is about to run."""
    seen = 0

    def trace(frame: FrameType, what: str, _: Any) -> Any:
        nonlocal seen
        if "aistack_backend/approvals" not in frame.f_code.co_filename or frame.f_code.co_name == "judge":
            return None if what == "call" else trace
        if what == "line":
            seen += 1
            if seen == line:
                raise RuntimeError("fault injected")
        return trace

    return trace


@pytest.mark.parametrize(
    "script", ["ls -la src | grep -n x && git status", "find . -name x", "rm -rf /", "cat /dev/sda"]
)
def test_a_fault_at_any_line_of_the_rules_is_high(script: str, judge_action: Callable[[str], Any]) -> None:
    """Fail at the first line, the second, and so on until it runs to its end (SQLite's form of fault test)."""
    before, honest, line = sys.gettrace(), judge_action(script), 0
    while True:
        line += 1
        sys.settrace(fail_at(line))
        try:
            judged = judge_action(script)
        finally:
            sys.settrace(before)
        if judged.reasons == honest.reasons:
            break
        assert judged.risk is Risk.HIGH, (line, judged)
        # the trace makes judging slow, so on a busy machine its time limit may end it: high as well
        assert "could not judge" in judged.reasons[0] or "took too long" in judged.reasons[0]
    print(f"R1.10: a fault at each of {line - 1} lines: all high")
    assert line > 20
