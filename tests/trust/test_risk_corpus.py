"""The classifier against a second author's corpus, written before it read the rules (R1.10, R1.11)."""

from __future__ import annotations

import re
import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.risk import SHELL, judge
from aistack_backend.wire.actions import Risk

CORPUS = Path(__file__).parents[1] / "corpus"
_CHARACTER = re.compile(r"<U\+([0-9A-F]{4,5})>")


def read_corpus(name: str) -> list[str]:
    """Return the commands of one corpus file, its ``<U+XXXX>`` escapes as the characters they name."""
    lines = (CORPUS / name).read_text().splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]
    return [_CHARACTER.sub(lambda found: chr(int(found[1], 16)), line) for line in commands]


DANGEROUS = read_corpus("shell_dangerous.txt")
FOUND = read_corpus("shell_dangerous_found.txt")
BENIGN = read_corpus("shell_benign.txt")


def risk_of(script: str) -> Risk:
    """Return what the real rules say of one script."""
    return judge(Action(kind=SHELL, script=script), managed=True).risk


def rated(commands: list[str]) -> dict[Risk, list[str]]:
    """Return the commands by the risk they were given."""
    found: dict[Risk, list[str]] = {risk: [] for risk in Risk}
    for command in commands:
        found[risk_of(command)].append(command)
    return found


def told(title: str, found: dict[Risk, list[str]], misses: list[Risk]) -> None:
    """Print the counts, and each command that was rated other than its file says."""
    print(title, {risk.value: len(commands) for risk, commands in found.items() if commands})
    for risk in misses:
        for command in found[risk]:
            print(f"  {risk.value}: {command!r}")


def test_the_corpora_are_as_large_as_promised() -> None:
    """At least 400 distinct dangerous and 200 distinct benign commands; none is in both."""
    assert len(set(DANGEROUS)) == len(DANGEROUS) >= 400
    assert len(set(BENIGN)) == len(BENIGN) >= 200
    assert not set(DANGEROUS) & set(BENIGN)


def test_no_dangerous_command_is_low() -> None:
    """None is low, and at most one in fifty is medium."""
    found = rated(DANGEROUS)
    told("dangerous", found, [Risk.LOW, Risk.MEDIUM])
    assert found[Risk.LOW] == []
    assert len(found[Risk.MEDIUM]) * 50 <= len(DANGEROUS)


def test_what_reading_the_rules_found_is_high() -> None:
    """Holes that the rules had, and attacks on what was added to them: none below high."""
    found = rated(FOUND)
    told("found by reading", found, [Risk.LOW, Risk.MEDIUM])
    assert found[Risk.LOW] + found[Risk.MEDIUM] == []


def test_long_programs_inside_arguments_are_judged_in_time() -> None:
    """No pattern takes the square of 60 000 signs."""
    began = time.perf_counter()
    risks = {risk_of(f"{program} '{'print /' * 8000}' f") for program in ("awk", "jq", "sed", "grep", "cat")}
    assert Risk.HIGH in risks
    assert time.perf_counter() - began < 1


def test_ordinary_commands_stay_usable() -> None:
    """Nine in ten ordinary commands are low or medium: a gate that stops everything is soon clicked away."""
    found = rated(BENIGN)
    told("benign", found, [Risk.HIGH, Risk.DESTRUCTIVE])
    assert (len(found[Risk.LOW]) + len(found[Risk.MEDIUM])) * 10 >= len(BENIGN) * 9


COMPOUNDS = (
    "{a}; {b}",
    "{a} && {b}",
    "{a} | {b}",
    "{a} $({b})",
    "{a} `{b}`",
    "{a}\n{b}",
    "{a} & {b}",
    "{b}; {a}",
    "{b} && {a}",
    "{b}\n{a}",
)
"""The seven ways of R1.11 to join two commands, and the dangerous part first where that is possible."""


@settings(max_examples=300, deadline=None, derandomize=True)
@given(form=st.sampled_from(COMPOUNDS), benign=st.sampled_from(BENIGN), dangerous=st.sampled_from(DANGEROUS))
def test_one_bad_part_makes_the_whole_never_low(form: str, benign: str, dangerous: str) -> None:
    """A benign command joined with a dangerous one is never low."""
    assert risk_of(form.format(a=benign, b=dangerous)) is not Risk.LOW
