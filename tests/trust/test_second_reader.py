"""Our reader of shell scripts against bash's grammar: what we let through below high, both read alike (R1.10)."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable

import pytest

from aistack_backend.approvals.places import High
from aistack_backend.approvals.shell import judge_script, parts
from aistack_backend.wire.actions import Risk

from .second_reader import Other, read
from .test_risk_corpus import BENIGN, DANGEROUS, FOUND

PIECES = (
    "ls", "cat", "echo", "grep", "git", "status", "log", "find", "sed", "awk", "test", "-n", "-l", "--oneline",
    "a", "b.txt", "./x", "/tmp", "/etc/passwd", "~", "a~/b", "~root", "*", "*.py", "?", "{a,b}", "a=b", "x=1 ls",
    "'q'", "'a b'", '"q"', '"a b"', '"$x"', '"`x`"', '"\\n"', "'", '"', "\\", "\\ ", "$x", "${x}", "$(ls)", "`ls`",
    "$'x'", "!", "!!", "#", "# c", "a#b", "1", "2", "-1", "+", ":", "%", "@", ",", "&&", "||", "|", ";", ";;", "&",
    "\n", "\t", " ", ">", ">>", "<", "<<E", "2>&1", ">/dev/null", "2>/dev/null", "2> /dev/null", "&>x", "(", ")", "{",
    "}", "if", "then", "fi", "do", "done", "for", "in", "while", "case", "esac", "function", "time", "!ls", "-exec",
    "rm", "sudo", "=",
)  # fmt: skip
"""What shells treat in ways of their own, but ``[``, ``]`` and ``==``: there the grammar is wrong (ADR 0022)."""


def compared(scripts: Iterable[str]) -> tuple[int, int, list[str]]:
    """Return how many are rated below high, how many of them the grammar cannot tell the words of, and those that it
    reads otherwise."""
    count, untold, wrong = 0, 0, []
    for script in scripts:
        if judge_script(script).risk is Risk.HIGH:
            continue
        count += 1
        try:
            wrong += [] if read(script) == parts(script) else [script]
        except Other:
            untold += 1
    return count, untold, wrong


def test_the_corpora_are_read_alike(tried: Callable[..., None]) -> None:
    count, untold, wrong = compared((*BENIGN, *DANGEROUS, *FOUND))
    assert count >= 300
    assert untold == 0
    tried("R1.10 second reader", count, len(wrong), "commands below high that bash's grammar reads otherwise")
    assert wrong == []


def test_no_words_are_ever_read_otherwise(tried: Callable[..., None]) -> None:
    """Scoped rules match words whatever the risk: where both readers give words, they are the same."""
    count, wrong = 0, []
    for script in (*BENIGN, *DANGEROUS, *FOUND):
        try:
            ours, theirs = parts(script), read(script)
        except (High, Other):
            continue
        count += 1
        wrong += [] if ours == theirs else [script]
    tried("R1.11 second reader", count, len(wrong), "commands whose words differ")
    assert wrong == []


def made(chance: random.Random, count: int) -> Iterable[str]:
    """Return scripts of pieces that shells treat in ways of their own."""
    for _ in range(count):
        joint = chance.choice(("", " ", " ", " "))
        yield joint.join(chance.choices(PIECES, k=chance.randrange(1, 9)))


def run(rng: random.Random, count: int, tried: Callable[..., None]) -> None:
    below, untold, wrong = compared(made(rng, count))
    told = f"made scripts read otherwise; {below} of them below high, of {untold} the grammar tells no words"
    tried("R1.10 second reader", count, len(wrong), told)
    assert wrong == []
    assert below > count / 100


def test_made_scripts_are_read_alike(rng: random.Random, tried: Callable[..., None]) -> None:
    run(rng, 20_000, tried)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_made_scripts_are_read_alike_in_full(rng: random.Random, tried: Callable[..., None]) -> None:
    run(rng, 1_000 * int(os.environ.get("AISTACK_SOAK_ROUNDS", "1000")), tried)
