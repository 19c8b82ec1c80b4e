"""Detail: wrapped text that can be read to its end, and that knows how much of it was on screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from aistack_console.present.para import Para, Piece, wrap


class Detail(ScrollView, can_focus=True):
    """Shows paragraphs; nothing is cut, everything can be scrolled to."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"detail--{tone}" for tone in ("plain", "ok", "warn", "bad", "dim", "accent")
    }
    DEFAULT_CSS = """
    Detail { background: $surface; color: $foreground; overflow-x: hidden; scrollbar-size-vertical: 1; }
    Detail > .detail--plain { color: $foreground; }
    Detail > .detail--ok { color: $text-success; }
    Detail > .detail--warn { color: $text-warning; }
    Detail > .detail--bad { color: $text-error; text-style: bold; }
    Detail > .detail--dim { color: $text-muted; }
    Detail > .detail--accent { color: $text-accent; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "line(1)", "Down", show=False, id="detail.down"),
        Binding("k,up", "line(-1)", "Up", show=False, id="detail.up"),
        Binding("g,home", "edge(0)", "Begin", show=False, id="detail.first"),
        Binding("G,end", "edge(1)", "End", show=False, id="detail.last"),
        Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, id="detail.half-down"),
        Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, id="detail.half-up"),
        Binding("pagedown,space", "page(1.0)", "Page down", show=False, id="detail.page-down"),
        Binding("pageup", "page(-1.0)", "Page up", show=False, id="detail.page-up"),
    ]

    class Seen(Message):
        """More of the text was on screen; ``unseen`` lines never were."""

        def __init__(self, detail: Detail, unseen: int) -> None:
            super().__init__()
            self.detail = detail
            self.unseen = unseen

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._paras: tuple[Para, ...] = ()
        self._lines: list[tuple[Piece, ...]] = []
        self._seen: set[int] = set()
        self._width = 0

    @property
    def lines(self) -> list[str]:
        """The wrapped lines as plain text."""
        return ["".join(text for text, _ in line) for line in self._lines]

    @property
    def unseen(self) -> int:
        """How many lines have never been on screen at this width."""
        return len(self._lines) - len(self._seen)

    @property
    def below(self) -> int:
        """How many lines stand below the last visible one."""
        return max(0, len(self._lines) - int(self.scroll_offset.y) - self.size.height)

    def show(self, paras: Sequence[Para], *, top: bool = False) -> None:
        """Show other paragraphs, keeping the place unless ``top``; what was seen counts anew when they differ."""
        if tuple(paras) == self._paras:
            return
        self._paras = tuple(paras)
        old = self._lines
        self._lay_out()
        self._repaint(old)
        if top:
            self.scroll_to(y=0, animate=False, force=True)
        self._look()

    def _lay_out(self) -> None:
        width = int(self.scrollable_content_region.width)
        self._width = width
        self._lines = wrap(self._paras, width) if width > 0 else []
        self._seen = set()
        if self.virtual_size != (size := Size(width, len(self._lines))):
            self.virtual_size = size

    def _repaint(self, old: list[tuple[Piece, ...]]) -> None:
        """Paint again only the visible lines that differ."""
        top, new = int(self.scroll_offset.y), self._lines
        changed = [y for y in range(self.size.height) if old[top + y : top + y + 1] != new[top + y : top + y + 1]]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def _look(self) -> None:
        top = int(self.scroll_offset.y)
        before = len(self._seen)
        self._seen |= set(range(top, min(top + self.size.height, len(self._lines))))
        if len(self._seen) != before:
            self.post_message(self.Seen(self, self.unseen))

    def on_resize(self) -> None:
        """Wrap again for a new width: what was read at another width was other lines. A new height changes none."""
        if int(self.scrollable_content_region.width) != self._width:
            self._lay_out()
        self.refresh()
        self._look()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Note what came into view."""
        super().watch_scroll_y(old_value, new_value)
        self._look()

    def action_line(self, by: int) -> None:
        """Scroll by lines."""
        self.scroll_to(y=self.scroll_offset.y + by, animate=False, force=True)

    def action_page(self, share: float) -> None:
        """Scroll by a share of the visible lines."""
        self.action_line(int(share * max(self.size.height - 1, 1)))

    def read_on(self) -> None:
        """Go a page down; at the end to the first line that was never on screen, if a jump left one out."""
        missed = min(set(range(len(self._lines))) - self._seen, default=None)
        if self.below == 0 and missed is not None:
            self.scroll_to(y=missed, animate=False, force=True)
        else:
            self.action_page(1.0)

    def action_edge(self, end: int) -> None:
        """Go to the begin or the end."""
        self.scroll_to(y=len(self._lines) if end else 0, animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """Return one line of the window."""
        index = y + int(self.scroll_offset.y)
        width = int(self.scrollable_content_region.width)
        if not 0 <= index < len(self._lines):
            return Strip.blank(width, self.rich_style)
        base = self.rich_style
        pieces = [
            Segment(text, base + self.get_component_rich_style(f"detail--{tone}", partial=True))
            for text, tone in self._lines[index]
        ]
        return Strip(pieces).adjust_cell_length(width, base)
