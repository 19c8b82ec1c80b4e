"""What a table shows: columns and rows as plain, hashable data, made by presenters and drawn by LiveTable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["plain", "ok", "warn", "bad", "dim", "accent"]
"""What a cell means; themes decide how it looks. The word in the cell says it too: never colour alone."""

Cell = str | tuple[str, Tone]
"""A text, or a text and its tone; the text has passed ``text.plain``."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, its width in cells (0 = a share of what is left) and its alignment."""

    name: str
    width: int
    align: Literal["left", "right"] = "left"
    min_screen_width: int = 0
    """Shown only on screens at least this wide."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a key that stays the same for the same thing, and a cell for each declared column."""

    key: str
    cells: tuple[Cell, ...]
    group: bool = False
    """A heading over the rows below it: its first cell spans the whole width."""
