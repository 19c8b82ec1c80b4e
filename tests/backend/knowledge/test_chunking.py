"""A text is cut where it ends by itself, and nothing of it is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aistack_backend.knowledge.chunking import SIZE, split

WORDS = st.text(alphabet="ab. \n\t#éß漢", max_size=400)


@given(WORDS, st.integers(1, 60))
def test_nothing_is_lost_and_nothing_is_twice(text: str, size: int) -> None:
    pieces = split(text, size)
    assert all(piece.text == text[piece.start : piece.end] and piece.text.strip() == piece.text for piece in pieces)
    assert all(0 < len(piece.text) <= size for piece in pieces)
    bounds = [0, *(at for piece in pieces for at in (piece.start, piece.end)), len(text)]
    assert bounds == sorted(bounds)
    assert not "".join(text[a:b] for a, b in zip(bounds[::2], bounds[1::2], strict=True)).strip()


def test_it_ends_between_paragraphs_lines_sentences_and_words() -> None:
    assert [piece.text for piece in split("one two.\n\nthree four", 14)] == ["one two.", "three four"]
    assert [piece.text for piece in split("one two\nthree four", 14)] == ["one two", "three four"]
    assert [piece.text for piece in split("One two. Three four.", 14)] == ["One two.", "Three four."]
    assert [piece.text for piece in split("one two three four", 14)] == ["one two three", "four"]
    assert [piece.text for piece in split("x" * 20, 14)] == ["x" * 14, "x" * 6]


def test_a_heading_begins_a_piece_and_names_those_below_it() -> None:
    text = f"intro\n\n# Redis #\n\n{'word ' * 300}\n\n## Ports\n\n6379"
    pieces = split(text)
    assert [piece.heading for piece in pieces] == ["", "Redis", "Redis", "Ports"]
    assert pieces[1].text.startswith("# Redis #\n\nword")
    assert pieces[-1].text == "## Ports\n\n6379"
    assert max(len(piece.text) for piece in pieces) <= SIZE


def test_a_comment_in_code_is_no_heading() -> None:
    text = "# Setup\n\n```sh\n# not one\nmake\n```\n\n## Next\n\n~~~\n# nor this\n```\n# nor that\n~~~\n\nend"
    assert [piece.heading for piece in split(text)] == ["Setup", "Next"]
    assert [piece.heading for piece in split("# a comment\nx = 1", headed=False)] == [""]


def test_a_long_text_without_ends_is_cut_in_time() -> None:
    assert len(split("x" * 2_000_000)) == 2_500
    assert len(split(" " * 2_000_000)) == 0
    assert len(split("#\n" * 500_000)) == 1_250
    assert split("# a" + " " * 500_000 + "b")[0].text.startswith("# a")
