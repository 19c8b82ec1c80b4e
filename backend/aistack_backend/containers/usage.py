"""Podman's usage samples made honest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from aistack_backend.wire.containers import Usage


class Sampler:
    """Drops the processor share of each container's first sample: it is the average since the container started
    (up to 900 % was seen), not a share of the interval; and rows of containers that do not run (4.3 lists them
    with zeros)."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def take(self, rows: Sequence[Usage], running: Collection[str]) -> tuple[Usage, ...]:
        """Return the rows of running containers, with ``cpu_percent`` None where it is not known yet."""
        kept = []
        for row in rows:
            if row.id in running and row.pids:
                kept.append(row if row.id in self._seen else replace(row, cpu_percent=None))
        self._seen = {row.id for row in kept}
        return tuple(kept)

    def forget(self, container: str) -> None:
        """Begin anew with a container that was started or stopped."""
        self._seen.discard(container)
