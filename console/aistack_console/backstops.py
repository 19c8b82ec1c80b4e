"""Backstops of the app against untrusted text: what slips past ``text.plain`` still can do nothing.

They hold for every widget, Textual's own too, because they sit where lines leave for the terminal and where
clicks become actions. ``_broker_event`` and ``_fatal_error`` are Textual's private names: textual is pinned, and
the tests of this module fail when a new version changes them.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter, Monochrome, NoColor
from textual.scrollbar import ScrollBar

from aistack_console.text import plain

if TYPE_CHECKING:
    from textual import events
    from textual.dom import DOMNode
    from textual.notifications import SeverityLevel

ALLOWED_ACTIONS = ("link(",)
"""The only actions that text on the screen may carry; a link does nothing but tell the widget's screen."""

SCROLLBAR_ACTIONS = frozenset({"scroll_up", "scroll_down", "grab", "release"})
"""What a scrollbar paints into itself; allowed on scrollbars only, so data cannot use them."""

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_SECRET = re.compile(r"(?i)((?:pass(?:word|wd)?|secret|token|api[_-]?key|authorization)['\"]?\s*[=:]\s*)\S+")


def redact(text: str) -> str:
    """Return ``text`` with what follows ``password=``, ``token:`` and the like replaced by ``***``."""
    return _SECRET.sub(r"\1***", text)


class SafeLines(LineFilter):
    """Removes control and bidi characters and terminal hyperlinks from every painted line.

    What is clean, nearly everything, is handed on as it is: 8 to 10 µs for a line of 20 segments (2026-11, 2 busy
    cores).
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments, each as wide as before, unable to steer a terminal."""
        return [_safe_segment(segment) for segment in segments]


def _safe_segment(segment: Segment) -> Segment:
    text, style, control = segment
    linked = style is not None and style.link
    if text.isprintable() and not linked and control is None:
        return segment
    text = _UNSAFE.sub(lambda match: "\ufffd" * cell_len(match[0]), text)
    return Segment(text, style.update_link(None) if style is not None and linked else style)


class Colourless(LineFilter):
    """Removes every colour; what stood out by its background is shown in reverse instead."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with neither foreground nor background colour."""
        return [Segment(text, style and _bare(style, background), None) for text, style, _ in segments]


STANDS_OUT = 0.2
"""Least difference in brightness (0 to 1) that becomes reverse where there is no colour."""


@lru_cache(2048)
def _bare(style: Style, background: Color) -> Style:
    bare = style.without_color
    if style.bgcolor is None or style.bgcolor.is_default or style.reverse:
        return bare
    apart = abs(Color.from_rich_color(style.bgcolor).brightness - background.brightness)
    return bare + Style(reverse=True) if apart > STANDS_OUT else bare


class AsciiOnly(LineFilter):
    """Draws everything with ASCII: known glyphs by their stand-ins, others as ``?``, cell for cell."""

    def __init__(self, glyphs: Mapping[str, str]) -> None:
        super().__init__()
        self._table = _Ascii({ord(glyph): stand_in for glyph, stand_in in glyphs.items()})

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments in ASCII, each as wide as before."""
        return [segment if segment.text.isascii() else self._ascii(segment) for segment in segments]

    def _ascii(self, segment: Segment) -> Segment:
        width = cell_len(segment.text)
        return Segment(segment.text.translate(self._table)[:width].ljust(width), segment.style)


class _Ascii(dict[int, str]):
    def __missing__(self, code: int) -> str:
        return chr(code) if code < 0x80 else "?" * cell_len(chr(code))


class Backstops(App[int]):
    """The part of the app that data cannot get past; ``ConsoleApp`` builds on it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._safe_lines = SafeLines()
        self._colourless = Colourless(enabled=self.no_color)
        self._ascii: AsciiOnly | None = None

    def set_look(self, *, colourless: bool = False, ascii_glyphs: Mapping[str, str] | None = None) -> None:
        """Choose colour or none and Unicode or ASCII; ``NO_COLOR`` wins over ``colourless=False``."""
        self._colourless.enabled = colourless or self.no_color
        self._ascii = AsciiOnly(ascii_glyphs) if ascii_glyphs is not None else None
        for screen in self.screen_stack if self.is_running else ():
            for widget in (screen, *screen.walk_children()):
                widget.notify_style_update()
                widget.refresh()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return Textual's filters less its grey NO_COLOR, then ours; the safety comes last."""
        filters = [one for one in super().get_line_filters() if not isinstance(one, Monochrome | NoColor)]
        if self._ascii is not None:
            filters.append(self._ascii)
        if self._colourless.enabled:
            filters.append(self._colourless)
        filters.append(self._safe_lines)
        return filters

    async def _broker_event(self, event_name: str, event: events.Event, default_namespace: DOMNode) -> bool:
        """Run an action that painted text carries only when it is on the allowlist."""
        style = getattr(event, "style", None)
        meta = style.meta if style is not None else {}
        own = SCROLLBAR_ACTIONS if isinstance(default_namespace, ScrollBar) else frozenset[str]()
        for key, action in meta.items():
            if key.startswith("@") and not (
                isinstance(action, str) and (action.startswith(ALLOWED_ACTIONS) or action in own)
            ):
                return False
        return await super()._broker_event(event_name, event, default_namespace)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a toast as plain text; markup is never parsed, whatever the caller says."""
        super().notify(plain(message), title=plain(title), severity=severity, timeout=timeout, markup=False)

    def exit(self, result: int | None = None, return_code: int = 0, message: Any | None = None) -> None:
        """Leave; a message is printed as plain text."""
        said = Text(plain(message)) if isinstance(message, str) else message
        super().exit(result, return_code, said)

    def _fatal_error(self) -> None:
        """Leave after an error that nobody expected: its traceback without local variables, redacted."""
        self.bell()
        told = plain(redact(traceback.format_exc()), "drop")
        self._exit_renderables.append(Text(f"aistack-console stopped on an error it did not expect.\n{told}"))
        self._close_messages_no_wait()
