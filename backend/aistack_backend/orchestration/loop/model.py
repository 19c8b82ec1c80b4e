"""The port by which loops give their agents a model: one socket a loop, that serves a model and nothing else."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from aistack_backend.orchestration.loop.meter import Meter
from aistack_backend.wire.loops import LoopRequest

INSIDE = "/model"
"""Where an agent finds the socket's folder."""
SOCKET = "model.sock"


class Models(Protocol):
    """Both methods block; call them from a thread."""

    def loaded(self) -> str:
        """Return the id of the local model that answers now.

        Raises:
            Unavailable: none does.
        """
        ...

    def open(self, folder: Path, request: LoopRequest, meter: Meter) -> AbstractContextManager[None]:
        """Serve the request's model on ``folder/model.sock`` while the context lasts, within what the meter leaves.

        Raises:
            Refused, Conflict: the place is not ours, or somebody answers there.
        """
        ...
