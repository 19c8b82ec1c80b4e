"""Finish a restore of the data folder that was cut off: before the first look at it, all of it is old or all new."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

DRAFT = ".restored"
WHOLE = "whole"
"""Lies in the draft once everything else of it is on the disk."""
PARTS = ("aistack.db", "audit")
LEFT = ("aistack.db-wal", "aistack.db-shm")
ASIDE = "before-restore"
"""Beginning of the name of the folder that keeps what was there before."""


def settle(data_dir: Path) -> bool:
    """Take a whole draft into place and drop a half one; True when something was taken.

    Every step can be repeated, so it may be killed anywhere. Call it with the folder's lock held.

    Raises:
        OSError: the folder cannot be written.
    """
    draft = data_dir / DRAFT
    if not (draft / WHOLE).is_file():
        shutil.rmtree(draft, ignore_errors=True)
        return False
    aside = data_dir / f"{ASIDE}-{(draft / WHOLE).read_text().strip()}"
    for name in PARTS:
        if not (draft / name).exists():
            continue  # taken already, or never there
        for old in (name, *(LEFT if name == PARTS[0] else ())):
            if (data_dir / old).exists():
                aside.mkdir(mode=0o700, exist_ok=True)
                (data_dir / old).rename(aside / old)
        (draft / name).rename(data_dir / name)
    _sync(data_dir)
    shutil.rmtree(draft)
    return True


def complete(data_dir: Path, at: int) -> None:
    """Declare the draft whole; what lies in it was synced before."""
    draft = data_dir / DRAFT
    _sync(draft)
    mark = draft / f"{WHOLE}.part"
    mark.write_text(f"{at}\n")
    _sync(mark)
    mark.rename(draft / WHOLE)
    _sync(draft)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
