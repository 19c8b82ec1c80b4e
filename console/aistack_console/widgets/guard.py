"""KeyGuard: which key in a dialog is a decision, and which was only on its way when the dialog came up."""

from __future__ import annotations

DEAD = 1.0
"""Seconds after opening in which no key counts (R1.15)."""
QUIET = 0.4
"""Seconds without any key that must pass once before a key counts: a held key or a typed text never does."""
ALONE = 0.2
"""Seconds after a yes in which any further key takes it back: a paste or a terminal report is no answer."""

HAND = 0.002
"""Seconds between two keys that no hand types: what comes faster is one piece of a paste or of a report."""


class KeyGuard:
    """Fed with the time of every key; opens for good at the first key after a second and a silence."""

    def __init__(self, opened: float) -> None:
        self.last = self._opened = opened
        """When the last key came."""
        self.armed = False
        self.quiet = False
        """Whether there was a silence before the last key: a yes needs one of its own."""

    def press(self, now: float) -> bool:
        """Return whether the key that was pressed at ``now`` counts."""
        self.quiet = now - self.last >= QUIET
        self.last = now
        if not self.armed and now - self._opened >= DEAD and self.quiet:
            self.armed = True
        return self.armed
