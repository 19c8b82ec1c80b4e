"""Markdown that grows reads the same in whatever pieces it comes, at no more cost for being long, and cannot act."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.console.hostile import payloads

from aistack_console.cells import width_of, wrap_words
from aistack_console.present import growing
from aistack_console.present.growing import Growing
from aistack_console.present.laying import lay
from aistack_console.present.markdown import Code
from aistack_console.text import plain

EVERYTHING = """# Head *x*
Para with **bold**, `code`, [a link](http://x/y) and <b>html</b>.
Second line.

1. first
   more
2. second
   ```sh
   podman ps
   ```
   - nested
3. third

> quote

```python
def f():

    return 1
```
| a | b |
|---|---|
| 1 | `x` |
| longer cell | 3 |

end ~~gone~~
- x

- y
***
~~~
open fence
"""
FRAGMENTS = ("# a\n", "**b** ", "`c` ", "\n", "\n\n", "- i\n", "  j\n", "```\n", "```py\n", "~~~\n", "> q\n", "1. n\n",
             "|a|b|\n", "|-|-|\n", "[x](y) ", "***\n", "    d\n", "word ", "``", "`")  # fmt: skip


def lines(text: Growing, width: int = 50) -> list[str]:
    """What is drawn."""
    return ["".join(piece for piece, _ in line.pieces).rstrip() for line in lay([*text.closed, *text.open], width)]


def fed(text: str, sizes: list[int]) -> Growing:
    """The text, added in pieces of these sizes, again and again."""
    grown, at = Growing(), 0
    for size in itertools.cycle(sizes):
        if at >= len(text):
            return grown
        grown.add(text[at : at + size])
        at += size
    raise AssertionError


def test_each_kind_of_block_is_drawn() -> None:
    drawn = "\n".join(lines(Growing(EVERYTHING)))
    for words in (
        "Head x\nPara with bold, `code`, a link (http://x/y) and\n<b>html</b>.\nSecond line.\n\n",
        "1. first\n   more\n2. second\n   ─ code 1 · sh ─\n   podman ps\n   ◦ nested\n3. third\n\n│ quote\n\n",
        "─ code 2 · python ─\ndef f():\n\n    return 1\n\n",
        "a           │ b\n────────────┼────\n1           │ `x`\nlonger cell │ 3\n\nend gone\n\n",
        "\n\n• x\n• y\n\n────────\n\n",
        "─ code 3 ─\nopen fence",
    ):
        assert words in drawn
    assert Growing(EVERYTHING).code[:2] == (Code("sh", "podman ps"), Code("python", "def f():\n\n    return 1"))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
@settings(deadline=None)  # the first of them loads what reads code
def test_the_pieces_it_comes_in_make_no_difference(sizes: list[int]) -> None:
    whole, grown = Growing(EVERYTHING), fed(EVERYTHING, sizes)
    assert lines(grown) == lines(whole)
    assert grown.code == whole.code


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join), st.integers(8, 40))
@settings(max_examples=300, deadline=None)
def test_whatever_comes_nothing_is_wider_than_the_screen(text: str, width: int) -> None:
    for grown in (Growing(text), fed(text, [1])):
        assert all(width_of(line) <= width for line in lines(grown, width))
        assert grown.text == text


def test_what_is_closed_is_never_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    parse = growing.parser().parse
    monkeypatch.setattr(growing.parser(), "parse", lambda source: (read.append(len(source)), parse(source))[1])
    paragraph = "The **quick** `fox` jumps over it.\n\n- one\n- two\n\n```py\nx = 1\n```\n\n"
    for times in (20, 40):
        read.clear()
        fed(paragraph * times, [7])
        assert sum(read) < 7 * len(paragraph) * times


def test_a_table_that_is_too_wide_is_told_row_by_row() -> None:
    text = "| name | what it is |\n|-|-|\n| web | a long sentence about it |\n| db | short |\n"
    assert lines(Growing(text), 24) == [
        "name: web",
        "what it is: a long",
        "sentence about it",
        "",
        "name: db",
        "what it is: short",
    ]


@pytest.mark.parametrize("text", ["&#27;[2J", "&#x202e;x", "`&#x9b;`\x1b", "[&#27;](http://&#27;x)", "&zwnj;&shy;"])
def test_an_entity_cannot_bring_back_what_was_taken_away(text: str) -> None:
    for line in lines(Growing(text)):
        assert line.isprintable()


def test_hostile_text_is_drawn_as_text() -> None:
    for text in itertools.islice(payloads(3), 300):
        for width in (10, 60):
            assert all(line.isprintable() for line in lines(Growing(plain(text, "drop")), width))


@pytest.mark.parametrize("text", ["[" * 60_001, "x" * 5000, ("[" * 1900 + "\n\n") * 3, "`" * 4000])
def test_what_would_take_long_to_read_is_shown_as_it_is(text: str) -> None:
    shown = "".join(lines(Growing(text), 80))
    assert shown == text.replace("\n", "")


def test_a_persons_words_stand_as_they_are() -> None:
    assert lines(Growing("**a**\n\n  - b\n", formatted=False)) == ["**a**", "", "  - b"]


@given(st.text(alphabet="ab 漢é\u0301-", max_size=80), st.integers(2, 30))
def test_wrapping_loses_nothing_and_fits(text: str, width: int) -> None:
    cut = wrap_words(text, width)
    assert all(width_of(line) <= width for line in cut)
    assert "".join(cut).replace(" ", "") == text.replace(" ", "")
