"""Events as bytes: encoded once, however many read them."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from aistack_backend.bus import Event

KEPT = 64
"""Encoded events kept for the other readers."""


class Encoder:
    """Turns events into the bytes of the stream, and keeps the newest for the next reader."""

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._kept: OrderedDict[tuple[int, str], bytes] = OrderedDict()

    def encode(self, event: Event) -> bytes:
        """Return ``id``, ``event`` and ``data`` of one event."""
        key = (event.seq, event.topic.value)
        found = self._kept.get(key)
        if found is None:
            data = msgspec.json.encode(event.data)
            found = b"id: %s:%d\nevent: %s\ndata: %s\n\n" % (
                self._epoch.encode(),
                event.seq,
                event.topic.value.encode(),
                data,
            )
            self._kept[key] = found
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found
