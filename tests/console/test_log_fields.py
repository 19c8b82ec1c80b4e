"""A log line's level is its own word, and its fields are those of JSON and logfmt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aistack_console.present import log_fields
from aistack_console.present.log_fields import Level, fields_of, folded, level_of, levels_of


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("2026-11-23 10:00:00 UTC [1] LOG:  database system is ready", Level.INFO),
        ("1:M 23 Nov 2026 # WARNING overcommit_memory is set to 0", Level.WARN),
        ("2026/11/23 [error] 30#30: *1 open() failed", Level.ERROR),
        ('ts=1 caller=main.go level=warn msg="x"', Level.WARN),
        ('{"level":"error","msg":"x"}', Level.ERROR),
        ("error: no such file", Level.ERROR),
        ("no error was found", Level.UNKNOWN),
        ("PATTERN 1", Level.UNKNOWN),
        ("INFO no ERROR here", Level.INFO),
        ("\u0130NFO: a capital that only looks like one", Level.UNKNOWN),
        ("level=cr\u0131tical", Level.UNKNOWN),
        ("x" * 200 + " ERROR", Level.UNKNOWN),
        ("", Level.UNKNOWN),
    ],
)
def test_the_level_is_the_line_s_own_word(text: str, level: Level) -> None:
    assert level_of(text) is level
    assert list(levels_of([text, "plain"])) == [level, Level.UNKNOWN]


WORDS = ["ERROR", "error:", "level=Warn", "[info]", "dbg", "\u0130nfo:", "\u00df", " at x", "terrace", "(", "x"]


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join), max_size=6))
def test_levels_of_many_lines_are_those_of_each(texts: list[str]) -> None:
    assert list(levels_of(texts)) == [level_of(text) for text in texts]
    assert [level_of(text) for text in texts] == [_slowly(text) for text in texts]


def _slowly(text: str) -> Level:
    found = log_fields._SAID.search(text, 0, log_fields._LOOK)
    return log_fields._WORDS[(found[1] or found[2] or found[3]).upper()] if found else Level.UNKNOWN


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('{"msg": "hi", "n": 3, "o": {"a": null}}', (("msg", "hi"), ("n", "3"), ("o", '{"a": null}'))),
        ('level=info msg="a \\"b\\" c" n=3', (("level", "info"), ("msg", 'a "b" c'), ("n", "3"))),
        ("a=1", ()),
        ("{not json", ()),
        ("[1, 2]", ()),
        ("plain", ()),
        ("{" * 100_000, ()),
    ],
)
def test_json_and_logfmt_become_fields(text: str, fields: tuple[tuple[str, str], ...]) -> None:
    assert fields_of(text) == fields


def test_a_line_with_fields_is_folded_to_its_message_first() -> None:
    assert folded('{"ts": 1, "level": "warn", "msg": "slow\\nvery", "ms": 812}') == "warn slow␊very ts=1 ms=812"
