"""Spark: a trend on one line."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from aistack_console.cells import fit

BLOCKS = "▁▂▃▄▅▆▇█"
"""Eight heights; in ASCII each has a stand-in of its own (``themes/ascii.toml``). No braille."""
GAP = "·"
"""Where nothing was measured: never drawn as a low value."""


def spark(values: Sequence[float | None], width: int, top: float | None = None) -> str:
    """Return the newest values as ``width`` blocks, oldest left; ``top`` is the value of the full block.

    Without ``top`` the largest shown value is the full block. Fewer values than cells leave the left empty.
    """
    shown = list(values[-width:]) if width > 0 else []
    ceiling = top or max((value for value in shown if value is not None and isfinite(value)), default=0.0)
    blocks = [_block(value, ceiling) for value in shown]
    return " " * (width - len(blocks)) + "".join(blocks)


def _block(value: float | None, ceiling: float) -> str:
    if value is None or not isfinite(value):
        return GAP
    if ceiling <= 0:
        return BLOCKS[0]
    share = max(0.0, min(1.0, value / ceiling))
    return BLOCKS[min(len(BLOCKS) - 1, int(share * len(BLOCKS)))]


class Spark(Widget):
    """A label, the newest values, and the last one in words; repaints only when one of them changed."""

    COMPONENT_CLASSES = {"spark--label", "spark--line", "spark--value"}  # noqa: RUF012 (Textual's own name)
    DEFAULT_CSS = """
    Spark { height: 1; width: 1fr; }
    Spark > .spark--label { color: $text-muted; }
    Spark > .spark--line { color: $text-primary; }
    Spark > .spark--value { color: $foreground; }
    """
    LABEL = 8
    VALUE = 16

    def __init__(self, label: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._label = label
        self._shown: tuple[tuple[float | None, ...], str, float | None] = ((), "-", None)

    def show(self, values: Sequence[float | None], said: str, top: float | None = None) -> None:
        """Show these values, and ``said`` for the last one."""
        new = (tuple(values), said, top)
        if new != self._shown:
            self._shown = new
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return the line."""
        width = self.size.width
        values, said, top = self._shown
        room = width - self.LABEL - self.VALUE - 2
        base = self.rich_style
        parts = (
            ("label", fit(self._label, self.LABEL) + " "),
            ("line", spark(values, room, top)),
            ("value", " " + fit(said, self.VALUE)),
        )
        segments = [
            Segment(text, base + self.get_component_rich_style(f"spark--{part}", partial=True)) for part, text in parts
        ]
        return Strip(segments).adjust_cell_length(width, base)
