"""What a terminal says by itself is taken out of what is typed, and nothing else is."""

from __future__ import annotations

import random

import pytest
from textual.drivers import linux_driver

from aistack_console import reports
from aistack_console.reports import PATIENCE, Parser, Reports

TOLD = (
    "\x1b[?1;2c", "\x1b[>41;380;0c", "\x1b[=0c", "\x1b[0n", "\x1b[?12;40R", "\x1bP>|approve(1)\x1b\\",
    "\x1b]lapprove\x1b\\",
    "\x1b]11;rgb:0000/0000/0000\x07", "\x1b]52;c;YQphCg==\x07", "\x1b[?2004;1$y", "\x1b[8;24;80t", "\x1bP1$r0m\x1b\\",
    "\x1b[?0u", "\x1b_Gi=1;OK\x1b\\", "\x1b^a\x1b\\", "\x1bXd\r\x9c",
)  # fmt: skip
TYPED = (
    "a", "\r", "é", "漢", "\x1b[A", "\x1b[1;2R", "\x1bOP", "\x1b[13~", "\x1b[c", "\x1b[97;5u", "\x1b[200~y\n\x1b[201~",
    "\x1b[<0;40;12M", "\x1b[I", "\x1b[?2026;2$y", "\x1b[?2048;1$y", "\x1b[48;24;80;480;800t", "\x1b[12;40R",
    "\x1ba", "\x1b[Z",
)  # fmt: skip


class Hand:
    """A clock that is set by hand."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.mark.parametrize("one", TOLD)
def test_a_report_is_taken_out(one: str) -> None:
    assert Reports().strip(f"j{one}k") == "jk"


@pytest.mark.parametrize("one", TYPED)
def test_what_is_typed_stays(one: str) -> None:
    assert Reports().strip(f"j{one}k") == f"j{one}k"


def test_strings_are_found_however_they_are_cut() -> None:
    rng = random.Random(3)
    strings = [one for one in TOLD if one[1] in "]PX^_"]
    for _ in range(2_000):
        one = rng.choice(strings)
        at = rng.randint(2, len(one) - 2)  # two bytes of their beginning and end come together or are no report
        clock = Hand()
        found = Reports(clock)
        clock.at = 5.0
        first = found.strip(f"j{one[:at]}")
        clock.at = 5.0 + rng.random() * PATIENCE * 0.9
        assert (first, found.strip(f"{one[at:]}k")) == ("j", "k"), repr((one, at))


def test_alt_and_a_bracket_does_not_make_the_console_deaf() -> None:
    clock = Hand()
    found = Reports(clock)
    assert found.strip("\x1b]") == ""
    clock.at = PATIENCE * 1.01
    assert found.strip("q") == "q"


def test_escape_alone_comes_at_once() -> None:
    assert Reports().strip("\x1b") == "\x1b"


def test_textual_reads_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux_driver, "XTermParser", linux_driver.XTermParser)  # put back at the end
    reports.ignore()
    made = linux_driver.XTermParser()
    assert isinstance(made, Parser)
    assert list(made.feed("\x1b]lq\x1b\\")) == []
    assert [getattr(one, "key", "") for one in made.feed("\x1b]lq\x1b\\j")] == ["j"]
