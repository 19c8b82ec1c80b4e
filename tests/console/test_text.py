"""Untrusted strings come out of ``plain`` unable to do anything, and nothing that was there is hidden."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aistack_backend.wire.base import Raw
from aistack_backend.wire.containers import LogBatch, LogLine, LogStream
from aistack_console.text import LINE_LIMIT, Mode, one_line, plain, safe

HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b\x9b\x9d\x90\x07\x9c[]()\\;?\x00\x0e\x7f\r\n\t\u202e\u2066\u200b\u2060\ufeff\u034f"),
        st.sampled_from("\u0301\u0489\u20dd\U000e0041\ud800\u2028\ue0b0\u00a0m2J;hc@A"),
        st.characters(),
    ),
    max_size=200,
)
MODES: list[Mode] = ["show", "drop"]


def acts(char: str) -> bool:
    """Whether a character could do something to a terminal or to a reader's eye."""
    return char != "\n" and not char.isprintable() and char != "\u3000"


@given(HOSTILE, st.sampled_from(MODES))
def test_nothing_that_comes_out_can_act(text: str, mode: Mode) -> None:
    assert not [char for char in plain(text, mode) if acts(char)]


@given(HOSTILE, st.sampled_from(MODES))
def test_a_second_pass_changes_nothing(text: str, mode: Mode) -> None:
    once = plain(text, mode)
    assert plain(once, mode) == once


@given(HOSTILE)
def test_showing_hides_no_character(text: str) -> None:
    seen = plain(text)
    for char in set(text):
        if not (char.isprintable() or char == "\n") and ord(char) > 0x9F:
            assert f"<U+{ord(char):04X}>" in seen


@pytest.mark.parametrize(
    ("text", "shown", "dropped"),
    [
        ("web", "web", "web"),
        ("日本 é", "日本 é", "日本 é"),
        ("a\x1b[31mb", "a␛[31mb", "ab"),
        ("a\x1b]52;c;QUJD\x07b", "a␛]52;c;QUJD␇b", "ab"),
        ("a\x1b]0;title\x1b\\b", "a␛]0;title␛\\b", "ab"),
        ("a\x1b]52;c;never ended\nb", "a␛]52;c;never ended\nb", "a\nb"),
        ("a\x9b2Jb", "a<U+009B>2Jb", "ab"),
        ("a\x9d52;c;A\x9cb", "a<U+009D>52;c;A<U+009C>b", "ab"),
        ("a\x1bcb", "a␛cb", "ab"),
        ("a\x1bPq#0\x1b\\b", "a␛Pq#0␛\\b", "ab"),
        ("end\x1b", "end␛", "end␛"),
        ("\x00\x0e\x7f", "␀␎␡", "␀␎␡"),
        ("gpj\u202e.exe", "gpj<U+202E>.exe", "gpj.exe"),
        ("a\u200bb", "a<U+200B>b", "ab"),
        ("a\u3164b", "a<U+3164>b", "ab"),
        ("rm a\u00a0b", "rm a<U+00A0>b", "rm a b"),
        ("\ud800", "<U+D800>", "\ufffd"),
        ("a\tb", "a␉b", "a    b"),
        ("50%\r60%\r\n", "50%␍60%␍\n", "50%␍60%\n"),
        ("x\u2028y", "x<U+2028>y", "x\ufffdy"),
        ("[red]x[/red] [@click=app.quit]y[/]",) * 3,
    ],
)
def test_what_a_person_sees(text: str, shown: str, dropped: str) -> None:
    assert plain(text) == shown
    assert plain(text, "drop") == dropped


@pytest.mark.parametrize("mode", MODES)
def test_a_tower_of_marks_becomes_its_count(mode: Mode) -> None:
    tower = plain("e" + "\u0301" * 100_000 + "x", mode)
    assert tower == "e" + "\u0301" * 4 + "<+99996 marks>x"
    assert sum(unicodedata.combining(char) > 0 for char in tower) == 4


def test_a_long_log_line_is_cut_and_says_by_how_much() -> None:
    cut = plain("ok\n" + "x" * (1 << 20), "drop")
    assert cut == "ok\n" + "x" * LINE_LIMIT + f" +{(1 << 20) - LINE_LIMIT} bytes"


def test_what_must_be_approved_is_never_cut() -> None:
    assert len(plain("x" * 100_000)) == 100_000


def test_one_line_has_no_newline() -> None:
    assert one_line("a\nb\x1b") == "a␊b␛"


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    name: str
    raw: Raw
    labels: dict[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    more: list[str] = field(default_factory=list)


def test_every_string_of_a_wire_object_is_made_safe() -> None:
    odd = Odd(name="\x1b", raw=Raw("\x1b"), labels={"\x07": "\x07", "a": "\u202e"}, words=("ok", "\x00"), more=["\x9b"])
    assert safe(odd) == Odd(
        name="␛", raw=Raw("\x1b"), labels={"␇": "␇", "a": "<U+202E>"}, words=("ok", "␀"), more=["<U+009B>"]
    )


def test_two_labels_that_look_alike_stay_two() -> None:
    assert safe({"\x07": "1", "␇": "2"}) == {"␇": "1", "␇'": "2"}


def test_a_clean_object_is_handed_back_itself() -> None:
    batch = LogBatch(id="ab", lines=(LogLine(at=1.0, stream=LogStream.STDOUT, text="fine"),))
    assert safe(batch, "drop") is batch


def test_an_enum_stays_an_enum() -> None:
    line = LogLine(at=None, stream=LogStream.STDERR, text="\x1b[1mx")
    assert safe(line, "drop") == LogLine(at=None, stream=LogStream.STDERR, text="x")
