"""How old the newest backup is and whether it was proven, in the same words on every screen."""

from __future__ import annotations

from aistack_backend.wire.stack import Stack
from aistack_backend.wire.storage import BackupList
from aistack_console.present.para import Para, para
from aistack_console.present.table import Tone
from aistack_console.present.units import span


def kept_words(count: int | None, at: float | None, verified_at: float | None, now: float) -> str:
    """Return ``2h10 ago, verified 1h05 ago``; ``never`` where the shelf was read and holds none, empty before."""
    if at is None:
        return "" if count is None else "never"
    proven = "not verified" if verified_at is None else f"verified {span(now - verified_at)} ago"
    return f"{span(now - at)} ago, {proven}"


def kept_line(stack: Stack | None, now: float) -> tuple[Para, ...]:
    """Return the overview's line of the newest backup; none while nobody has looked, or no data is declared."""
    if stack is None or stack.backups is None or not any(one.keeps_data for one in stack.services):
        return ()
    said = kept_words(stack.backups, stack.last_backup, stack.backup_verified, now)
    tone: Tone = "plain" if stack.backup_verified is not None else "warn"
    return (para(("BACKUP   ", "accent"), (f"last {said}" if stack.last_backup is not None else said, tone)),)


def shelf_words(found: BackupList, now: float) -> str:
    """Return the newest backup of a list, in the same words."""
    newest = found.backups[0] if found.backups else None
    proven = newest.verified_at if newest is not None and newest.verified == "ok" else None
    return kept_words(len(found.backups), newest.at if newest else None, proven, now)
