"""The doctor's look at backups: is there data, is it kept, is that young enough, and was it ever proven."""

from __future__ import annotations

from collections.abc import Callable, Collection

from aistack_backend.containers.backup.methods import NAMES, data_volumes
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.observe.doctor import Check
from aistack_backend.observe.preflight import Wanted
from aistack_backend.wire.status import Finding
from aistack_backend.wire.storage import BackupList

NAME = "backup"
GRACE = 3600.0
"""Seconds that a scheduled backup may be late: asked for, approved and written."""
TAKE, PROVE = "aistack-console backup --yes --wait", "aistack-console backup verify latest --yes --wait"


def kept(
    volumes: Callable[[], Collection[str]],
    wanted: Wanted,
    shelf: Callable[[], BackupList],
    hours: float,
    now: Callable[[], float],
) -> Check:
    """Check that the data which exists is backed up. ``hours``: how old the newest may be by the schedule, 0 = none."""

    def ask() -> Finding:
        data = _data(wanted(), frozenset(volumes()))
        if not data:
            return Finding(
                name=NAME, ok=True, detail="No data volume of the stack exists: there is nothing to back up."
            )
        detail, fix = _wrong(data, shelf(), hours, now())
        if fix:
            return Finding(name=NAME, ok=False, detail=detail, fix=fix)
        return Finding(name=NAME, ok=True, detail=detail)

    return Check(NAME, ask)


def _data(manifest: Manifest, there: frozenset[str]) -> dict[str, int]:
    """Return how many data volumes exist of each service that declares a way to back them up."""
    found = {
        key: len(there & set(data_volumes(decl)))
        for key, decl in manifest.services.items()
        if decl.extra.backup in NAMES
    }
    return {key: count for key, count in found.items() if count}


def _wrong(data: dict[str, int], found: BackupList, hours: float, now: float) -> tuple[str, str]:
    """Return what is seen, and the fix when that is wrong."""
    if not found.backups:
        return f"{sum(data.values())} data volumes exist, and {found.folder} holds no backup.", TAKE
    newest = found.backups[0]
    age = f"The newest backup is {_span(now - newest.at)} old"
    if newest.verified not in {"", "ok"}:
        return f"The newest backup {newest.id} does not hold: {newest.verified}", f"{TAKE}; {PROVE}"
    if hours and now - newest.at > hours * 3600 + GRACE:
        return f"{age}; stack.backup_every wants one every {hours:g} h.", TAKE
    held = {service for one in found.backups for service in one.services}
    if missing := sorted(data.keys() - held):
        return f"{age}; no backup holds data of {', '.join(missing[:6])}.", TAKE
    proven = [one.verified_at for one in found.backups if one.verified == "ok" and one.verified_at is not None]
    if not proven:
        return f"{age}, and none of {len(found.backups)} was ever verified by restoring it.", PROVE
    told = "it was" if newest.verified else "it was not verified; another one was"
    return f"{age}; {told} verified {_span(now - max(proven))} ago.", ""


def _span(seconds: float) -> str:
    """Return an age for a person, e.g. ``3.5 h``."""
    if seconds < 3600:
        return f"{max(0.0, seconds) / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"
