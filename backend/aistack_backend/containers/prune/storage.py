"""Images, volumes and networks: who uses them, and what a prune of their kind would take, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aistack_backend.containers.port import Podman
from aistack_backend.containers.prune.models import VOLUME, Item, Stock
from aistack_backend.wire.sources import Source
from aistack_backend.wire.storage import Storage, Stored

PATIENCE = 30.0
"""Seconds that measuring the volumes may take; Podman walks all of them at once."""


def storage(podman: Podman, stocks: Sequence[Stock], source: Source, now: float) -> Storage:
    """Look now; blocks for some calls.

    Raises:
        PodmanDown: it does not answer.
    """
    sizes = podman.volume_sizes(PATIENCE)
    return Storage(at=now, source=source, stored=tuple(_stored(one, sizes) for stock in stocks for one in stock.all()))


def _stored(one: Item, sizes: Mapping[str, int]) -> Stored:
    return Stored(
        kind=one.type,
        id=one.id,
        name=one.name,
        size=sizes.get(one.id) if one.type == VOLUME else one.size,
        used_by=one.users,
        created_at=one.created,
        managed=one.managed,
        prunable=one.prunable,
        claimed=bool(one.claim),
        fixed=bool(one.fixed),
        why=one.why(),
    )
