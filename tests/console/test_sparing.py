"""Only changed cells are sent, and the terminal shows what Textual's own updates would have made it show."""

from __future__ import annotations

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from aistack_console.sparing import Shown

WIDTH, HEIGHT = 24, 4
SYSTEM = ColorSystem.EIGHT_BIT
CONSOLE = Console(color_system="256", force_terminal=True, width=WIDTH)
STYLES = (None, Style(), Style(bold=True), Style(color="red", bgcolor="blue"), Style(reverse=True, dim=True))
TEXTS = st.lists(st.sampled_from([*"ab é▇│…日本", "e\u0301"]), max_size=WIDTH // 2 - 1).map("".join)


def strip(text: str, style: Style | None = None, width: int = WIDTH) -> Strip:
    """Return a strip of exactly ``width`` cells."""
    return Strip([Segment(text, style)]).adjust_cell_length(width, style)


def full(lines: list[Strip]) -> LayoutUpdate:
    """Return an update of the whole screen."""
    return LayoutUpdate([[line] for line in lines], Region(0, 0, WIDTH, HEIGHT))


def part(y: int, left: int, right: int, line: Strip) -> ChopsUpdate:
    """Return an update of a span of one line that holds one widget."""
    chops: list[dict[int, Strip | None]] = [{0: line if index == y else None} for index in range(HEIGHT)]
    return ChopsUpdate(chops, [(y, left, right)], [[WIDTH]] * HEIGHT)


class Glass:
    """Two terminals: one gets what we send, one what Textual sends."""

    def __init__(self) -> None:
        self.shown = Shown()
        self.ours, self.theirs = pyte.Screen(WIDTH, HEIGHT), pyte.Screen(WIDTH, HEIGHT)

    def update(self, one: ChopsUpdate | LayoutUpdate) -> str:
        """Send an update to both; return what we sent."""
        sent = self.shown.changes(one, SYSTEM)
        pyte.Stream(self.ours).feed(sent)
        pyte.Stream(self.theirs).feed(one.render_segments(CONSOLE))
        return sent

    def same(self) -> bool:
        """Whether both show the same, with the same styles."""
        places = [(x, y) for y in range(HEIGHT) for x in range(WIDTH)]
        return all(self.ours.buffer[y][x] == self.theirs.buffer[y][x] for x, y in places)


LINES = st.lists(st.builds(strip, TEXTS, st.sampled_from(STYLES)), min_size=HEIGHT, max_size=HEIGHT)


@settings(max_examples=150, deadline=None)
@given(LINES, st.lists(st.tuples(st.integers(0, HEIGHT - 1), TEXTS, st.sampled_from(STYLES)), max_size=8))
def test_the_terminal_shows_what_textual_would_have_shown(lines: list[Strip], edits: list[tuple]) -> None:  # type: ignore[type-arg]
    """Whatever came before, wide and combining characters too."""
    glass = Glass()
    glass.update(full(lines))
    assert glass.same()
    for y, text, style in edits:
        glass.update(part(y, 0, WIDTH, strip(text, style)))
        assert glass.same()


def test_nothing_new_sends_nothing() -> None:
    """A repaint of equal cells costs no byte, also when its segments are cut elsewhere."""
    glass = Glass()
    glass.update(full([strip("one row")] * HEIGHT))
    assert glass.update(part(1, 0, WIDTH, strip("one row"))) == ""
    cut = Strip([Segment("one "), Segment("row"), Segment(" " * (WIDTH - 7))])
    assert glass.update(part(1, 0, WIDTH, cut)) == ""


def test_one_digit_sends_one_digit() -> None:
    """A jump, the character and the style put back."""
    glass = Glass()
    glass.update(full([strip("cpu 0.1 memory 468K")] * HEIGHT))
    assert glass.update(part(2, 0, WIDTH, strip("cpu 0.2 memory 468K"))) == "\x1b[3;7H\x1b[0m2\x1b[0m"


def test_changes_close_together_are_one_run_and_far_ones_are_jumped_to() -> None:
    """Sending a few equal cells is cheaper than a jump."""
    glass = Glass()
    glass.update(full([strip("a b      .       c")] * HEIGHT))
    sent = glass.update(part(0, 0, WIDTH, strip("x y      .       z")))
    assert sent == "\x1b[1;1H\x1b[0mx y\x1b[1;18Hz\x1b[0m"


def test_a_full_update_is_sent_whole() -> None:
    """Something else may have written to the terminal: a redraw must mend it."""
    glass = Glass()
    lines = [strip("text")] * HEIGHT
    glass.update(full(lines))
    pyte.Stream(glass.ours).feed("\x1b[2J")
    glass.update(full(lines))
    assert glass.same()


def test_a_piece_of_doubtful_width_is_sent_whole() -> None:
    """No jump lands within it, because terminals do not agree where its cells are."""
    glass = Glass()
    glass.update(full([strip("日本 a" + " " * 10 + "b")] * HEIGHT))
    sent = glass.update(part(0, 0, WIDTH, strip("日本 a" + " " * 10 + "c")))
    assert sent.startswith("\x1b[1;1H\x1b[0m日本 a")
    assert sent.count("\x1b[1;") == 1
    assert glass.update(part(0, 0, WIDTH, strip("日本 a" + " " * 10 + "c"))) == ""
    glass.update(part(0, 0, WIDTH, strip("narrow again")))
    assert glass.same()


def test_only_pieces_that_the_span_meets_are_looked_at() -> None:
    """A piece outside was not rendered for this update and may be old."""
    shown = Shown()
    shown.changes(full([strip("left      right")] * HEIGHT), SYSTEM)
    chops: list[dict[int, Strip | None]] = [{0: strip("LEFT", width=10), 10: strip("wrong", width=14)}, {}, {}, {}]
    sent = shown.changes(ChopsUpdate(chops, [(0, 2, 5)], [[10, WIDTH]] * HEIGHT), SYSTEM)
    assert "LEFT" in sent
    assert "wrong" not in sent
