"""Code gets its colours when its block is complete, keeps every character and line, and costs nothing until then."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.console.hostile import payloads

from aistack_console.cells import sure
from aistack_console.present import colours
from aistack_console.present.growing import Growing
from aistack_console.present.laying import Laid, lay
from aistack_console.text import plain

PYTHON = 'def f(a):\n    """two\n\n    lines"""\n    return a + 12  # so'


def marks(text: Growing, width: int = 40) -> list[Laid]:
    return [line for line in lay([*text.closed, *text.open], width) if line.code]


def drawn(lines: list[Laid]) -> list[str]:
    return ["".join(text for text, _ in line.pieces) for line in lines]


def test_a_block_is_coloured_when_it_is_complete_and_not_before() -> None:
    grown = Growing(f"See\n\n```python\n{PYTHON}\n")
    before = marks(grown)
    assert {mark for line in before for _, mark in line.pieces} == {"code"}
    assert grown.recoloured() is None
    grown.add("```\nafter")
    after = marks(grown)
    assert drawn(after) == drawn(before)
    assert grown.closed[grown.recoloured() or 0].kind == "code"
    assert grown.recoloured() is None
    told = {text: mark for line in after for text, mark in line.pieces}
    assert (told["def"], told["f"], told["12"], told["# so"]) == (
        "code word", "code call", "code number", "code remark",
    )  # fmt: skip


def test_a_text_that_ends_with_its_code_is_coloured_at_the_end() -> None:
    grown = Growing(f"```python\n{PYTHON}\n```")
    assert {mark for line in marks(grown) for _, mark in line.pieces} == {"code"}
    before = drawn(marks(grown))
    grown.end()
    assert (drawn(marks(grown)), grown.code[0].text) == (before, PYTHON)
    assert any(mark == "code word" for line in marks(grown) for _, mark in line.pieces)
    unfinished = Growing("```python\nx = 1")
    unfinished.end()
    assert unfinished.code[0].text == "x = 1"


def test_a_text_that_comes_whole_and_one_that_grows_look_the_same() -> None:
    text = f"- an item\n  ```python\n  x = 1\n  ```\n\n~~~python\n{PYTHON}\n~~~\nend"
    grown = Growing()
    for char in text:
        grown.add(char)
    assert marks(grown) == marks(Growing(text))


def test_a_long_line_is_broken_where_it_was_and_keeps_its_colours() -> None:
    code = f"x = {'1' * 30} + 'yes'"
    pieces = marks(Growing(f"```python\n{code}\n```\n"), 16)
    assert drawn(pieces) == [code[:16], code[16:32], code[32:]]
    assert pieces[1].pieces == (("1" * 16, "code number"),)


@pytest.mark.parametrize("language", ["", "nobody", "text", "../x", "python\x1b"])
def test_what_has_no_known_language_stays_as_it_is(language: str) -> None:
    assert drawn(marks(Growing(f"```{language}\na b\n```\n"))) == ["a b"]


def test_long_code_is_not_read() -> None:
    assert colours.coloured("x = 1\n" * colours.LONGEST, "python") is None


@settings(deadline=None, max_examples=60)
@given(
    text=st.one_of(st.sampled_from(tuple(islice(payloads(3), 300))), st.text(max_size=80)),
    language=st.sampled_from(["python", "sh", "json", "html", "diff", "console", "yaml", "php", "make"]),
)
def test_no_character_is_lost_or_made(text: str, language: str) -> None:
    safe = plain(text, "drop")
    found = colours.coloured(safe, language)
    if found is not None:
        assert ["".join(part for part, _ in line) for line in found] == [sure(line) for line in safe.split("\n")]
