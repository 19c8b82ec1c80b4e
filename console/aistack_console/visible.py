"""Draws, of a change, only the rows of those widgets that are to be seen in it.

Textual draws every row of every widget on the screen for each change, and then keeps the rows in front in the changed
regions: one changed line cost as much as a third of a page. ``_get_renders``, ``render_partial_update`` and
``_dirty_regions`` are Textual's private names: textual is pinned, and the tests of this module fail when a new version
changes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual._compositor import ChopsUpdate
from textual.geometry import Region
from textual.strip import Strip

from aistack_console.told import Told


class VisibleOnly(Told):
    """A compositor whose partial updates hold the same as Textual's in the changed regions, for less work."""

    def __init__(self) -> None:
        super().__init__()
        self._changed: list[Region] = []

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return what is to be seen in the regions that changed; None when none did."""
        self._changed = [region for region in self._dirty_regions if region]
        try:
            return super().render_partial_update()
        finally:
            self._changed = []

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        return self._needed() if self._changed else super()._get_renders(crop)

    def _needed(self) -> Iterator[tuple[Region, Region, list[Strip]]]:
        """Yield each widget that is to be seen in a changed region, from the front, with the rows from the first
        such place to the last."""
        fronts: list[Region] = []
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            parts = [part for changed in self._changed if (part := changed.intersection(seen))]
            parts = [part for part in parts if not any(front.contains_region(part) for front in fronts)]
            fronts.append(seen)
            if parts:
                rows = Region.from_union(parts)
                strips = widget.render_lines(Region(seen.x - region.x, rows.y - region.y, seen.width, rows.height))
                yield region, Region(clip.x, rows.y, clip.width, rows.height), strips
