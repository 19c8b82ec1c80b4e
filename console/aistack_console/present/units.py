"""Numbers as short words: sizes, durations, shares and times. None is always ``-``: not measured, never 0."""

from __future__ import annotations

import time

UNMEASURED = "-"


def size(count: float | None) -> str:
    """Return bytes with three digits at most: ``812``, ``9.8M``, ``120G``."""
    if count is None:
        return UNMEASURED
    amount = float(count)
    for unit in ("", "K", "M", "G", "T"):
        if abs(amount) < 999.5 or unit == "T":
            return f"{amount:.0f}{unit}" if unit in {"", "K"} or amount >= 9.95 else f"{amount:.1f}{unit}"
        amount /= 1024
    return UNMEASURED


def many(count: int, one: str, more: str = "") -> str:
    """Return a number with its noun: ``1 piece``, ``1,200 pieces``; ``more`` is a plural without a mere s."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def span(seconds: float | None) -> str:
    """Return a duration in one or two units: ``42s``, ``6m``, ``2h12``, ``3d04h``."""
    if seconds is None:
        return UNMEASURED
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m" if whole >= 600 else f"{whole // 60}m{whole % 60:02d}"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def coarse(seconds: float | None) -> str:
    """Return a duration that changes once a minute at most: ``42s``, ``6m``, ``2h12``."""
    if seconds is None or not 60 <= seconds < 600:
        return span(seconds)
    return f"{int(seconds) // 60}m"


def percent(value: float | None) -> str:
    """Return a percentage: ``0.4``, ``12``, ``212``."""
    if value is None:
        return UNMEASURED
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def clock(at: float | None, seconds: bool = True) -> str:
    """Return a local time of day."""
    if at is None:
        return UNMEASURED
    return time.strftime("%H:%M:%S" if seconds else "%H:%M", time.localtime(at))


def stamp(at: float) -> str:
    """Return a time with its day and zone, for what is read elsewhere."""
    return time.strftime("%Y-%m-%d %H:%M:%S%z", time.localtime(at))


def day_clock(at: float | None, now: float) -> str:
    """Return a local time, with its day when it is another one than ``now``'s."""
    if at is None:
        return UNMEASURED
    then = time.localtime(at)
    same = time.localtime(now)[:3] == then[:3]
    return time.strftime("%H:%M:%S" if same else "%m-%d %H:%M", then)


def bar(share: float | None, width: int = 10) -> str:
    """Return a bar of ASCII characters: ``[####......]``; unknown is ``[??????????]``."""
    if share is None:
        return f"[{'?' * width}]"
    full = round(max(0.0, min(1.0, share)) * width)
    return f"[{'#' * full}{'.' * (width - full)}]"
