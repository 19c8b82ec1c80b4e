"""Tells each widget its new size, also when somebody asked for a size just before the layout.

Textual finds out whom to tell by comparing a new layout with the last one that was computed. A widget's ``size``
and ``region`` may compute one as well, between a change of style and its layout; then the layout finds nothing new,
and what has just come into view never gets its Resize and Show: it stays blank. Here a layout is compared with the
last layout that was told. ``_full_map`` is Textual's private name: textual is pinned, and the test of this module
fails when a new version changes it.
"""

from __future__ import annotations

from textual._compositor import Compositor, CompositorMap, ReflowResult
from textual.geometry import Size
from textual.widget import Widget


class Told(Compositor):
    """A compositor that misses no widget that was shown, hidden or resized since its last layout."""

    def __init__(self) -> None:
        super().__init__()
        self._told: CompositorMap = {}

    def reflow(self, parent: Widget, size: Size) -> ReflowResult:
        """Lay out; return who was hidden, shown and resized since the last time that this was asked."""
        self._full_map = self._told
        result = super().reflow(parent, size)
        self._told = self._full_map
        return result

    def clear(self) -> None:
        """Forget all widgets."""
        super().clear()
        self._told = {}
