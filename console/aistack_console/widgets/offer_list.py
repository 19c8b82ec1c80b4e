"""OfferList: ways to go on with what is typed, above the prompt, which keeps the focus."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget

from aistack_console.cells import fit, width_of
from aistack_console.present.completing import Offer, Offers
from aistack_console.widgets.line import content

LINES = 6
"""Most ways shown at once."""


class OfferList(Widget):
    """Shows a few offers around the chosen one; hidden when there is none."""

    DEFAULT_CSS = "OfferList { height: auto; max-height: 6; background: $panel; padding: 0 1; display: none; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._offers = Offers()
        self._at = 0
        self.moved = False
        """Whether somebody moved in the list, so that Enter takes what is chosen."""

    @property
    def open(self) -> bool:
        """Whether there is something to choose."""
        return bool(self._offers.found)

    def taken(self, before: str) -> str:
        """Return the text before the cursor with the chosen offer in place of what was begun."""
        return before[: self._offers.start] + self._offers.found[self._at].text if self.open else before

    def close(self) -> None:
        """Offer nothing until more is typed."""
        self.show(Offers())

    def show(self, offers: Offers) -> None:
        """Show other offers; none hides the list."""
        if offers != self._offers:
            self._offers, self._at, self.moved = offers, 0, False
            self.display = self.open
            self.refresh(layout=True)

    def move(self, by: int) -> None:
        """Choose the next or the one before, round and round."""
        if self.open:
            self._at = (self._at + by) % len(self._offers.found)
            self.moved = True
            self.refresh()

    def render(self) -> Content:
        """Return the visible lines."""
        found = self._offers.found
        top = max(0, min(self._at - LINES // 2, len(found) - LINES))
        shown = found[top : top + LINES]
        wide = min(max((width_of(one.text) for one in shown), default=0), self.size.width // 2)
        return Content("\n").join(self._lines(shown, top, wide))

    def _lines(self, shown: Sequence[Offer], top: int, wide: int) -> list[Content]:
        lines = []
        for number, one in enumerate(shown, top):
            at = number == self._at
            said = f"  {one.said}" if number > 0 or self.moved else f"  {one.said}   (tab takes it)"
            room = max(0, self.size.width - wide - 2)
            begin = ("> " if at else "  ") + fit(one.text, wide)
            lines.append(content(((begin, "accent") if at else begin, (fit(said, room).rstrip(), "dim"))))
        return lines
