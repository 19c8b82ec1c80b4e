"""Note: a few toned lines as high as they need to be."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from aistack_console.present.para import Para
from aistack_console.widgets.line import content


class Note(Static):
    """Shows paragraphs; nothing in them is read as markup. For a few lines; ``Detail`` is for long texts."""

    DEFAULT_CSS = "Note { height: auto; width: 1fr; }"

    def __init__(self, paras: Sequence[Para] = (), *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(joined(paras), id=id, classes=classes, markup=False)
        self._paras = tuple(paras)

    def show(self, paras: Sequence[Para]) -> None:
        """Show other paragraphs."""
        if tuple(paras) != self._paras:
            self._paras = tuple(paras)
            self.update(joined(paras))


def joined(paras: Sequence[Para]) -> Content:
    """Return the paragraphs as lines of content; nothing in them is read as markup."""
    return Content("\n").join([content(one.cells) for one in paras])
