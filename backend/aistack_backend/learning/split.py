"""Which interactions are kept for trials: a third of them, by a hash of their number, always the same."""

from __future__ import annotations

import hashlib

ONE_IN = 3
"""One interaction of so many is held out."""


def held_out(number: int) -> bool:
    """Tell whether an interaction is kept for trials; it then teaches nothing."""
    return hashlib.sha256(f"interaction {number}".encode()).digest()[0] % ONE_IN == 0
