"""Whether the machine is large enough for a tier, and which limits measured peaks advise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from aistack_backend.containers.stack.models import Manifest
from aistack_backend.observe.doctor import Check
from aistack_backend.observe.preflight import Wanted
from aistack_backend.wire.status import Finding

GIB = 1 << 30
COMFORTABLE = 16 * GIB
"""The note asks for 16 GB for the full stack."""
FULL_NEEDS = 12 * GIB
"""The upper end of what the note expects the full stack to use (8 to 12 GB)."""
DISK_FULL = 10 * GIB
"""The note: about 10 GB for images and volumes of the full stack, models apart."""
HEADROOM = 1.5
"""A limit that is advised is the measured peak times this."""
Peaks = Callable[[], Mapping[str, int]]
"""Returns the highest memory measured of each service, bytes, where any was measured."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a tier will need, and what is there; bytes."""

    tier: str
    needed: int
    running: int
    available: int
    total: int

    @property
    def fits(self) -> bool:
        """Whether what is still to come fits beside what is used now."""
        return self.needed - self.running <= self.available


def forecast(found: Manifest, tier: str, peaks: Mapping[str, int], running: Mapping[str, int]) -> Forecast:
    """Predict a tier: measured peaks where there are any, else what the manifest expects, else its reservation.

    ``running`` is what the tier's services use now: it is in ``available`` already.
    """
    services = [found.services[name] for name in found.tiers.get(tier, ())]
    needed = sum(peaks.get(one.id) or one.extra.memory_expected or one.memory_reserve or 0 for one in services)
    memory = psutil.virtual_memory()
    used = sum(running.get(one.id, 0) for one in services)
    return Forecast(tier, needed, used, memory.available, memory.total)


def memory(wanted: Wanted, peaks: Peaks, running: Peaks) -> Check:
    """Check which tiers fit the machine, and name the largest that does."""

    def ask() -> Finding:
        found, seen, now = wanted(), peaks(), running()
        rows = [forecast(found, tier, seen, now) for tier in found.tiers]
        said = ", ".join(
            f"{row.tier} {row.needed / GIB:.1f} GiB{'' if row.fits else ' (does not fit)'}" for row in rows
        )
        total, available = psutil.virtual_memory().total, psutil.virtual_memory().available
        detail = f"{available / GIB:.1f} of {total / GIB:.1f} GiB are free; expected: {said or 'no tiers'}."
        if all(row.fits for row in rows):
            return Finding(name="memory", ok=True, detail=detail + _comfort(total))
        fitting = [row.tier for row in rows if row.fits]
        fix = f"Bring up {fitting[-1]}, or free memory." if fitting else "Free memory, or add some."
        return Finding(name="memory", ok=False, detail=detail, fix=fix)

    return Check("memory", ask)


def limits(wanted: Wanted, peaks: Peaks) -> Check:
    """Advise limits from measured peaks: a service close to its limit, or far from it."""

    def ask() -> Finding:
        seen, advice = peaks(), []
        for service in wanted().services.values():
            peak, limit = seen.get(service.id), service.memory_limit
            if peak and limit and peak > 0.9 * limit:
                advice.append(
                    f"{service.id} peaked at {peak / GIB:.2f} of {limit / GIB:.2f} GiB: "
                    f"give it {HEADROOM * peak / GIB:.2f}"
                )
        total = sum(service.memory_limit or 0 for service in wanted().services.values())
        have = psutil.virtual_memory().total
        over = f"Limits add up to {total / GIB:.1f} of {have / GIB:.1f} GiB. "
        if advice:
            return Finding(
                name="limits", ok=None, detail=over + "; ".join(advice) + ".", fix="Raise memory in the file."
            )
        measured = (
            f"No measured peak of {len(seen)} services is near its limit." if seen else "No peak was measured yet."
        )
        return Finding(name="limits", ok=True, detail=over + measured)

    return Check("limits", ask)


def disk(root: Callable[[], str], present: Callable[[], int]) -> Check:
    """Check the disk of images and volumes; ``present``: bytes of the stack's images that are here already."""

    def ask() -> Finding:
        place = Path(root())
        free = psutil.disk_usage(str(place)).free
        still = max(0, DISK_FULL - present())
        detail = (
            f"{free / GIB:.1f} GiB are free under {place}; "
            f"the full stack still needs about {still / GIB:.1f}, models apart."
        )
        if free >= still:
            return Finding(name="image disk", ok=True, detail=detail)
        return Finding(name="image disk", ok=False, detail=detail, fix="Free some space: podman system df")

    return Check("image disk", ask)


def _comfort(total: int) -> str:
    if total >= COMFORTABLE:
        return ""
    if total >= FULL_NEEDS:
        return " Below 16 GiB the full stack is tight: watch swap."
    return " Below 12 GiB leave out what you do not use."
