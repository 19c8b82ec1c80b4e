"""What self-heal remembers, kept so that a restart of the backend forgets no count."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

from sqlalchemy import delete, insert, select

from aistack_backend.clock import Clock
from aistack_backend.observe.heal.models import Track
from aistack_backend.store.database import Database
from aistack_backend.store.tables import meta

KEY = "heal"


class Memory:
    """Tracks of services in one row of the table of settings, with the clocks that their times belong to."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._written = ""

    def load(self) -> dict[str, Track]:
        """Return what was kept; steady times of another boot are moved to this one by the wall clock. A row that
        cannot be read counts as none."""
        with self._database.read() as connection:
            text = connection.execute(select(meta.c.value).where(meta.c.key == KEY)).scalar()
        try:
            kept = json.loads(text or "{}")
            shift = self._shift(kept)
            return {ident: _moved(_track(fields), shift) for ident, fields in kept.get("tracks", {}).items()}
        except (ValueError, TypeError, KeyError, AttributeError):
            return {}

    def save(self, tracks: Mapping[str, Track]) -> None:
        """Keep them, when they differ from what is kept.

        Raises:
            Unavailable: the database cannot be written.
        """
        worth = {ident: asdict(replace(track, well=None)) for ident, track in tracks.items() if not track.blank}
        if (told := json.dumps(worth, sort_keys=True)) == self._written:
            return
        clock = self._clock
        row = {"boot": clock.boot_id(), "mono": clock.mono(), "wall": clock.now(), "tracks": worth}
        with self._database.tx() as connection:
            connection.execute(delete(meta).where(meta.c.key == KEY))
            connection.execute(insert(meta).values(key=KEY, value=json.dumps(row, sort_keys=True)))
        self._written = told

    def _shift(self, kept: Mapping[str, object]) -> float:
        """Seconds to add to kept times: 0 within one boot, else so that as much time has passed as the wall says."""
        if not kept or kept["boot"] == self._clock.boot_id():
            return 0.0
        passed = max(0.0, self._clock.now() - float(str(kept["wall"])))
        return self._clock.mono() - passed - float(str(kept["mono"]))


def _track(fields: Mapping[str, object]) -> Track:
    made = Track(**{**fields, "tries": tuple(fields["tries"])})  # type: ignore[arg-type]
    numbers = (*made.tries, *(at for at in (made.due, made.acting) if at is not None), made.level)
    if not all(isinstance(number, int | float) for number in numbers):
        raise TypeError("a time is no number")
    return made


def _moved(track: Track, shift: float) -> Track:
    def move(at: float | None) -> float | None:
        return None if at is None else at + shift

    return replace(track, tries=tuple(at + shift for at in track.tries), due=move(track.due), acting=move(track.acting))
