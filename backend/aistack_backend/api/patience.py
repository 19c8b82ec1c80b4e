"""uvicorn's protocol, with an end to waiting for a request that does not come (R4.4)."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

HEAD_WITHIN = 10.0
"""Seconds in which a new connection must send its first whole request head."""
LOOKS = 6
"""Rounds of the loop before a connection counts as silent: what lies in its socket is read within four. Without them a
crowd that came while the loop was busy would be cut off with its requests unread."""

_silent: WeakKeyDictionary[ServerState, dict[H11Protocol, None]] = WeakKeyDictionary()
"""The connections of each server that have sent no whole head yet, the oldest first."""


class PatientProtocol(H11Protocol):
    """Ends a connection that sends no whole request head in time, and before that the oldest one when such connections
    take half the room: whoever only holds places keeps nobody else out."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._patience = self.loop.call_later(HEAD_WITHIN, transport.abort)
        silent = _silent.setdefault(self.server_state, {})
        silent[self] = None
        if self._crowded():
            self.loop.call_soon(self._make_room, LOOKS)

    def _crowded(self) -> bool:
        silent = _silent.get(self.server_state, {})
        return self.limit_concurrency is not None and len(silent) > self.limit_concurrency // 2

    def _make_room(self, looks: int) -> None:
        if looks:
            self.loop.call_soon(self._make_room, looks - 1)
        elif self._crowded():
            silent = _silent[self.server_state]
            oldest = next(iter(silent))
            del silent[oldest]
            oldest.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on; once a whole head has come there is no more hurry."""
        super().data_received(data)
        if self.scope is not None:
            self._calm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._calm()
        super().connection_lost(exc)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
            _silent.get(self.server_state, {}).pop(self, None)
